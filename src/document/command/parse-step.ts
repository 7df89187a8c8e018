/** One plugin of a Command document, as 2.0 and 2.2 list it and as 1.2 names it. */
import type { JsonObject } from '../../json.ts';
import {
  checkKeys,
  entryOf,
  readBoolean,
  readMap,
  readText,
  requiredEntry,
  type MapReader,
} from '../read-keys.ts';
import type { Report } from '../report.ts';
import { scalarText, toJsonObject, type Entry, type MapNode, type TreeNode } from '../tree.ts';
import { flowInputs, plugins } from './plugins.ts';
import type { CommandStep, Precondition } from './types.ts';

const stepKeys = ['action', 'name', 'inputs', 'precondition', 'description'];
/** Keys of Automation that stand in Command documents, too, and that the agent reads past. */
const ignoredKeys = [
  'isEnd',
  'nextStep',
  'maxAttempts',
  'onFailure',
  'onCancel',
  'isCritical',
  'timeoutSeconds',
  'outputs',
  'settings',
];

interface Around {
  readonly version: '2.0' | '2.2';
  readonly isLast: boolean;
}

export function parseStep(node: MapNode, report: Report, { version, isLast }: Around): CommandStep {
  const named = scalarText(node.entries.get('name')?.value);
  const reader: MapReader = { node, what: named === '' ? 'this step' : `step "${named}"`, report };
  for (const key of ignoredKeys) {
    const entry = node.entries.get(key);
    if (entry === undefined) continue;
    const hint =
      key === 'onFailure' ? 'In a Command document it belongs in inputs: exit or successAndExit.' : undefined;
    report.warn(
      'NOT_IN_SSM',
      entry.keySpan,
      `${key} means nothing in a Command document, and is not looked at`,
      hint,
    );
  }
  checkKeys(reader, [...stepKeys, ...ignoredKeys]);
  const at = [...node.entries.values()][0]?.keySpan ?? node.span;
  const name = requiredEntry(reader, 'name', at) && readText(reader, 'name');
  const action = requiredEntry(reader, 'action', at) && readText(reader, 'action');
  const written = readMap(reader, 'inputs');
  const inputs = written && { ...written, value: inOwnSpelling(action ?? '', written.value) };
  if (action !== undefined) checkAction(action, node.entries.get('action'), report);
  if (inputs !== undefined && action !== undefined) checkInputs(action, inputs, report);
  const precondition = parsePrecondition(reader, version);
  return {
    name: name ?? '',
    action: action ?? '',
    ...flowOf(inputs?.value, reader, isLast),
    inputs: withoutFlow(inputs === undefined ? {} : toJsonObject(inputs.value)),
    precondition,
  };
}

/** A member of runtimeConfig. */
export function parseClassic({ key, keySpan, value }: Entry, report: Report): readonly CommandStep[] {
  checkAction(key, { key, keySpan, value }, report, true);
  const reader: MapReader | undefined = value.kind === 'map' ? { node: value, what: key, report } : undefined;
  const properties = reader && entryOf(reader, 'properties');
  if (reader === undefined || properties === undefined) {
    report.error('MISSING_KEY', keySpan, `${key} needs properties`);
    return [];
  }
  const items: readonly TreeNode[] =
    properties.value.kind === 'list' ? properties.value.items : [properties.value];
  return items.flatMap((item, index): CommandStep[] => {
    // AWS's own documents give all of the properties as one expression.
    if (item.kind === 'scalar') return [];
    if (item.kind !== 'map') {
      report.error('WRONG_TYPE', item.span, `properties of ${key} must be a map`);
      return [];
    }
    const own = inOwnSpelling(key, item);
    checkInputs(key, { key: 'properties', keySpan: properties.keySpan, value: own }, report);
    const id = scalarText(own.entries.get('id')?.value);
    return [
      {
        name: id === '' ? `${key}${items.length > 1 ? `.${index}` : ''}` : id,
        action: key,
        inputs: toJsonObject(own),
        precondition: null,
        onFailure: null,
        onSuccess: null,
        finallyStep: false,
      },
    ];
  });
}

/** The agent reads the names of inputs in any case, and AWS's own documents write `RunCommand`. */
function inOwnSpelling(action: string, map: MapNode): MapNode {
  const plugin = Object.hasOwn(plugins, action) ? plugins[action] : undefined;
  if (plugin === undefined) return map;
  const names = [...plugin.inputs.map((name) => name.replace('!', '')), ...flowInputs];
  const entries = [...map.entries].map(([key, entry]): [string, Entry] => {
    const own = names.find((name) => name.toLowerCase() === key.toLowerCase());
    const isTaken = own !== undefined && own !== key && map.entries.has(own);
    return own === undefined || isTaken ? [key, entry] : [own, { ...entry, key: own }];
  });
  return { ...map, entries: new Map(entries) };
}

