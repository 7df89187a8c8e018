/** What differs between two states, in few words. Pure. */
import { isJsonObject, type Json } from '../json.ts';
import { isEqual } from './equality.ts';

/** `sha256 af18… → 7f8b…, size 16 → 8`: what is there now in the place of what the step left. */
export function driftText({ left, found }: { readonly left: Json; readonly found: Json }): string {
  if (!isJsonObject(left) || !isJsonObject(found)) return `${short(left)} → ${short(found)}`;
  const keys = [...new Set([...Object.keys(left), ...Object.keys(found)])];
  return keys
    .filter((key) => !isEqual(left[key] ?? null, found[key] ?? null))
    .map((key) => `${key} ${short(left[key] ?? null)} → ${short(found[key] ?? null)}`)
    .join(', ');
}

const valueCharactersMax = 60;

function short(value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (/^[0-9a-f]{64}$/.test(text)) return `${text.slice(0, 8)}…`;
  return text.length <= valueCharactersMax ? text : `${text.slice(0, valueCharactersMax - 1)}…`;
}
