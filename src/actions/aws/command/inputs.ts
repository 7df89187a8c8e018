/** The inputs of aws:runCommand: SendCommand's, as SSM Automation takes them, and what is checked of them at validation. */
import { Type, type Static } from 'typebox';
import type { CatalogProblem } from '../../../document/catalog.ts';
import { isExpression as isOpenValue } from '../../../document/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../json.ts';
import { ActionFailure } from '../../define-action.ts';
import { strictObject } from '../../strict-object.ts';
import { documentVersion } from '../document-version.ts';
import { shareLimits, shareProblem } from '../share-problem.ts';
import { documentNameInSsm, shareInSsm, targetValuesInSsm } from '../ssm-rules.ts';
import { knownDocument, refusedDocument } from './aws-documents.ts';

const parameterValue = Type.Union([
  Type.String(),
  Type.Number(),
  Type.Boolean(),
  Type.Array(Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
  Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
    description: 'Of a StringMap parameter.',
  }),
]);

export const runCommandInputs = strictObject({
  DocumentName: Type.String({
    minLength: 1,
    description:
      'A Command document, or its ARN. On hosts that SSM does not reach: one beside the runbook or in commands/ there, AWS-RunShellScript, AWS-RunPatchBaseline.',
  }),
  DocumentVersion: Type.Optional(Type.String({ pattern: documentVersion })),
  DocumentHash: Type.Optional(Type.String()),
  DocumentHashType: Type.Optional(Type.Enum(['Sha256', 'Sha1'])),
  InstanceIds: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      description:
        'Instance ids (i-…, mi-…) go through SSM, 50 in one command; hosts of the inventory over their transport. AWS itself takes at most 50.',
    }),
  ),
  Targets: Type.Optional(
    Type.Array(strictObject({ Key: Type.String({ minLength: 1 }), Values: Type.Array(Type.String()) }), {
      maxItems: 5,
      description: 'tag:NAME, tag-key, InstanceIds or a resource group; through SSM.',
    }),
  ),
  Parameters: Type.Optional(
    Type.Record(Type.String(), parameterValue, { description: "The Command document's parameters." }),
  ),
  TimeoutSeconds: Type.Optional(
    Type.Integer({
      minimum: 30,
      maximum: 2_592_000,
      description:
        'How long an instance may take to pick the command up. How long it runs is executionTimeout.',
    }),
  ),
  Comment: Type.Optional(
    Type.String({ maxLength: 100, description: "Shortened where Belay's token needs the room." }),
  ),
  CloudWatchOutputConfig: Type.Optional(
    strictObject({
      CloudWatchLogGroupName: Type.Optional(Type.String()),
      CloudWatchOutputEnabled: Type.Optional(Type.Boolean()),
    }),
  ),
  NotificationConfig: Type.Optional(
    strictObject({
      NotificationArn: Type.Optional(Type.String()),
      NotificationEvents: Type.Optional(Type.Array(Type.String())),
      NotificationType: Type.Optional(Type.String()),
    }),
  ),
  OutputS3BucketName: Type.Optional(Type.String()),
  OutputS3KeyPrefix: Type.Optional(Type.String()),
  OutputS3Region: Type.Optional(Type.String()),
  ServiceRoleArn: Type.Optional(Type.String()),
  MaxConcurrency: Type.Optional(
    Type.Union([Type.String(), Type.Integer()], { description: '10 or 50%; through SSM only.' }),
  ),
  MaxErrors: Type.Optional(
    Type.Union([Type.String(), Type.Integer()], { description: '0 or 10%; through SSM only.' }),
  ),
});

export type RunCommandInputs = Static<typeof runCommandInputs>;

/** Shell commands on instances and hosts. */
export const shellDocument = 'AWS-RunShellScript';
/** Those whose `commands` are the text of a program. */
const shellDocuments: readonly string[] = [shellDocument, 'AWS-RunPowerShellScript'];
const shellParameters = ['commands', 'workingDirectory', 'executionTimeout'] as const;

/** Bounds of executionTimeout in seconds (SSM agent); outside of them the agent silently takes an hour. */
const executionSecondsMin = 5;
const executionSecondsMax = 172_800;
export const executionSecondsDefault = 3_600;

