/** The nodes of the `yaml` package → ours: aliases and merge keys followed, keys made text, values made JSON. */
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  visit,
  type Alias,
  type Document as YamlDocument,
  type Pair,
} from 'yaml';

import type { Report } from './report.ts';
import type { Entry, MapNode, ScalarNode, Span, TreeNode } from './tree.ts';

/** How many values may come out of aliases: a few lines can multiply into billions. */
export const aliasedNodesMax = 100_000;
const depthMax = 100;

/** Ends the building at once; going on would only count. */
export class AliasBomb extends Error {
  readonly span: Span;

  constructor(span: Span) {
    super('too many aliased values');
    this.span = span;
  }
}

/** What each alias stands for: the last anchor of that name above it. */
function aliasTargets(document: YamlDocument.Parsed): Map<unknown, unknown> {
  const anchors = new Map<string, unknown>();
  const targets = new Map<unknown, unknown>();
  visit(document, (_, node) => {
    if (isAlias(node)) targets.set(node, anchors.get(node.source));
    else if (isNode(node) && 'anchor' in node && typeof node.anchor === 'string')
      anchors.set(node.anchor, node);
  });
  return targets;
}

/** Turns the package's nodes into ours; follows aliases and merge keys. */
export class TreeBuilder {
  /** Something is missing from the tree, so that whatever is said about the rest may be an echo. */
  isBroken = false;
  private aliasedNodes = 0;
  private readonly open = new Set<unknown>();
  private readonly targets: ReadonlyMap<unknown, unknown>;
  private readonly report: Report;
  private readonly toOriginal: (offset: number) => number;

  constructor(document: YamlDocument.Parsed, report: Report, toOriginal: (offset: number) => number) {
    this.targets = aliasTargets(document);
    this.report = report;
    this.toOriginal = toOriginal;
  }

  build(node: unknown, depth: number, fallback: Span = { start: 0, end: 0 }): TreeNode {
    const span = this.spanOf(node) ?? fallback;
    const empty: ScalarNode = { kind: 'scalar', value: null, isPlain: true, span };
    if (this.open.size > 0) {
      this.aliasedNodes += 1;
      if (this.aliasedNodes > aliasedNodesMax) throw new AliasBomb(span);
    }
    if (depth > depthMax) {
      this.isBroken = true;
      this.report.error('TOO_DEEP', span, `lists and maps are nested more than ${depthMax} deep here`);
      return empty;
    }
    if (isAlias(node)) return this.follow(node, span, depth);
    if (isScalar(node)) {
      const scalar = this.scalar(node.value, node.type === 'PLAIN', node.source, span);
      return node.type === 'BLOCK_LITERAL' ? { ...scalar, isBlock: true } : scalar;
    }
    if (isSeq(node)) {
      return { kind: 'list', items: node.items.map((item) => this.build(item, depth + 1, span)), span };
    }
    if (isMap(node)) return this.map(node.items, span, depth);
    return empty;
  }

  private follow(alias: Alias, span: Span, depth: number): TreeNode {
    const target = this.targets.get(alias);
    if (target === undefined || this.open.has(target)) {
      this.isBroken = true;
      const name = alias.source;
      const why = target === undefined ? `there is no anchor &${name} above` : `&${name} holds itself`;
      this.report.error('ALIAS', span, `the alias *${name} leads nowhere: ${why}`);
      return { kind: 'scalar', value: null, isPlain: true, span };
    }
    this.open.add(target);
    const built = this.build(target, depth + 1, span);
    this.open.delete(target);
    return built;
  }

  private scalar(value: unknown, isPlain: boolean, source: string | undefined, span: Span): ScalarNode {
    if (value === null || value === undefined) return { kind: 'scalar', value: null, isPlain, span };
    const written = source === undefined ? {} : { source };
    if (typeof value === 'string') {
      this.refuseHalves(value, span);
      // Said once: what else is looked at is the text around it.
      return { kind: 'scalar', value: value.toWellFormed(), isPlain, span };
    }
    if (typeof value === 'boolean') return { kind: 'scalar', value, isPlain, span, ...written };
    const isWhole = Number.isInteger(value);
    if (typeof value === 'number' && (isWhole ? Number.isSafeInteger(value) : Number.isFinite(value))) {
      return { kind: 'scalar', value, isPlain, span, ...written };
    }
    if (isWhole) {
      const hint = 'Put it in quotes to keep every digit.';
      this.report.error('WRONG_TYPE', span, 'this number is too large to be kept exactly', hint);
    } else {
      this.report.error('WRONG_TYPE', span, 'a number must be finite');
    }
    return { kind: 'scalar', value: null, isPlain, span };
  }