function checkAction(action: string, entry: Entry | undefined, report: Report, isKey = false): void {
  if (entry === undefined || Object.hasOwn(plugins, action)) return;
  const span = isKey ? entry.keySpan : entry.value.span;
  const known = Object.keys(plugins);
  if (
    /^aws:(executeAwsApi|executeScript|branch|approve|sleep|pause|runCommand|executeAutomation|changeInstanceState)$/.test(
      action,
    )
  )
    report.error(
      'UNKNOWN_ACTION',
      span,
      `${action} is an action of Automation runbooks, and no plugin of Command documents`,
      "Write schemaVersion '0.3', if it is meant to be a runbook.",
    );
  else
    report.error(
      'UNKNOWN_ACTION',
      span,
      `Command documents have no plugin ${action}`,
      report.suggest(action, known),
    );
}

function checkInputs(
  action: string,
  { keySpan, value }: Entry & { readonly value: MapNode },
  report: Report,
): void {
  const plugin = Object.hasOwn(plugins, action) ? plugins[action] : undefined;
  if (plugin === undefined) return;
  const names = plugin.inputs.map((name) => name.replace('!', ''));
  for (const entry of value.entries.values()) {
    if (names.includes(entry.key) || flowInputs.includes(entry.key)) continue;
    const message = `${action} has no input ${entry.key}: the agent does not look at it`;
    report.warn('UNKNOWN_INPUT', entry.keySpan, message, report.suggest(entry.key, names));
  }
  for (const name of plugin.inputs.filter((input) => input.endsWith('!')).map((input) => input.slice(0, -1)))
    if (!value.entries.has(name)) report.error('MISSING_INPUT', keySpan, `${action} needs ${name}`);
  const commands = value.entries.get('runCommand');
  if (commands?.value.kind === 'map')
    report.error('WRONG_INPUT', commands.value.span, 'runCommand is a list of lines, or one text');
}

function flowOf(
  inputs: MapNode | undefined,
  { what, report }: MapReader,
  isLast: boolean,
): Pick<CommandStep, 'onFailure' | 'onSuccess' | 'finallyStep'> {
  if (inputs === undefined) return { onFailure: null, onSuccess: null, finallyStep: false };
  const reader: MapReader = { node: inputs, what, report };
  const word = <Word extends string>(key: string, words: readonly Word[]): Word | null => {
    const entry = entryOf(reader, key);
    if (entry === undefined) return null;
    const found = words.find((each) => each === scalarText(entry.value));
    if (found === undefined)
      report.warn(
        'WRONG_VALUE',
        entry.value.span,
        `${key} in the inputs of ${what} is ${words.join(' or ')}; anything else is not looked at`,
      );
    return found ?? null;
  };
  const finallyStep = readBoolean(reader, 'finallyStep') ?? false;
  if (finallyStep && !isLast)
    report.error(
      'WRONG_VALUE',
      inputs.entries.get('finallyStep')?.keySpan ?? inputs.span,
      'only the last step can be a finallyStep',
    );
  return {
    onFailure: word('onFailure', ['exit', 'successAndExit'] as const),
    onSuccess: word('onSuccess', ['exit'] as const),
    finallyStep,
  };
}

function withoutFlow(inputs: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(inputs).filter(([name]) => !flowInputs.includes(name)));
}

function parsePrecondition(reader: MapReader, version: '2.0' | '2.2'): Precondition | null {
  const { report } = reader;
  const map = readMap(reader, 'precondition');
  if (map === undefined) return null;
  if (version === '2.0')
    report.warn('NOT_IN_SSM', map.keySpan, 'precondition is of schemaVersion 2.2; in 2.0 it means nothing');
  const inner: MapReader = { node: map.value, what: 'precondition', report };
  checkKeys(inner, ['StringEquals']);
  const entry = requiredEntry(inner, 'StringEquals', map.keySpan);
  const items = entry?.value.kind === 'list' ? entry.value.items.map((item) => scalarText(item)) : [];
  const [left, right] = items;
  if (entry !== undefined && (items.length !== 2 || left === undefined || right === undefined)) {
    report.error('WRONG_VALUE', entry.value.span, 'StringEquals compares two texts: [platformType, Linux]');
    return null;
  }
  return left === undefined || right === undefined ? null : { left, right };
}
