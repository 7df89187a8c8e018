/** The steps of a document or of an undo list, as written: keys, types and defaults. What they mean together is validate/. */
import type { JsonObject } from '../json.ts';
import type { StepDraft, StepsContext } from './draft.ts';
import { isExpression } from './expression.ts';
import { isAwsAction } from './fit-inputs.ts';
import { inputAdditions } from './input-additions.ts';
import { parseNested, stepsOf, takeNested } from './parse-nested.ts';
import { parseLocks } from './locks.ts';
import { parseCapture, parseUndo, parseUndoNeeds } from './parse-undo.ts';
import {
  checkKeys,
  entryOf,
  integerOf,
  readBoolean,
  readInteger,
  readList,
  readMap,
  readText,
  requiredEntry,
  warnOfUnknownKeys,
  wrongType,
  type MapReader,
} from './read-keys.ts';
import { readInputs } from './read-inputs.ts';
import { outputTypes, validateSelector } from './selector.ts';
import { describeNode, type MapNode, type Span, type TreeNode } from './tree.ts';
import type { Report } from './report.ts';
import type { DeclaredOutput, ProgramPlace, Route, Step } from './types.ts';

const stepKeys = [
  'name',
  'action',
  'inputs',
  'description',
  'outputs',
  'maxAttempts',
  'timeoutSeconds',
  'onFailure',
  'onCancel',
  'isCritical',
  'isEnd',
  'nextStep',
];
const additionKeys = ['undo', 'undoNeeds', 'capture', 'locks'];
const notBuiltYet = {
  irreversible: 'the line behind which failures are repaired forward',
  retry: 'back-off between attempts; maxAttempts works',
};

export function parseSteps(items: readonly TreeNode[], context: StepsContext): StepDraft[] {
  const drafts: StepDraft[] = [];
  for (const item of items) {
    if (item.kind === 'map') drafts.push(parseStep(item, context));
    else
      context.report.error(
        'WRONG_TYPE',
        item.span,
        `a step must be a map, but this is ${describeNode(item)}`,
      );
  }
  return drafts;
}

function parseStep(whole: MapNode, context: StepsContext): StepDraft {
  const { report, catalog } = context;
  const { node, lists } = takeNested(whole, catalog);
  const nameEntry = node.entries.get('name');
  const nameSpan = nameEntry?.value.span ?? firstLineOf(node);
  const named = nameEntry?.value.kind === 'scalar' ? nameEntry.value.value : undefined;
  const reader: MapReader = {
    node,
    what: typeof named === 'string' ? `step "${named}"` : 'this step',
    report,
  };
  checkStepKeys(reader, context);

  if (requiredEntry(reader, 'name', nameSpan) !== undefined) checkName(reader, nameSpan);
  const action = requiredEntry(reader, 'action', nameSpan) && readText(reader, 'action');
  const actionSpan = node.entries.get('action')?.value.span ?? nameSpan;
  if (action !== undefined && !action.startsWith('aws:')) {
    context.additions.push({ name: action, span: actionSpan });
  } else if (action === 'aws:createSnapshot') {
    context.additions.push({ name: action, span: actionSpan });
  }
  const inputsNode = node.entries.get('inputs')?.value;
  for (const name of inputAdditions) {
    const added = inputsNode?.kind === 'map' ? inputsNode.entries.get(name) : undefined;
    if (added !== undefined) context.additions.push({ name, span: added.keySpan });
  }

  const onFailure = parseRoute(reader, 'onFailure');
  const description = readText(reader, 'description');
  const nextStep = readText(reader, 'nextStep');
  const timeoutSeconds = parseTimeout(reader);
  const undo = parseUndo(reader, context, parseSteps);
  const nested = parseNested(reader, lists, context, parseSteps);
  const locks = parseLocks(reader);
  const undoNeeds = parseUndoNeeds(reader);
  const step: Step = {
    name: readTextQuietly(node, 'name'),
    action: action ?? '',
    inputs: parseInputs(reader, action ?? '', catalog.action(action ?? '')?.inputs),
    ...(description === undefined ? {} : { description }),
    ...programsOf(node, catalog.action(action ?? '')?.programInputs ?? [], report),
    outputs: parseOutputs(reader),
    maxAttempts: readInteger(reader, 'maxAttempts', 1) ?? 1,
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    onFailure,
    onCancel: parseRoute(reader, 'onCancel'),
    isCritical: readBoolean(reader, 'isCritical') ?? onFailure.kind !== 'Continue',
    isEnd: readBoolean(reader, 'isEnd') ?? false,
    ...(nextStep === undefined ? {} : { nextStep }),
    undo: undo.policy,
    ...(undoNeeds === undefined ? {} : { undoNeeds }),
    ...(nested.size === 0 ? {} : { nested: stepsOf(nested) }),
    capture: parseCapture(reader, context),
    ...(locks === undefined ? {} : { locks }),
  };
  return { step, node, nameSpan, undo: undo.drafts, scope: lists.nests?.scope, nested };
}

function checkStepKeys(reader: MapReader, context: StepsContext): void {
  checkKeys(reader, [...stepKeys, ...additionKeys], notBuiltYet);
  for (const key of additionKeys) {
    const entry = reader.node.entries.get(key);
    if (entry === undefined) continue;
    context.additions.push({ name: key, span: entry.keySpan });
    if (context.undoOf !== undefined && key !== 'locks') {
      const message = `${reader.what} undoes "${context.undoOf}" and cannot have ${key} itself`;
      reader.report.error('UNDO', entry.keySpan, message);
    }
  }
}