  private map(pairs: readonly Pair[], span: Span, depth: number): MapNode {
    const entries = new Map<string, Entry>();
    const merged = new Map<string, Entry>();
    for (const pair of pairs) {
      const keySpan = this.spanOf(pair.key) ?? span;
      const key = this.keyText(pair.key, keySpan);
      if (key === undefined) continue;
      this.refuseHalves(key, keySpan);
      const value = this.build(pair.value, depth + 1, keySpan);
      if (key === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN') {
        for (const source of value.kind === 'list' ? value.items : [value]) {
          if (source.kind !== 'map') continue;
          for (const entry of source.entries.values()) {
            if (!merged.has(entry.key)) merged.set(entry.key, entry);
          }
        }
        continue;
      }
      const earlier = entries.get(key);
      if (earlier !== undefined) this.reportDuplicate(key, keySpan, earlier, value);
      entries.set(key, { key, keySpan, value });
    }
    for (const [key, entry] of merged) if (!entries.has(key)) entries.set(key, entry);
    return { kind: 'map', entries, span };
  }

  /** The same value twice is harmless and stands in published documents; another value means one of them is lost. */
  private reportDuplicate(key: string, keySpan: Span, earlier: Entry, value: TreeNode): void {
    const message = `the key ${JSON.stringify(key)} is written twice in this map`;
    if (isSame(earlier.value, value)) this.report.warn('DUPLICATE_KEY', keySpan, message, 'Remove one.');
    else this.report.error('DUPLICATE_KEY', keySpan, `${message}, with different values`, 'Remove one.');
  }

  private keyText(key: unknown, span: Span): string | undefined {
    const resolved = isAlias(key) ? this.targets.get(key) : key;
    if (isScalar(resolved) && resolved.value !== null) {
      // The source keeps what a number would lose: 0.10 stays 0.10.
      return typeof resolved.value === 'string'
        ? resolved.value
        : (resolved.source ?? JSON.stringify(resolved.value));
    }
    this.isBroken = true;
    if (isMap(key)) {
      // To YAML, {{ Name }} without quotes is a map whose key is a map.
      const braces = { start: span.start - 1, end: span.end + 1 };
      const hint = 'Put expressions in quotes: "{{ Name }}".';
      this.report.error('BAD_EXPRESSION', braces, 'an expression must be in quotes', hint);
    } else {
      this.report.error('WRONG_TYPE', span, 'a key must be text');
    }
    return undefined;
  }

  /** An escape can name half of a pair of surrogates; written anywhere, it would become another character. */
  private refuseHalves(text: string, span: Span): void {
    if (text.isWellFormed()) return;
    const hint = 'Write both halves of the pair, or the character itself.';
    this.report.error(
      'HALF_CHARACTER',
      span,
      'this text holds half a character, which has no bytes in UTF-8',
      hint,
    );
  }

  private spanOf(node: unknown): Span | undefined {
    const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined;
    if (range === undefined || range === null) return undefined;
    return { start: this.toOriginal(range[0]), end: this.toOriginal(range[1]) };
  }
}

function isSame(a: TreeNode, b: TreeNode): boolean {
  if (a.kind === 'scalar' && b.kind === 'scalar') return a.value === b.value;
  if (a.kind === 'list' && b.kind === 'list') {
    return (
      a.items.length === b.items.length &&
      a.items.every((item, index) => {
        const other = b.items[index];
        return other !== undefined && isSame(item, other);
      })
    );
  }
  if (a.kind !== 'map' || b.kind !== 'map' || a.entries.size !== b.entries.size) return false;
  for (const [key, entry] of a.entries) {
    const other = b.entries.get(key);
    if (other === undefined || !isSame(entry.value, other.value)) return false;
  }
  return true;
}