export interface ShellRun {
  readonly text: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Of a Command document; absent: one. */
  readonly plugins?: number;
  readonly workingDirectory: string | undefined;
  readonly timeoutSeconds: number;
}

export function isInstanceId(target: string): boolean {
  return /^m?i-[0-9a-z]{8,17}$/.test(target);
}

/** The parameters as SendCommand wants them: each a list of strings. */
export function wireParameters(parameters: RunCommandInputs['Parameters']): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(parameters ?? {}).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(wireText) : [wireText(value)],
    ]),
  );
}

/** A map travels as its JSON. */
const wireText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** The inputs with the one of InstanceIds and Targets that names something. Throws ActionFailure: neither does, or both. */
export function withTargets(inputs: RunCommandInputs): RunCommandInputs {
  const { InstanceIds = [], Targets = [], ...rest } = inputs;
  if (InstanceIds.length > 0 && Targets.length > 0) throw badTargets('both name something');
  if (InstanceIds.length === 0 && Targets.length === 0) throw badTargets('neither names anything');
  return Targets.length > 0 ? { ...rest, Targets } : { ...rest, InstanceIds };
}

function badTargets(why: string): ActionFailure {
  const message = `aws:runCommand takes either InstanceIds or Targets, and ${why}; nothing was run`;
  return new ActionFailure({ code: 'INVALID_INPUT', message });
}

/** What AWS-RunShellScript does with its parameters: commands joined by newlines into one script. */
export function shellRun(parameters: RunCommandInputs['Parameters']): ShellRun {
  const { commands = [], workingDirectory = [], executionTimeout = [] } = wireParameters(parameters);
  return {
    text: `${commands.join('\n')}\n`,
    workingDirectory: workingDirectory[0] === '' ? undefined : workingDirectory[0],
    timeoutSeconds: executionSeconds(executionTimeout[0]) ?? executionSecondsDefault,
  };
}

/** timeoutSeconds of a plugin: the agent takes an hour for what is outside of its bounds. */
export function secondsOf(value: Json | undefined): number | undefined {
  return typeof value === 'string' || typeof value === 'number' ? executionSeconds(String(value)) : undefined;
}

/** Undefined: not given, or outside of the bounds. */
function executionSeconds(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  const seconds = Number(text);
  return seconds >= executionSecondsMin && seconds <= executionSecondsMax ? seconds : undefined;
}

/** Inputs as written. */
export function checkRunCommand(
  inputs: JsonObject,
  isExpression: (value: unknown) => boolean,
): readonly CatalogProblem[] {
  const problems: CatalogProblem[] = [];
  const { InstanceIds, Targets, DocumentName, Parameters } = inputs;
  // Which of two expressions is empty shows when the step runs.
  const isOpen = [InstanceIds, Targets].some((value) => typeof value === 'string' && isExpression(value));
  if ((InstanceIds === undefined) === (Targets === undefined) && !(isOpen && InstanceIds !== undefined)) {
    const given = InstanceIds === undefined ? 'neither' : 'both';
    problems.push({
      code: 'WRONG_INPUT',
      path: [],
      message: `aws:runCommand takes either InstanceIds or Targets, and is given ${given}`,
    });
  }
  for (const [name, least] of shareLimits) {
    const message = shareProblem(name, inputs[name], least);
    if (message !== undefined) problems.push({ code: 'WRONG_INPUT', path: [name], message });
  }
  for (const [name, value] of Object.entries({ InstanceIds, Targets }))
    if (Array.isArray(value) && value.length === 0) {
      const message = `${name} is empty: the command would run nowhere`;
      problems.push({ code: 'WRONG_INPUT', path: [name], message });
    }
  if (typeof DocumentName !== 'string' || isExpression(DocumentName)) return problems;
  const name = documentNameOf(DocumentName);
  const ids = Array.isArray(InstanceIds) ? (InstanceIds as readonly Json[]) : [];
  for (const [index, id] of ids.entries()) {
    if (typeof id !== 'string' || isExpression(id) || isInstanceId(id)) continue;
    // A document of another name lies beside the runbook, which is looked at before a run begins.
    const why =
      name === shellDocument || knownDocument(name) !== undefined ? undefined : refusedDocument(name);
    if (why === undefined) continue;
    problems.push({
      code: 'UNSUPPORTED_DOCUMENT',
      path: ['InstanceIds', index],
      message: `${id} is not an instance id, and on a host of the inventory that SSM does not reach ${name} cannot be run: ${why}`,
    });
  }
  if (name === shellDocument) problems.push(...checkShellParameters(Parameters, isExpression));
  if (shellDocuments.includes(name)) problems.push(...pastedValues(Parameters, isExpression));
  return problems;
}

