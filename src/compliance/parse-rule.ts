/** One entry of Rules. */
import {
  checkKeys,
  entryOf,
  integerOf,
  readMap,
  readText,
  readTexts,
  readWord,
  requiredText,
  toJson,
  wrongType,
  type Entry,
  type MapNode,
  type MapReader,
  type Report,
  type Span,
} from '../document/index.ts';
import type { JsonObject } from '../json.ts';
import type { CheckCatalog, CheckDescription } from './checks.ts';
import { checkInputs } from './check-inputs.ts';
import { reportRule } from './errors.ts';
import { unknownInRemedy } from './remedy.ts';
import { remedyModes, severities, type Remedy, type Rule } from './types.ts';

export interface Around {
  readonly catalog: CheckCatalog;
  readonly resolvePath: (path: string) => string;
  readonly isThere: (path: string) => boolean;
  /** Of the file: for rules that name none. */
  readonly targets: readonly string[];
}

const ruleKeys = ['Name', 'Severity', 'Check', 'Targets', 'Inputs', 'Secrets', 'Why', 'Remedy'];
/** Nobody is there to type a secret when cron checks. */
const references = /^(file:.+|env:[A-Za-z_][A-Za-z0-9_]*|ssm:.+|secretsmanager:.+)$/s;
const targetsMaxDefault = 1;
/** As of aws:approve. */
const approversMax = 10;

export function readRule(
  node: MapNode,
  around: Around,
  report: Report,
): { readonly rule: Rule; readonly nameSpan: Span } {
  const top = { start: node.span.start, end: node.span.start };
  const nameNode = node.entries.get('Name')?.value;
  const name = nameNode?.kind === 'scalar' && typeof nameNode.value === 'string' ? nameNode.value : '';
  const reader: MapReader = { node, what: name === '' ? 'a rule' : `rule ${name}`, report };
  checkKeys(reader, ruleKeys);
  const named = requiredText(reader, 'Name', top) ?? '';
  const severity = readWord(reader, 'Severity', severities) ?? 'MEDIUM';
  const check = requiredText(reader, 'Check', top) ?? '';
  const description = describe(reader, check, around.catalog);
  const secrets = readSecrets(reader, description, around.resolvePath);
  const inputs = readMap(reader, 'Inputs');
  for (const key of description?.secretInputs ?? []) {
    const written = inputs?.value.entries.get(key);
    if (written === undefined) continue;
    // What is written here may be the secret itself.
    const message = `${key} of ${reader.what} is a secret, and a compliance file holds only where it is`;
    report.concealed('WRONG_VALUE', written.keySpan, message, `Secrets: { ${key}: 'env:VAR' }`);
  }
  if (description !== undefined) checkInputs(reader, inputs, description, Object.keys(secrets), top);
  const why = readText(reader, 'Why');
  const remedy = readRemedy(reader, around);
  const rule: Rule = {
    name: named,
    severity,
    check,
    inputs: inputs === undefined ? {} : (toJson(inputs.value) as JsonObject),
    targets: readTargets(reader, description, around.targets, top),
    secrets,
    ...(why === undefined ? {} : { why }),
    ...(remedy === undefined ? {} : { remedy }),
  };
  return { rule, nameSpan: nameNode?.span ?? top };
}

function describe(reader: MapReader, name: string, catalog: CheckCatalog): CheckDescription | undefined {
  const entry = entryOf(reader, 'Check');
  if (name === '' || entry === undefined) return undefined;
  const known = catalog.check(name);
  if (known !== undefined) return known;
  const withFamily = catalog.names.find((each) => each === `check:${name}`);
  const hint =
    withFamily === undefined ? reader.report.suggest(name, catalog.names) : `Did you mean ${withFamily}?`;
  reportRule(reader.report, 'UNKNOWN_CHECK', entry.value.span, `there is no check ${name}`, hint);
  return undefined;
}

function readTargets(
  reader: MapReader,
  description: CheckDescription | undefined,
  ofFile: readonly string[],
  top: Span,
): readonly string[] {
  const own = readTexts(reader, 'Targets');
  const entry = entryOf(reader, 'Targets');
  if (description?.scope === 'account') {
    if (entry !== undefined) {
      const message = `${description.name} looks at no single host, so ${reader.what} takes no Targets`;
      reportRule(reader.report, 'NO_HOSTS_HERE', entry.keySpan, message);
    }
    return [];
  }
  const targets = entry === undefined ? ofFile : own;
  const wrong = targets.find(
    (each) => each.startsWith('instance-tag:') && !/^instance-tag:[^=]+=/.test(each),
  );
  if (wrong !== undefined) {
    const message = `${wrong} names no tag of instances`;
    reportRule(reader.report, 'BAD_TARGET', entry?.value.span ?? top, message, 'instance-tag:KEY=VALUE');
  }
  if (targets.length === 0 && description !== undefined) {
    const message = `${reader.what} looks at hosts and needs Targets`;
    reportRule(reader.report, 'NO_TARGETS', entry?.keySpan ?? top, message, 'Targets: group:web');
  }
  return targets;
}

