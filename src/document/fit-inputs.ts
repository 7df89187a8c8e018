/**
 * Inputs of AWS's own actions in the types that their schema wants. SSM takes texts for numbers and booleans, one value for a
 * list of one and a list of one for its value, and pays no attention to inputs that an action does not have.
 */
import { isJsonObject, own, type Json, type JsonObject } from '../json.ts';
import { isExpression } from './expression.ts';
import { acceptedTypes, memberSchema } from './schema-types.ts';

/** Whether SSM's rules hold for an action; Belay's own actions take what their schema says and nothing else. */
export function isAwsAction(name: string): boolean {
  return name.startsWith('aws:');
}

/** A step's inputs, fitted. Expressions stay as they are; what does not fit does neither, and the schema refuses it. */
export function fitInputs(inputs: JsonObject, schema: JsonObject): JsonObject {
  return fitMap(inputs, schema);
}

/** The inputs without those that the action does not have. */
export function knownInputs(inputs: JsonObject, schema: JsonObject): JsonObject {
  const { properties, additionalProperties } = schema;
  if (additionalProperties !== false || !isJsonObject(properties)) return inputs;
  return Object.fromEntries(Object.entries(inputs).filter(([name]) => Object.hasOwn(properties, name)));
}

function fitMap(map: JsonObject, schema: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => [key, fit(value, memberSchema(schema, key))]),
  );
}

function fit(value: Json, schema: Json | undefined): Json {
  if (!isJsonObject(schema)) return value;
  if (typeof value === 'string' && isExpression(value)) return value;
  const accepted = acceptedTypes(schema);
  if (accepted === undefined) return deeper(value, schema);
  if (typeof value === 'string') return fitText(value, schema, accepted);
  if (typeof value === 'number' || typeof value === 'boolean') return fitScalar(value, schema, accepted);
  if (Array.isArray(value) && !accepted.has('array')) {
    const only = value.length === 1 ? (value as readonly Json[])[0] : undefined;
    return only === undefined || typeof only === 'object' ? value : fit(only, schema);
  }
  return deeper(value, schema);
}

function fitText(text: string, schema: JsonObject, accepted: ReadonlySet<string>): Json {
  if (accepted.has('string')) return text;
  if ((accepted.has('integer') || accepted.has('number')) && /^\s*[+-]?\d+(?:\.\d+)?\s*$/.test(text))
    return Number(text);
  if (accepted.has('boolean') && /^\s*(?:true|false)\s*$/i.test(text))
    return text.trim().toLowerCase() === 'true';
  return accepted.has('array') ? [fit(text, own(schema, 'items'))] : text;
}

function fitScalar(value: number | boolean, schema: JsonObject, accepted: ReadonlySet<string>): Json {
  const types =
    typeof value === 'boolean' ? ['boolean'] : ['number', ...(Number.isInteger(value) ? ['integer'] : [])];
  if (types.some((type) => accepted.has(type))) return value;
  if (accepted.has('string')) return String(value);
  return accepted.has('array') ? [fit(value, own(schema, 'items'))] : value;
}

function deeper(value: Json, schema: JsonObject): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => fit(item, schema['items']));
  return isJsonObject(value) ? fitMap(value, schema) : value;
}
