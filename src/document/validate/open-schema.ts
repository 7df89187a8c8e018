/**
 * An action's JSON Schema, opened for inputs as written: wherever a value may stand, an expression may stand instead.
 * Expressions pass, everything around them is checked as always.
 */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';

/** Custom ajv keywords; inputs.ts defines what they test. */
export const expressionKeyword = 'belayIsExpression';
export const splicedKeyword = 'belayHasSplicedList';

const memberMaps = ['properties', 'patternProperties'];
const members = ['items', 'additionalProperties', 'unevaluatedItems', 'unevaluatedProperties', 'contains'];
const sameValueLists = ['allOf', 'anyOf'];
const sameValues = ['then', 'else'];
const definitionMaps = ['$defs', 'definitions', 'dependentSchemas'];
/** What cannot be known of a list into which an expression splices another. */
const countingKeywords = [
  'minItems',
  'maxItems',
  'uniqueItems',
  'contains',
  'minContains',
  'maxContains',
  'prefixItems',
];

/** Rewrites a schema for the value at its root: the root itself is not replaced by an expression. */
export function openSchema(schema: JsonObject): JsonObject {
  const opened: Record<string, Json> = {};
  const counting: Record<string, Json> = {};
  for (const [key, value] of Object.entries(schema)) {
    const target = countingKeywords.includes(key) ? counting : opened;
    if (memberMaps.includes(key)) target[key] = mapValues(value, openMember);
    else if (members.includes(key)) target[key] = openMember(value);
    else if (key === 'prefixItems') target[key] = mapItems(value, openMember);
    else if (sameValueLists.includes(key)) target[key] = mapItems(value, openSame);
    else if (key === 'oneOf') Object.assign(opened, openOneOf(value));
    else if (sameValues.includes(key)) target[key] = openSame(value);
    else if (definitionMaps.includes(key)) target[key] = mapValues(value, openSame);
    else target[key] = value;
  }
  if (Object.keys(counting).length === 0) return opened;
  const list: JsonObject = { if: { [splicedKeyword]: true }, else: counting };
  const { allOf } = opened;
  return { ...opened, allOf: [...(Array.isArray(allOf) ? (allOf as readonly Json[]) : []), list] };
}

/**
 * An expression for a discriminator fits every branch, so "exactly one" becomes "at least one" – except where the
 * branches only say which keys must be there.
 */
function openOneOf(value: Json): JsonObject {
  const isByKeys =
    Array.isArray(value) &&
    value.every(
      (branch: Json) => isJsonObject(branch) && Object.keys(branch).every((key) => key === 'required'),
    );
  return isByKeys ? { oneOf: value } : { anyOf: mapItems(value, openSame) };
}

function openMember(schema: Json): Json {
  if (!isJsonObject(schema)) return schema;
  return { if: { [expressionKeyword]: true }, else: openSchema(schema) };
}

const openSame = (schema: Json): Json => (isJsonObject(schema) ? openSchema(schema) : schema);

function mapValues(value: Json, change: (member: Json) => Json): Json {
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, change(member)]));
}

function mapItems(value: Json, change: (member: Json) => Json): Json {
  return Array.isArray(value) ? value.map((member: Json) => change(member)) : value;
}