function checkName(reader: MapReader, span: Span): void {
  const name = readText(reader, 'name');
  if (name === undefined || /^[A-Za-z0-9_]+$/.test(name)) return;
  const better = name.replaceAll(/[^A-Za-z0-9_]+/g, '_').replaceAll(/^_+|_+$/g, '');
  reader.report.error(
    'STEP_NAME',
    span,
    `a step is named with letters, digits and underscores, not ${JSON.stringify(name)}`,
    better === '' ? undefined : `For instance ${better}.`,
  );
}

function parseInputs(reader: MapReader, action: string, schema: JsonObject | undefined): JsonObject {
  const entry = readMap(reader, 'inputs');
  return entry === undefined ? {} : readInputs(entry.value, schema ?? {}, isAwsAction(action), reader.report);
}

/** Where the programs among the inputs begin. */
function programsOf({ entries }: MapNode, names: readonly string[], report: Report): Pick<Step, 'programs'> {
  const inputs = entries.get('inputs')?.value;
  const found = names.flatMap((name): [string, ProgramPlace][] => {
    const value = inputs?.kind === 'map' ? inputs.entries.get(name)?.value : undefined;
    if (value?.kind !== 'scalar') return [];
    const isBlock = value.isBlock === true;
    return [[name, { line: report.lineAt(value.span.start) + (isBlock ? 1 : 0), isBlock }]];
  });
  return found.length === 0 ? {} : { programs: Object.fromEntries(found) };
}

/** Seconds, or an expression that gives them. */
function parseTimeout(reader: MapReader): number | string | undefined {
  const entry = entryOf(reader, 'timeoutSeconds');
  if (entry?.value.kind === 'scalar' && isExpression(entry.value.value)) return String(entry.value.value);
  if (entry !== undefined && integerOf(entry.value) === undefined) {
    wrongType(reader, entry, 'a whole number of seconds');
    return undefined;
  }
  return readInteger(reader, 'timeoutSeconds', 1);
}

function parseRoute(reader: MapReader, key: 'onFailure' | 'onCancel'): Route {
  const entry = entryOf(reader, key);
  if (entry === undefined) return { kind: 'Abort' };
  const text = entry.value.kind === 'scalar' ? String(entry.value.value) : '';
  const step = /^step:\s*(\S+)$/.exec(text)?.[1];
  if (step !== undefined) return { kind: 'step', step };
  if (text === 'Abort') return { kind: 'Abort' };
  if (text === 'Continue' && key === 'onFailure') return { kind: 'Continue' };
  const words = key === 'onFailure' ? ['Abort', 'Continue'] : ['Abort'];
  const hint = reader.report.suggest(text, words);
  reader.report.error(
    'WRONG_VALUE',
    entry.value.span,
    `${key} of ${reader.what} is ${describeNode(entry.value)}, but must be ${words.join(', ')} or step:NAME`,
    hint?.startsWith('Did') === true ? hint : undefined,
  );
  return { kind: 'Abort' };
}

function parseOutputs(reader: MapReader): DeclaredOutput[] {
  const outputs = new Map<string, DeclaredOutput>();
  for (const item of readList(reader, 'outputs') ?? []) {
    if (item.kind !== 'map') {
      reader.report.error(
        'WRONG_TYPE',
        item.span,
        `an output of ${reader.what} must be a map with Name, Selector and Type, but is ${describeNode(item)}`,
      );
      continue;
    }
    const output = parseOutput({ node: item, what: `an output of ${reader.what}`, report: reader.report });
    if (output === undefined) continue;
    if (outputs.has(output.Name)) {
      const at = item.entries.get('Name')?.value.span ?? item.span;
      reader.report.error('DUPLICATE_OUTPUT', at, `${reader.what} declares the output ${output.Name} twice`);
      continue;
    }
    outputs.set(output.Name, output);
  }
  return [...outputs.values()];
}

function parseOutput(reader: MapReader): DeclaredOutput | undefined {
  const at = firstLineOf(reader.node);
  warnOfUnknownKeys(reader, ['Name', 'Selector', 'Type']);
  const name = requiredEntry(reader, 'Name', at) && readText(reader, 'Name');
  const selector = requiredEntry(reader, 'Selector', at) && readText(reader, 'Selector');
  const typeEntry = entryOf(reader, 'Type');
  const typeText = typeEntry === undefined ? 'String' : readText(reader, 'Type');
  const type = outputTypes.find((known) => known === typeText);
  if (typeEntry !== undefined && typeText !== undefined && type === undefined) {
    const message = `${typeText} is not a type of an output`;
    reader.report.error(
      'WRONG_VALUE',
      typeEntry.value.span,
      message,
      reader.report.suggest(typeText, outputTypes),
    );
  }
  const selectorProblem = selector === undefined ? undefined : validateSelector(selector);
  if (selectorProblem !== undefined) {
    const span = reader.node.entries.get('Selector')?.value.span ?? at;
    reader.report.error('BAD_SELECTOR', span, `the selector ${selector} cannot be read: ${selectorProblem}`);
  }
  if (name === undefined || selector === undefined || type === undefined) return undefined;
  return { Name: name, Selector: selector, Type: type };
}

function readTextQuietly(node: MapNode, key: string): string {
  const value = node.entries.get(key)?.value;
  return value?.kind === 'scalar' && value.value !== null ? String(value.value) : '';
}

/** The first key of a map, for problems of the whole map. */
function firstLineOf(node: MapNode): Span {
  const [first] = node.entries.values();
  return first?.keySpan ?? node.span;
}
