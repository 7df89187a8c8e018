/** What a loop goes over and how often at most, from its resolved inputs. */
import { coerceArgument, embeddedText } from '../../document/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { conditionPassesMax, loopPassesMax } from '../limits.ts';

export type Course =
  | { readonly kind: 'items'; readonly items: readonly Json[]; readonly max: number }
  | { readonly kind: 'condition'; readonly condition: JsonObject; readonly max: number };

const itemTypes = ['String', 'Integer', 'Boolean', 'StringMap'] as const;

/** A text: why the inputs say nothing that can be run. */
export function courseOf(inputs: JsonObject): Course | string {
  const { Iterators: written, LoopCondition: condition, MaxIterations: most } = inputs;
  const max = most === undefined ? undefined : Number(most);
  if (max !== undefined && !(Number.isInteger(max) && max >= 1 && max <= loopPassesMax))
    return `MaxIterations is ${JSON.stringify(most)}, and must be a whole number from 1 to ${loopPassesMax}`;
  if ((written === undefined) === (condition === undefined))
    return 'a loop needs either Iterators or LoopCondition';
  if (written === undefined) {
    if (!isJsonObject(condition))
      return `LoopCondition is ${JSON.stringify(condition)}, and must be a condition`;
    return { kind: 'condition', condition, max: max ?? conditionPassesMax };
  }
  const items = itemsOf(written, inputs['IteratorDataType'] ?? 'String');
  if (typeof items === 'string') return items;
  if (items.length > loopPassesMax)
    return `Iterators holds ${items.length} items, and a loop has at most ${loopPassesMax} passes`;
  return { kind: 'items', items, max: max ?? loopPassesMax };
}

function itemsOf(written: Json, wanted: Json): readonly Json[] | string {
  const type = itemTypes.find((known) => known === wanted);
  if (type === undefined)
    return `IteratorDataType is ${JSON.stringify(wanted)}, and must be one of ${itemTypes.join(', ')}`;
  const list = typeof written === 'string' ? listIn(written) : written;
  if (!Array.isArray(list)) return `Iterators is ${JSON.stringify(written)}, and must be a list`;
  const items: Json[] = [];
  for (const item of list as readonly Json[]) {
    const read =
      type === 'String' ? { ok: true as const, value: embeddedText(item) } : coerceArgument(type, item);
    if (!read.ok) return `Iterators is a list of ${type}, but ${read.problem}`;
    items.push(read.value);
  }
  return items;
}

/** JSON text of a list, or text with commas, as a StringList may be written. */
function listIn(text: string): Json {
  const read = coerceArgument('StringList', text);
  return read.ok ? read.value : text;
}
