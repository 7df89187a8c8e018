/** What differs between two states, in few words. Pure. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { isEqual } from './equality.ts';

/** `sha256 af18… → 7f8b…, size 16 → 8`: what is there now in the place of what the step left. */
export function driftText({ left, found }: { readonly left: Json; readonly found: Json }): string {
  if (!isJsonObject(left) || !isJsonObject(found)) return `${short(left)} → ${short(found)}`;
  const isGone = [left, found].map(({ kind }) => kind === 'absent');
  if (isGone[0] !== isGone[1]) return `${whole(left)} → ${whole(found)}`;
  const lines = [...differences(left, found, [])];
  const more = lines.length - differencesMax;
  return [...lines.slice(0, differencesMax), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

const differencesMax = 12;

/** Of what both have, only the parts that differ: `packages postgresql-15 version 15.18 → 15.20`. */
function* differences(left: JsonObject, found: JsonObject, path: readonly string[]): Generator<string> {
  for (const key of new Set([...Object.keys(left), ...Object.keys(found)])) {
    const [was, is] = [left[key] ?? null, found[key] ?? null];
    if (isEqual(was, is)) continue;
    const at = [...path, key];
    if (isJsonObject(was) && isJsonObject(is)) yield* differences(was, is, at);
    else yield `${at.join(' ')} ${short(was)} → ${short(is)}`;
  }
}

/** `absent`, or `file (sha256 af18…, size 16, owner root)`: nothing of a thing that is there compares with one that is not. */
function whole({ kind = null, ...rest }: JsonObject): string {
  const parts = Object.entries(rest)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key} ${short(value)}`);
  return kind === 'absent' || parts.length === 0 ? short(kind) : `${short(kind)} (${parts.join(', ')})`;
}

const valueCharactersMax = 60;

function short(value: Json): string {
  if (value === null) return 'nothing';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (/^[0-9a-f]{64}$/.test(text)) return `${text.slice(0, 8)}…`;
  return text.length <= valueCharactersMax ? text : `${text.slice(0, valueCharactersMax - 1)}…`;
}