function readSecrets(
  reader: MapReader,
  description: CheckDescription | undefined,
  resolvePath: (path: string) => string,
): Readonly<Record<string, string>> {
  const secrets: [string, string][] = [];
  const allowed = description?.secretInputs ?? [];
  for (const { key, keySpan, value } of readMap(reader, 'Secrets')?.value.entries.values() ?? []) {
    const text = value.kind === 'scalar' && typeof value.value === 'string' ? value.value : '';
    if (description !== undefined && !allowed.includes(key)) {
      const takes = allowed.length === 0 ? 'none' : allowed.join(', ');
      const message = `${description.name} takes no secret ${key}; it takes ${takes}`;
      // What is written there may be the secret itself.
      if (references.test(text)) reader.report.error('UNKNOWN_KEY', keySpan, message);
      else reader.report.concealed('UNKNOWN_KEY', keySpan, message);
    } else if (references.test(text)) {
      const path = text.startsWith('file:') ? `file:${resolvePath(text.slice('file:'.length))}` : text;
      secrets.push([key, path]);
    } else {
      // What is written here may be the secret itself.
      const message = `secret ${key} of ${reader.what} must be a reference that can be read while nobody is there`;
      const hint = 'file:PATH, env:VAR, ssm:/path or secretsmanager:ID';
      reader.report.concealed('WRONG_VALUE', value.span, message, hint);
    }
  }
  return Object.fromEntries(secrets);
}

function readRemedy(reader: MapReader, { resolvePath, isThere }: Around): Remedy | undefined {
  const map = readMap(reader, 'Remedy');
  if (map === undefined) return undefined;
  const inner: MapReader = { node: map.value, what: `Remedy of ${reader.what}`, report: reader.report };
  checkKeys(inner, ['Runbook', 'Parameters', 'Mode', 'MaxTargets', 'Approvers', 'MinRequiredApprovals']);
  const runbook = requiredText(inner, 'Runbook', map.keySpan);
  const parameters = readMap(inner, 'Parameters');
  const mode = readWord(inner, 'Mode', remedyModes) ?? 'propose';
  const [unknown] = parameters === undefined ? [] : unknownInRemedy(toJson(parameters.value));
  if (parameters !== undefined && unknown !== undefined) {
    const message = `{{ ${unknown} }} is nothing that a finding has`;
    const hint = 'There are TARGET, SUBJECT, WANTED, FOUND and RULE.';
    reportRule(inner.report, 'UNKNOWN_PLACEHOLDER', parameters.keySpan, message, hint);
  }
  const approval = readApproval(inner, mode, map.keySpan);
  if (runbook === undefined) return undefined;
  if (!isThere(resolvePath(runbook))) {
    const message = `there is no runbook ${resolvePath(runbook)}`;
    const span = entryOf(inner, 'Runbook')?.value.span ?? map.keySpan;
    reportRule(inner.report, 'NO_RUNBOOK', span, message, 'Its path is relative to this file.');
  }
  return {
    runbook: resolvePath(runbook),
    parameters: parameters === undefined ? {} : (toJson(parameters.value) as JsonObject),
    mode,
    targetsMax: readCount(inner, entryOf(inner, 'MaxTargets'), 1_000) ?? targetsMaxDefault,
    ...approval,
  };
}

/** Only what waits for a person names whom it waits for. */
function readApproval(
  reader: MapReader,
  mode: Remedy['mode'],
  top: Span,
): Pick<Remedy, 'approvers' | 'approvalsNeeded'> {
  const approvers = readTexts(reader, 'Approvers');
  const approvalsNeeded = readCount(reader, entryOf(reader, 'MinRequiredApprovals'), approversMax) ?? 1;
  const entry = entryOf(reader, 'Approvers');
  if (mode === 'approve') {
    if (approvers.length === 0 || approvers.length > approversMax) {
      const message = `${reader.what} waits for an approval and needs Approvers, from 1 to ${approversMax}`;
      reader.report.error('MISSING_KEY', entry?.keySpan ?? top, message, 'Approvers: [dba]');
    }
    return { approvers, approvalsNeeded };
  }
  for (const key of ['Approvers', 'MinRequiredApprovals']) {
    const unused = entryOf(reader, key);
    if (unused === undefined) continue;
    const message = `${key} is for Mode: approve, and the Mode of ${reader.what} is ${mode}`;
    reader.report.error('WRONG_VALUE', unused.keySpan, message, 'Nobody would be asked.');
  }
  return { approvers: [], approvalsNeeded: 1 };
}

function readCount(reader: MapReader, entry: Entry | undefined, max: number): number | undefined {
  if (entry === undefined) return undefined;
  const value = integerOf(entry.value);
  if (value !== undefined && value >= 1 && value <= max) return value;
  wrongType(reader, entry, `a whole number from 1 to ${max}`);
  return undefined;
}
