/** Which JSON types a JSON Schema takes at one place, as far as it says so in plain words. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';

/** The JSON types that a schema names; undefined when it does not say, or not in these words. */
export function acceptedTypes(schema: JsonObject): ReadonlySet<string> | undefined {
  const { type, anyOf, enum: values, const: value } = schema;
  if (typeof type === 'string') return new Set([type]);
  if (Array.isArray(type)) return new Set(type.filter((name) => typeof name === 'string'));
  if (value !== undefined) return new Set([jsonTypeOf(value)]);
  if (Array.isArray(values)) return new Set(values.map(jsonTypeOf));
  if (!Array.isArray(anyOf)) return undefined;
  const accepted = new Set<string>();
  for (const branch of anyOf as readonly Json[]) {
    const types = isJsonObject(branch) ? acceptedTypes(branch) : undefined;
    if (types === undefined) return undefined;
    for (const name of types) accepted.add(name);
  }
  return accepted;
}

/** The schema of a member of a map; undefined where the schema says nothing of it. */
export function memberSchema(schema: JsonObject, key: string): Json | undefined {
  const { properties, additionalProperties } = schema;
  if (isJsonObject(properties) && Object.hasOwn(properties, key)) return properties[key];
  return additionalProperties;
}

function jsonTypeOf(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
