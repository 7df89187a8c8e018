/** What differs between two states, in few words. Pure. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { isEqual } from './equality.ts';

/** `sha256 af18… → 7f8b…, size 16 → 8`: what is there now in the place of what the step left. */
export function driftText({ left, found }: { readonly left: Json; readonly found: Json }): string {
  if (!isJsonObject(left) || !isJsonObject(found)) return `${short(left)} → ${short(found)}`;
  const isGone = [left, found].map(({ kind }) => kind === 'absent');
  if (isGone[0] !== isGone[1]) return `${whole(left)} → ${whole(found)}`;
  const keys = [...new Set([...Object.keys(left), ...Object.keys(found)])];
  return keys
    .filter((key) => !isEqual(left[key] ?? null, found[key] ?? null))
    .map((key) => `${key} ${short(left[key] ?? null)} → ${short(found[key] ?? null)}`)
    .join(', ');
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
