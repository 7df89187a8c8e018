/** The inputs of a step as JSON, with YAML 1.1's words for booleans where the action's schema wants a boolean. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { yaml11BooleanOf } from './read-keys.ts';
import type { Report } from './report.ts';
import type { MapNode, TreeNode } from './tree.ts';

export function readInputs(node: MapNode, schema: JsonObject, report: Report): JsonObject {
  return Object.fromEntries(
    [...node.entries].map(([key, entry]) => [key, readValue(entry.value, memberSchema(schema, key), report)]),
  );
}

function readValue(node: TreeNode, schema: Json | undefined, report: Report): Json {
  const known = isJsonObject(schema) ? schema : {};
  switch (node.kind) {
    case 'map':
      return readInputs(node, known, report);
    case 'list':
      return node.items.map((item) => readValue(item, known['items'], report));
    case 'scalar':
      return (known['type'] === 'boolean' ? yaml11BooleanOf(node, report) : undefined) ?? node.value;
    default:
      return node satisfies never;
  }
}

function memberSchema(schema: JsonObject, key: string): Json | undefined {
  const { properties, additionalProperties } = schema;
  if (isJsonObject(properties) && Object.hasOwn(properties, key)) return properties[key];
  return additionalProperties;
}
