/** An action's own words as plain data: what it takes and gives, how it is undone, what it may call. */
import { parse } from 'yaml';
import { describeAction, iamActions, plainSchema, type AnyAction } from '../actions/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';

export interface Field {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  /** What counts where it is left out; absent: `says` tells, or nothing does. */
  readonly default?: Json;
  /** With the default. */
  readonly says: string;
}

export interface ActionExplanation {
  readonly name: string;
  readonly summary: string;
  readonly source: string;
  /** A step in YAML, not indented. */
  readonly example: string;
  readonly inputs: readonly Field[];
  readonly outputs: readonly Field[];
  /** As with the inputs of the example. */
  readonly effect: 'flow' | 'read' | 'repeatable' | 'begun';
  /** A sentence. */
  readonly undo: string;
  /** What an undo list of one's own may read as `{{ before.X }}`. */
  readonly before: readonly string[];
  /** IAM actions, as with the inputs of the example. */
  readonly permissions: readonly string[];
  /** How it comes to its hosts: a sentence; null: it acts on none. */
  readonly connection: string | null;
  /** Per attempt; null: the engine's default. */
  readonly timeoutSeconds: number | null;
}

const connection =
  'by the transport that belay.yaml names: ssh, ssm or local. How ssh agrees on keys: keyExchange of belay.yaml, else KexAlgorithms of your ssh_config, else the fast ones first; belay doctor says which';

export function explainAction(action: AnyAction): ActionExplanation {
  const example = outdented(action.example);
  const inputs = exampleInputs(example);
  const { flow, effect, undo } = describeAction(action, inputs);
  return {
    name: action.name,
    summary: action.summary,
    source: action.source,
    example,
    inputs: [...fieldsOf(plainSchema(action.inputs)), ...nestedFields(action)],
    outputs: fieldsOf(plainSchema(action.outputs)),
    effect: flow === null ? effect : 'flow',
    undo: undoSentence(undo, action.flow === 'rolling'),
    before: action.before ?? [],
    permissions: iamActions(action.permissions(inputs)),
    connection: action.hasHostTargets ? connection : null,
    timeoutSeconds: action.timeoutSeconds ?? null,
  };
}

function undoSentence(undo: ReturnType<typeof describeAction>['undo'], nests: boolean): string {
  switch (undo.kind) {
    case 'notNeeded':
      return nests
        ? 'its nested steps are undone, target after target, last first; it changes nothing by itself'
        : 'none needed: it changes nothing';
    case 'restore':
      return 'puts back the state that was observed before';
    case 'restorePoint':
      return 'removes the restore point it made, once nothing needs it any more';
    case 'none':
      return `none: ${undo.reason}`;
    default:
      return undo satisfies never;
  }
}

/** The inputs of the example's only step. */
function exampleInputs(example: string): JsonObject {
  const steps = parse(example) as Json;
  const step = Array.isArray(steps) ? (steps as readonly Json[])[0] : undefined;
  const inputs = isJsonObject(step) ? step['inputs'] : undefined;
  return isJsonObject(inputs) ? inputs : {};
}

function outdented(text: string): string {
  const lines = text
    .split('\n')
    .filter((line, index, all) => line.trim() !== '' || (index > 0 && index < all.length - 1));
  const indent = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(indent).trimEnd()).join('\n');
}

function nestedFields({ nests }: AnyAction): Field[] {
  return Object.entries(nests?.lists ?? {}).map(([name, { required, description }]) => ({
    name,
    type: 'list of steps',
    required,
    says: description,
  }));
}

function fieldsOf(schema: JsonObject): Field[] {
  const properties = schema['properties'];
  if (!isJsonObject(properties)) return [];
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  return Object.entries(properties).map(([name, property]) => {
    const { description, default: usual } = isJsonObject(property) ? property : {};
    return {
      name,
      type: isJsonObject(property) ? typeOf(property) : '',
      required: required.includes(name),
      ...(usual === undefined ? {} : { default: usual }),
      says: withDefault(typeof description === 'string' ? description : '', usual),
    };
  });
}

/** `How long it may take. Default: 300.` */
function withDefault(says: string, usual: Json | undefined): string {
  if (usual === undefined || /\bdefault\b/i.test(says)) return says;
  const shown = typeof usual === 'string' && usual !== '' ? usual : JSON.stringify(usual);
  const sentence = says === '' || /[.!?:]$/.test(says) ? says : `${says}.`;
  return [sentence, `Default: ${shown}.`].filter((part) => part !== '').join(' ');
}

/** `text`, `started | stopped`, `list of text`. */
function typeOf(schema: JsonObject): string {
  const { const: only, enum: some, anyOf, type, items } = schema;
  if (only !== undefined) return JSON.stringify(only).replaceAll('"', '');
  if (Array.isArray(some)) return some.map((value) => String(value)).join(' | ');
  if (Array.isArray(anyOf)) {
    const types = anyOf.map((alternative: Json) => (isJsonObject(alternative) ? typeOf(alternative) : ''));
    return [...new Set(types)].join(' | ');
  }
  if (type === 'array') return `list of ${isJsonObject(items) ? typeOf(items) : 'anything'}`;
  const words: Readonly<Record<string, string>> = {
    string: 'text',
    integer: 'whole number',
    number: 'number',
    boolean: 'true | false',
    object: 'map',
  };
  return typeof type === 'string' ? (words[type] ?? type) : 'anything';
}
