/** Hides what AWS marks sensitive in a reply. */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';

const MASK = '***';

/** Paths as `Parameter.Value` and `Parameters[].Value`. */
export function mask(reply: JsonObject, paths: readonly string[]): JsonObject {
  return paths.reduce((masked, path) => maskIn(masked, path.split('.')), reply);
}

function maskIn(object: JsonObject, [head = '', ...rest]: readonly string[]): JsonObject {
  const key = head.replace(/\[\]$/, '');
  const value = object[key];
  if (value === undefined) return object;
  if (rest.length === 0) return { ...object, [key]: MASK };
  const below = (one: Json): Json => (isJsonObject(one) ? maskIn(one, rest) : one);
  return { ...object, [key]: Array.isArray(value) ? value.map(below) : below(value) };
}
