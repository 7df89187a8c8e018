/**
 * JSON Schema 2020-12 → draft-07, with every value open to an expression: what editors understand of an action's inputs.
 * Rules that draft-07 cannot say are left out, so the lowered schema accepts more, never less.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';

const memberMaps = ['properties', 'patternProperties'];
const members = ['items', 'additionalItems', 'additionalProperties', 'contains'];
const sameValueLists = ['allOf', 'anyOf', 'oneOf'];
const sameValues = ['not', 'if', 'then', 'else', 'propertyNames'];
/** Without a counterpart, or without meaning inside another schema. */
const dropped = [
  '$schema',
  '$id',
  '$anchor',
  '$dynamicRef',
  '$dynamicAnchor',
  '$vocabulary',
  'unevaluatedProperties',
  'unevaluatedItems',
  'dependentSchemas',
  'minContains',
  'maxContains',
  'prefixItems',
];

/** `place` is the JSON pointer at which the result will stand; local references are re-rooted there. */
export function lowerSchema(schema: JsonObject, place: string): JsonObject {
  const lower = (inner: Json): Json => (isJsonObject(inner) ? lowerSchema(inner, place) : inner);
  const open = (inner: Json): Json => openToExpressions(lower(inner));
  const lowered: Record<string, Json> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (dropped.includes(key)) continue;
    if (memberMaps.includes(key)) lowered[key] = mapValues(value, open);
    else if (members.includes(key) && schema['prefixItems'] === undefined) lowered[key] = open(value);
    else if (sameValueLists.includes(key)) lowered[key] = mapItems(value, lower);
    else if (sameValues.includes(key)) lowered[key] = lower(value);
    else if (key === '$defs') lowered['definitions'] = mapValues(value, lower);
    else if (key === 'dependentRequired') lowered['dependencies'] = value;
    else if (key === '$ref') lowered['$ref'] = rerooted(value, place);
    else if (!members.includes(key)) lowered[key] = value;
  }
  const { prefixItems } = schema;
  if (Array.isArray(prefixItems)) {
    lowered['items'] = mapItems(prefixItems, open);
    if (schema['items'] !== undefined) lowered['additionalItems'] = open(schema['items']);
  }
  return lowered;
}

/** Text may hold expressions anyway; anything narrower gets an expression as an alternative. */
function openToExpressions(schema: Json): Json {
  if (!isJsonObject(schema) || Object.keys(schema).length === 0) return schema;
  const { description, default: fallback, ...rest } = schema;
  const isPlainText = rest['type'] === 'string' && Object.keys(rest).length === 1;
  if (isPlainText) return schema;
  return {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    anyOf: [rest, { $ref: '#/definitions/expression' }],
  };
}

function rerooted(reference: Json, place: string): Json {
  if (typeof reference !== 'string') return reference;
  if (reference === '#') return place;
  return reference.replace(/^#\/\$defs\//, `${place}/definitions/`);
}

function mapValues(value: Json, change: (member: Json) => Json): Json {
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, change(member)]));
}

function mapItems(value: Json, change: (member: Json) => Json): Json {
  return Array.isArray(value) ? value.map((member: Json) => change(member)) : value;
}
