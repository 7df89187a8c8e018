/**
 * A remedy that waits for its approval, as a runbook: it asks, looks whether it is still needed, runs the remedy as a child, and looks
 * again. What does not help is undone with the execution. What hosts said travels in parameters, so no expression in it is read. Pure.
 */
import { checks } from '../../actions/index.ts';
import { findingText, type Finding, type Remedy, type Rule } from '../../compliance/index.ts';
import { remedyCommand, remedyParameters } from '../../compliance/index.ts';
import type { Json, JsonObject } from '../../json.ts';

export interface RemedyRunbook {
  readonly document: JsonObject;
  readonly parameters: JsonObject;
  /** References by the parameter that is secret. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** As aws:approve takes it, with room for its own words. */
const messageCharactersMax = 4_000;
const findingsNamedMax = 5;

/** `findings`: of the rule on one target, at least one. */
export function remedyRunbook(
  set: string,
  rule: Rule,
  remedy: Remedy,
  target: string,
  findings: readonly Finding[],
): RemedyRunbook {
  const types: Record<string, JsonObject> = {};
  const parameters: Record<string, Json> = {};
  /** Text in braces would be read as an expression, so such a value is a parameter. */
  const held = (name: string, value: Json): Json => {
    if (!JSON.stringify(value).includes('{{')) return value;
    types[name] = { type: typeOf(value) };
    parameters[name] = value;
    return `{{ ${name} }}`;
  };
  const all = (prefix: string, values: JsonObject): JsonObject =>
    Object.fromEntries(
      Object.entries(values).map(([key, value], index) => [key, held(`${prefix}${index}`, value)]),
    );
  const secretNames = Object.keys(rule.secrets).map((input, index) => [input, `Secret${index}`] as const);
  for (const [, name] of secretNames) types[name] = { type: 'String', secret: true };
  const look: JsonObject = {
    ...(checks.get(rule.check)?.scope === 'hosts' ? { Hosts: [target] } : {}),
    ...all('Look', rule.inputs),
    ...Object.fromEntries(secretNames.map(([input, name]) => [input, `{{ ${name} }}`])),
  };
  const runs = new Map(
    findings.map((finding) => [remedyCommand(remedy, finding), remedyParameters(remedy, finding)]),
  );
  const mends = [...runs.values()].map((given, index) => ({
    name: `Mend${index + 1}`,
    action: 'aws:executeAutomation',
    inputs: {
      DocumentName: held(`Runbook${index}`, remedy.runbook),
      RuntimeParameters: all(`Give${index}x`, given),
    },
  }));
  const message = messageOf(set, rule, target, findings, [...runs.keys()]);
  const document: JsonObject = {
    schemaVersion: '0.3',
    description: `Mends rule ${rule.name} of ${set} once it is approved.`,
    rollback: { when: 'onFailure' },
    parameters: types,
    mainSteps: [
      {
        name: 'Approve',
        action: 'aws:approve',
        inputs: {
          Approvers: [...remedy.approvers],
          MinRequiredApprovals: remedy.approvalsNeeded,
          Message: held('Message', message),
        },
      },
      { name: 'LookBefore', action: rule.check, inputs: { ...look, OnNonCompliant: 'report' } },
      {
        name: 'IsNeeded',
        action: 'aws:branch',
        isEnd: true,
        inputs: {
          Choices: [
            { NextStep: 'Mend1', Variable: '{{ LookBefore.Verdict }}', StringEquals: 'NON_COMPLIANT' },
            { NextStep: 'LookAfter', Variable: '{{ LookBefore.Verdict }}', StringEquals: 'UNDETERMINED' },
          ],
        },
      },
      ...mends,
      { name: 'LookAfter', action: rule.check, inputs: look },
    ],
  };
  const secrets = Object.fromEntries(secretNames.map(([input, name]) => [name, rule.secrets[input] ?? '']));
  return { document, parameters, secrets };
}

function messageOf(
  set: string,
  rule: Rule,
  target: string,
  findings: readonly Finding[],
  commands: readonly string[],
): string {
  const named = findings.slice(0, findingsNamedMax).map((finding) => `  ${findingText(finding)}`);
  const more = findings.length - named.length;
  const text = [
    `Mend rule ${rule.name} (${rule.severity}) of ${set} on ${target}?`,
    ...named,
    ...(more > 0 ? [`  and ${more} more`] : []),
    'It runs:',
    ...commands.map((command) => `  ${command}`),
    'It looks before and after, and takes back what did not help.',
  ].join('\n');
  return text.length <= messageCharactersMax
    ? text
    : `${text.slice(0, messageCharactersMax).toWellFormed()}…`;
}

/** The type of a parameter that holds it. */
function typeOf(value: Json): string {
  if (Array.isArray(value)) return value.some((each) => typeof each === 'object') ? 'MapList' : 'StringList';
  return typeof value === 'string' ? 'String' : 'StringMap';
}
