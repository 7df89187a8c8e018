/** Whether two values of JSON are the same. */
import { isJsonObject, type Json } from '../json.ts';

/** Deep equality of JSON, whatever the order of keys. */
export function isEqual(left: Json, right: Json): boolean {
  return canonical(left) === canonical(right);
}

/** The same text for the same value, whatever the order of keys. */
export function canonical(value: Json): string {
  return JSON.stringify(value, (_key, member: Json) =>
    isJsonObject(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([left], [right]) => (left < right ? -1 : 1)))
      : member,
  );
}