/** What AWS refuses beyond that. */
export function runCommandInSsm(inputs: JsonObject): readonly CatalogProblem[] {
  const { Targets: targets, MaxConcurrency, MaxErrors } = inputs;
  return [
    ...documentNameInSsm(inputs),
    ...targetValuesInSsm(targets, ['Targets']),
    ...(Array.isArray(targets) ? (targets as readonly Json[]) : []).flatMap((target, index) => {
      const key = isJsonObject(target) ? target['Key'] : undefined;
      if (typeof key !== 'string' || isOpenValue(key) || targetKeys.test(key)) return [];
      const message = `AWS chooses nodes by tag:NAME, tag-key, InstanceIds or a resource group, and not by ${key}`;
      return [{ code: 'WRONG_INPUT', path: ['Targets', index, 'Key'], message }];
    }),
    ...shareInSsm(MaxConcurrency, 'concurrency', ['MaxConcurrency']),
    ...shareInSsm(MaxErrors, 'errors', ['MaxErrors']),
  ];
}

const targetKeys =
  /^(?:tag:.+|tag-key|InstanceIds|instanceids|resource-groups:(?:Name|ResourceTypeFilters))$/;

/** SSM pastes values into the text of commands; whoever may give the value may then run what he likes. */
function pastedValues(
  parameters: Json | undefined,
  isExpression: (value: unknown) => boolean,
): readonly CatalogProblem[] {
  const commands = isJsonObject(parameters) ? parameters['commands'] : undefined;
  const texts = Array.isArray(commands) ? (commands as readonly Json[]) : [commands];
  // A whole command that is one expression is somebody's program, not a value within one.
  return texts.flatMap((text, index): CatalogProblem[] => {
    if (typeof text !== 'string' || !isExpression(text) || /^\{\{[^{}]*\}\}$/.test(text.trim())) return [];
    const path = ['Parameters', 'commands', ...(Array.isArray(commands) ? [index] : [])];
    return [
      {
        code: 'EXPRESSION_IN_SCRIPT',
        isWarning: true,
        path,
        message: 'a value written into shell text becomes part of the program: quotes or ; in it would run',
        hint: 'host:command passes values through Env; here, an allowedPattern on the parameter keeps quotes, ; and $ out',
      },
    ];
  });
}

function checkShellParameters(
  parameters: Json | undefined,
  isExpression: (value: unknown) => boolean,
): readonly CatalogProblem[] {
  if (isExpression(parameters)) return [];
  if (!isJsonObject(parameters) || parameters['commands'] === undefined) {
    const message = `${shellDocument} needs the parameter commands`;
    return [{ code: 'MISSING_INPUT', path: isJsonObject(parameters) ? ['Parameters'] : [], message }];
  }
  const problems: CatalogProblem[] = [];
  for (const name of Object.keys(parameters)) {
    if (shellParameters.some((known) => known === name)) continue;
    const message = `${shellDocument} has no parameter ${name}; it has ${shellParameters.join(', ')}`;
    problems.push({ code: 'UNKNOWN_INPUT', path: ['Parameters', name], message });
  }
  const written = parameters['executionTimeout'];
  const limit = Array.isArray(written) ? (written as readonly Json[])[0] : written;
  const isKnown = limit !== undefined && !isExpression(limit);
  if (isKnown && executionSeconds(typeof limit === 'object' ? '' : String(limit)) === undefined) {
    problems.push({
      code: 'WRONG_INPUT',
      path: ['Parameters', 'executionTimeout'],
      message: `executionTimeout is ${JSON.stringify(limit)}; outside of ${executionSecondsMin} to ${executionSecondsMax} seconds the SSM agent silently takes ${executionSecondsDefault}`,
    });
  }
  return problems;
}

/** The name of a document given by name or ARN. */
export function documentNameOf(nameOrArn: string): string {
  return nameOrArn.startsWith('arn:') ? (nameOrArn.split('document/')[1] ?? nameOrArn) : nameOrArn;
}
