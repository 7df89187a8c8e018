/**
 * The inputs of a step as JSON, with YAML 1.1's words for booleans where the action's schema wants a boolean, and for AWS's
 * own actions in the types that it wants. A number that stands for text keeps the digits that were written.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { fitInputs } from './fit-inputs.ts';
import { yaml11BooleanOf } from './read-keys.ts';
import type { Report } from './report.ts';
import { acceptedTypes, memberSchema } from './schema-types.ts';
import { scalarText, type MapNode, type TreeNode } from './tree.ts';

export function readInputs(node: MapNode, schema: JsonObject, isAws: boolean, report: Report): JsonObject {
  const inputs = readMap(node, schema, isAws, report);
  if (!isAws) return inputs;
  // To SSM, an input that is null is one that was left out.
  const given = Object.entries(inputs).filter(([, value]) => value !== null);
  return fitInputs(Object.fromEntries(given), schema);
}

function readMap(node: MapNode, schema: JsonObject, isAws: boolean, report: Report): JsonObject {
  return Object.fromEntries(
    [...node.entries].map(([key, entry]) => [
      key,
      readValue(entry.value, memberSchema(schema, key), isAws, report),
    ]),
  );
}

function readValue(node: TreeNode, schema: Json | undefined, isAws: boolean, report: Report): Json {
  const known = isJsonObject(schema) ? schema : {};
  switch (node.kind) {
    case 'map':
      return readMap(node, known, isAws, report);
    case 'list':
      return node.items.map((item) => readValue(item, known['items'], isAws, report));
    case 'scalar': {
      const meant = known['type'] === 'boolean' ? yaml11BooleanOf(node, report) : undefined;
      if (meant !== undefined) return meant;
      const isText = isAws && typeof node.value !== 'string' && node.value !== null && wantsText(known);
      return isText ? scalarText(node) : node.value;
    }
    default:
      return node satisfies never;
  }
}

function wantsText(schema: JsonObject): boolean {
  const accepted = acceptedTypes(schema);
  return accepted !== undefined && accepted.size === 1 && accepted.has('string');
}
