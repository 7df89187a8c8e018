/** A YAML or JSON text as plain values that still know where they stood. */
import type { Json, JsonObject } from '../json.ts';

/** UTF-16 offsets in the text; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type TreeNode = ScalarNode | ListNode | MapNode;

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly value: null | boolean | number | string;
  /** Written without quotes, on one line. */
  readonly isPlain: boolean;
  /** Written behind `|`: its lines are lines of the file, from the one below on. */
  readonly isBlock?: boolean;
  readonly span: Span;
  /** As written, where the value is not text: 1.10 is 1.1 by value. */
  readonly source?: string;
}

export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly TreeNode[];
  readonly span: Span;
}

export interface MapNode {
  readonly kind: 'map';
  /** In order; each key is there once. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly span: Span;
}

export interface Entry {
  readonly key: string;
  readonly keySpan: Span;
  readonly value: TreeNode;
}

export function toJson(node: TreeNode): Json {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'list':
      return node.items.map(toJson);
    case 'map':
      return toJsonObject(node);
    default:
      return node satisfies never;
  }
}

export function toJsonObject(node: MapNode): JsonObject {
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, toJson(entry.value)]));
}

/** The text of a scalar, as `-p name=text` would give it; empty for null, lists and maps. */
export function scalarText(node: TreeNode | undefined): string {
  return node?.kind === 'scalar' && node.value !== null ? (node.source ?? String(node.value)) : '';
}

/** A number or boolean without quotes. */
export function isBareScalar(node: TreeNode): boolean {
  return node.kind === 'scalar' && (typeof node.value === 'number' || typeof node.value === 'boolean');
}

/** What to do with a number or boolean where text is wanted; undefined for everything else. */
export function quoteHint(node: TreeNode): string | undefined {
  return isBareScalar(node) ? `Put it in quotes: '${scalarText(node)}'.` : undefined;
}

/** A hint to quote a value, with the value as it was written. */
export function asWritten(hint: string | undefined, node: TreeNode): string | undefined {
  return hint?.startsWith('Put it in quotes') === true ? (quoteHint(node) ?? hint) : hint;
}

/** `a list`, `the text "x"`: what a value is, for messages. */
export function describeNode(node: TreeNode): string {
  if (node.kind !== 'scalar') return node.kind === 'list' ? 'a list' : 'a map';
  if (node.value === null) return 'empty';
  if (typeof node.value !== 'string') return String(node.value);
  const text = JSON.stringify(node.value);
  return `the text ${text.length > 60 ? `${text.slice(0, 59)}…` : text}`;
}

/**
 * Where a path below a node stands. `key` is the place of the key that leads there, when a key does. A path that goes
 * further than the tree ends at the last node that exists.
 */
export function locate(
  root: TreeNode,
  path: readonly (string | number)[],
): { readonly node: TreeNode; readonly key: Span | undefined } {
  let node = root;
  let key: Span | undefined;
  for (const step of path) {
    if (node.kind === 'map') {
      const entry = node.entries.get(String(step));
      if (entry === undefined) break;
      node = entry.value;
      key = entry.keySpan;
    } else {
      const item = node.kind === 'list' ? node.items[Number(step)] : undefined;
      if (item === undefined) break;
      node = item;
      key = undefined;
    }
  }
  return { node, key };
}
