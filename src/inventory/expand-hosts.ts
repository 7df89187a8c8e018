/**
 * The entries of `hosts:` with their ranges written out: `minio{01..04}` is four hosts, and a range in any text below it
 * gives each of them its own: `address: '10.0.0.{11..14}'`. All ranges of one entry have as many numbers.
 */
import type { Entry, MapNode, Report, TreeNode } from '../document/index.ts';
import { reportInventory } from './errors.ts';
import { expandName, pick } from './range.ts';

export function expandHosts(hosts: Iterable<Entry>, report: Report): Entry[] {
  const expanded: Entry[] = [];
  const writtenAs = new Map<string, string>();
  for (const entry of hosts) {
    const expansion = expandName(entry.key);
    if (expansion.kind === 'wrong') {
      reportInventory(report, 'BAD_HOST_RANGE', entry.keySpan, expansion.message, 'minio{01..04}: {}');
      continue;
    }
    const names = expansion.kind === 'plain' ? [entry.key] : expansion.texts;
    if (!rangesFit(entry.value, names.length, report)) continue;
    for (const [index, name] of names.entries()) {
      const other = writtenAs.get(name);
      if (other !== undefined) {
        const message = `host ${name} is there already: ${other}${other === name ? '' : ' stands for it too'}`;
        reportInventory(report, 'DUPLICATE_HOST', entry.keySpan, message);
        break;
      }
      writtenAs.set(name, entry.key);
      expanded.push({ ...entry, key: name, value: picked(entry.value, index, names.length) });
    }
  }
  return expanded;
}

function rangesFit(node: TreeNode, length: number, report: Report): boolean {
  if (node.kind === 'map') {
    return [...node.entries.values()].map(({ value }) => rangesFit(value, length, report)).every(Boolean);
  }
  if (node.kind === 'list') return node.items.map((item) => rangesFit(item, length, report)).every(Boolean);
  if (typeof node.value !== 'string') return true;
  const result = pick(node.value, 0, length);
  if (typeof result !== 'string') return true;
  reportInventory(report, 'BAD_HOST_RANGE', node.span, result);
  return false;
}

function picked(node: TreeNode, index: number, length: number): TreeNode {
  if (node.kind === 'map') return pickedMap(node, index, length);
  if (node.kind === 'list') {
    return { ...node, items: node.items.map((item) => picked(item, index, length)) };
  }
  if (typeof node.value !== 'string') return node;
  const result = pick(node.value, index, length);
  return typeof result === 'string' ? node : { ...node, value: result.text };
}

function pickedMap(node: MapNode, index: number, length: number): MapNode {
  const entries = [...node.entries].map(
    ([key, entry]) => [key, { ...entry, value: picked(entry.value, index, length) }] as const,
  );
  return { ...node, entries: new Map(entries) };
}
