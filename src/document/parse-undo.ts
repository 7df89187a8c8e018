/** Additions to a step: `undo`, what takes it back, `undoNeeds`, what that builds on, and `capture`, what is read before it acts. */
import type { StepDraft, StepsContext } from './draft.ts';
import { isExpression } from './expression.ts';
import { checkKeys, entryOf, readList, readMap, type MapReader } from './read-keys.ts';
import { validateSelector } from './selector.ts';
import {
  describeNode,
  scalarText,
  toJson,
  toJsonObject,
  type Entry,
  type MapNode,
  type TreeNode,
} from './tree.ts';
import type { Capture, UndoPolicy } from './types.ts';

const auto: UndoPolicy = { kind: 'auto' };

export function parseUndo(
  reader: MapReader,
  context: StepsContext,
  parseSteps: (items: readonly TreeNode[], context: StepsContext) => StepDraft[],
): { readonly policy: UndoPolicy; readonly drafts: readonly StepDraft[] | undefined } {
  const entry = entryOf(reader, 'undo');
  if (entry === undefined) return { policy: auto, drafts: undefined };
  const { value } = entry;
  if (value.kind === 'list' && value.items.length > 0) {
    const undoOf = scalarText(reader.node.entries.get('name')?.value);
    const drafts = parseSteps(value.items, { ...context, undoOf });
    return { policy: { kind: 'steps', steps: drafts.map(({ step }) => step) }, drafts };
  }
  if (value.kind === 'map') return { policy: parseNone(reader, value), drafts: undefined };
  if (value.kind === 'scalar' && value.value === 'auto') return { policy: auto, drafts: undefined };
  reader.report.error(
    'UNDO',
    value.kind === 'scalar' ? value.span : entry.keySpan,
    `undo of ${reader.what} is ${value.kind === 'list' ? 'an empty list' : describeNode(value)}, but must be auto, { none: <why> } or a list of steps`,
    value.kind === 'scalar' && value.value === 'none'
      ? 'Say why nothing needs undoing: undo: { none: <why> }.'
      : undefined,
  );
  return { policy: auto, drafts: undefined };
}

function parseNone(reader: MapReader, node: MapNode): UndoPolicy {
  const inner: MapReader = { node, what: `undo of ${reader.what}`, report: reader.report };
  checkKeys(inner, ['none']);
  const none = node.entries.get('none');
  const reason = none === undefined ? undefined : toJson(none.value);
  if (typeof reason === 'string' && reason.trim() !== '') return { kind: 'none', reason };
  if (none !== undefined) {
    const message = `undo of ${reader.what} says none without a reason a human can read`;
    reader.report.error('UNDO', none.keySpan, message, 'undo: { none: <why nothing needs undoing> }');
  }
  return auto;
}

export function parseUndoNeeds(reader: MapReader): readonly string[] | undefined {
  const items = readList(reader, 'undoNeeds');
  if (items === undefined) return undefined;
  const names: string[] = [];
  for (const item of items) {
    if (item.kind === 'scalar' && typeof item.value === 'string') names.push(item.value);
    else {
      const message = `undoNeeds of ${reader.what} must name steps, but holds ${describeNode(item)}`;
      reader.report.error('WRONG_TYPE', item.span, message, 'undoNeeds: [Start]');
    }
  }
  return names;
}

export function parseCapture(reader: MapReader, context: StepsContext): Record<string, Capture> {
  const map = readMap(reader, 'capture');
  if (map === undefined) return {};
  const captures: [string, Capture][] = [];
  for (const entry of map.value.entries.values()) {
    if (!/^[A-Za-z0-9_]+$/.test(entry.key)) {
      const message = `a capture is named with letters, digits and underscores, not ${JSON.stringify(entry.key)}`;
      reader.report.error('CAPTURE', entry.keySpan, message);
    }
    const capture =
      entry.value.kind === 'map' ? parseApiRead(entry, entry.value, context) : parseCommand(reader, entry);
    if (capture !== undefined) captures.push([entry.key, capture]);
  }
  return Object.fromEntries(captures);
}

function parseCommand(reader: MapReader, entry: Entry): Capture | undefined {
  const value = toJson(entry.value);
  const { report } = reader;
  if (typeof value !== 'string' || value.trim() === '') {
    report.error(
      'CAPTURE',
      entry.keySpan,
      `the capture ${entry.key} must be a command, or an API read with Service, Api and Selector`,
    );
    return undefined;
  }
  if (isExpression(value)) {
    report.error(
      'CAPTURE',
      entry.value.span,
      `the capture ${entry.key} is a command, and values never go into commands`,
      'A value could bring its own shell text. Write the command without expressions.',
    );
  }
  return { kind: 'command', command: value };
}

/** `{ Service, Api, …, Selector }`: an API read, written as the inputs of aws:executeAwsApi are. */
const apiReadAction = 'aws:executeAwsApi';

function parseApiRead(entry: Entry, node: MapNode, context: StepsContext): Capture | undefined {
  const { report } = context;
  const { Selector: selector, ...inputs } = toJsonObject(node);
  if (typeof selector !== 'string') {
    report.error('CAPTURE', entry.keySpan, `the capture ${entry.key} needs a Selector`);
    return undefined;
  }
  const problem = validateSelector(selector);
  if (problem !== undefined) {
    const at = node.entries.get('Selector')?.value.span ?? entry.keySpan;
    report.error('BAD_SELECTOR', at, `the selector ${selector} cannot be read: ${problem}`);
  }
  const action = context.catalog.action(apiReadAction);
  if (action !== undefined && action.changes(inputs) !== 'nothing') {
    const api = `${scalarText(node.entries.get('Service')?.value)} ${scalarText(node.entries.get('Api')?.value)}`;
    report.error('CAPTURE', entry.keySpan, `the capture ${entry.key} calls ${api}, but a capture only reads`);
  }
  return { kind: 'api', inputs, selector };
}
