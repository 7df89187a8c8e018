/** Where a value holds a NUL character, which no argument, variable or call carries. Pure. */
import type { Json, JsonObject } from '../json.ts';

type Path = readonly (string | number)[];

/** Paths below the inputs; of those that may hold any bytes none. */
export function pathsOfNul(inputs: JsonObject, bytesInputs: readonly string[]): Path[] {
  return Object.entries(inputs).flatMap(([name, value]) =>
    bytesInputs.includes(name) ? [] : pathsIn(value, [name]),
  );
}

function pathsIn(value: Json, path: Path): Path[] {
  if (typeof value === 'string') return value.includes('\0') ? [path] : [];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, member]) => [
    ...(key.includes('\0') ? [path] : []),
    ...pathsIn(member, [...path, Array.isArray(value) ? Number(key) : key]),
  ]);
}
