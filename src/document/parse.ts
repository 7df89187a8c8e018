/** Tree → document draft: every key read, every type checked. What the parts mean together is validate/. */
import type { Catalog } from './catalog.ts';
import { changeTemplateKeys, reportChangeTemplate } from './change-template.ts';
import { isAutomation } from './document-kind.ts';
import type { Addition, DocumentDraft } from './draft.ts';
import { parseFiles } from './parse-files.ts';
import { parseLocks } from './locks.ts';
import { parseParameters } from './parse-parameters.ts';
import { parseSteps } from './parse-steps.ts';
import {
  checkKeys,
  entryOf,
  readInteger,
  readList,
  readMap,
  readText,
  readWord,
  requiredEntry,
  wrongType,
  type MapReader,
} from './read-keys.ts';
import type { Report } from './report.ts';
import { describeNode, type Span, type TreeNode } from './tree.ts';
import { rollbackTimeoutSecondsDefault, type Document, type RollbackWhen } from './types.ts';
import { reportEnvelope } from './wrapped.ts';

const documentKeys = [
  'schemaVersion',
  'description',
  'assumeRole',
  'parameters',
  'mainSteps',
  'variables',
  'outputs',
  'files',
  'timeoutSeconds',
  'rollback',
  'notify',
  'locks',
];
const additionKeys = ['timeoutSeconds', 'rollback', 'notify', 'locks'];

/** The draft of a document; undefined when the tree is not an Automation document at all, and then the report says why. */
export function parseTree(root: TreeNode, catalog: Catalog, report: Report): DocumentDraft | undefined {
  const top: Span = { start: root.span.start, end: root.span.start };
  if (root.kind !== 'map') {
    const what = root.kind === 'scalar' && root.value === null ? 'nothing' : describeNode(root);
    report.error('NOT_A_MAP', top, `a runbook is a map of keys, but the file holds ${what}`);
    return undefined;
  }
  const reader: MapReader = { node: root, what: 'the document', report };
  if (reportEnvelope(root, report) || !isAutomation(reader, top)) return undefined;
  reportChangeTemplate(root, report);
  checkKeys(reader, [...documentKeys, ...changeTemplateKeys]);
  const additions: Addition[] = [];
  for (const key of additionKeys) {
    const entry = root.entries.get(key);
    if (entry !== undefined) additions.push({ name: key, span: entry.keySpan });
  }

  const description = readText(reader, 'description');
  const assumeRole = readText(reader, 'assumeRole');
  const parameters = readMap(reader, 'parameters');
  const stepsEntry = requiredEntry(reader, 'mainSteps', top);
  const items = readList(reader, 'mainSteps') ?? [];
  if (stepsEntry?.value.kind === 'list' && items.length === 0) {
    report.error('WRONG_VALUE', stepsEntry.keySpan, 'mainSteps holds no step');
  }
  const parsedParameters =
    parameters === undefined ? {} : parseParameters(parameters.value, report, additions);
  const variables = readMap(reader, 'variables');
  const parsedVariables =
    variables === undefined ? undefined : parseParameters(variables.value, report, additions, 'variable');
  const steps = parseSteps(items, { catalog, report, additions, undoOf: undefined, nestedIn: [] });
  const timeoutSeconds = readInteger(reader, 'timeoutSeconds', 1);
  const notify = parseNotify(reader);
  const locks = parseLocks(reader);
  const files = parseFiles(reader, additions);
  const document: Document = {
    schemaVersion: '0.3',
    ...(description === undefined ? {} : { description }),
    ...(assumeRole === undefined ? {} : { assumeRole }),
    parameters: parsedParameters,
    ...(parsedVariables === undefined ? {} : { variables: parsedVariables }),
    mainSteps: steps.map(({ step }) => step),
    outputs: parseOutputNames(reader),
    ...(files === undefined ? {} : { files }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    rollback: parseRollback(reader, additions),
    ...(notify === undefined ? {} : { notify }),
    ...(locks === undefined ? {} : { locks }),
    additions: [...new Set(additions.map(({ name }) => name))],
  };
  return {
    document,
    node: root,
    steps,
    parameters: parameters?.value.entries ?? new Map(),
    variables: variables?.value.entries ?? new Map(),
    additions,
  };
}

function parseOutputNames(reader: MapReader): string[] {
  const names: string[] = [];
  for (const item of readList(reader, 'outputs') ?? []) {
    if (item.kind === 'scalar' && typeof item.value === 'string') names.push(outputName(item.value));
    else {
      reader.report.error(
        'BAD_OUTPUT',
        item.span,
        `an entry of outputs is Step.Output, but this is ${describeNode(item)}`,
      );
    }
  }
  return names;
}

/** Braces around it are forgiven, with a warning. */
const outputName = (text: string): string => /^\s*\{\{\s*(.*?)\s*\}\}\s*$/.exec(text)?.[1] ?? text.trim();

function parseRollback(reader: MapReader, additions: readonly Addition[]): Document['rollback'] {
  const usesAdditions = additions.some(({ name }) => name !== 'aws:createSnapshot');
  const defaultWhen: RollbackWhen = usesAdditions ? 'onFailure' : 'never';
  const map = readMap(reader, 'rollback');
  if (map === undefined) return { when: defaultWhen, timeoutSeconds: rollbackTimeoutSecondsDefault };
  const inner: MapReader = { node: map.value, what: 'rollback', report: reader.report };
  checkKeys(inner, ['when', 'timeoutSeconds']);
  return {
    when: readWord(inner, 'when', ['onFailure', 'never', 'ask'] as const) ?? defaultWhen,
    timeoutSeconds: readInteger(inner, 'timeoutSeconds', 1) ?? rollbackTimeoutSecondsDefault,
  };
}

function parseNotify(reader: MapReader): Document['notify'] {
  const map = readMap(reader, 'notify');
  if (map === undefined) return undefined;
  const inner: MapReader = { node: map.value, what: 'notify', report: reader.report };
  checkKeys(inner, ['sns', 'channels']);
  const entry = entryOf(inner, 'sns');
  const sns = readText(inner, 'sns');
  if (entry !== undefined && sns === '') wrongType(inner, entry, 'the ARN of an SNS topic');
  const channels = readChannelNames(inner);
  if (entry === undefined && entryOf(inner, 'channels') === undefined)
    reader.report.error('MISSING_KEY', map.keySpan, 'notify needs sns or channels');
  return { ...(sns === undefined ? {} : { sns }), ...(channels === undefined ? {} : { channels }) };
}

/** Whether belay.yaml has them is asked when the runbook is started. */
function readChannelNames(reader: MapReader): readonly string[] | undefined {
  const entry = entryOf(reader, 'channels');
  const items = readList(reader, 'channels');
  if (entry === undefined || items === undefined) return undefined;
  const names = items.flatMap((item) =>
    item.kind === 'scalar' && typeof item.value === 'string' ? [item.value] : [],
  );
  if (names.length === items.length && names.length > 0) return names;
  wrongType(reader, entry, 'a list of names of channels');
  return undefined;
}
