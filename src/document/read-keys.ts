/** Reads the keys of one map of a document and reports every key or value that does not belong there. */
import type { Report } from './report.ts';
import { joinOr } from './suggest.ts';
import { describeNode, quoteHint, type Entry, type MapNode, type Span, type TreeNode } from './tree.ts';

/** Keys that belong to the language but that this version cannot run: key → what it is. */
export type NotBuiltYet = Readonly<Record<string, string>>;

/** One map under reading. `what` names it in messages: `step "Stop"`, `the document`. */
export interface MapReader {
  readonly node: MapNode;
  readonly what: string;
  readonly report: Report;
}

export function checkKeys(reader: MapReader, known: readonly string[], notBuiltYet: NotBuiltYet = {}): void {
  for (const { key, keySpan } of reader.node.entries.values()) {
    if (known.includes(key)) continue;
    const what = Object.hasOwn(notBuiltYet, key) ? notBuiltYet[key] : undefined;
    if (what !== undefined) {
      reader.report.error('NOT_BUILT_YET', keySpan, `${key} (${what}) is not built yet`);
      continue;
    }
    const sameLetters = known.find((name) => name.toLowerCase() === key.toLowerCase());
    const hint =
      sameLetters === undefined ? reader.report.suggest(key, known) : `Did you mean ${sameLetters}?`;
    reader.report.error('UNKNOWN_KEY', keySpan, `${reader.what} has no key ${key}`, hint);
  }
}

/** For maps in which AWS's own schema leaves other keys alone: one that is not misspelt is ignored. */
export function warnOfUnknownKeys({ node, what, report }: MapReader, known: readonly string[]): void {
  for (const { key, keySpan } of node.entries.values()) {
    if (known.includes(key)) continue;
    const hint = report.suggest(key, known);
    const message = `${what} has no key ${key}`;
    if (hint?.startsWith('Did') === true) report.error('UNKNOWN_KEY', keySpan, message, hint);
    else report.warn('UNKNOWN_KEY', keySpan, `${message}; it is ignored`, hint);
  }
}

/** The entry of a key; undefined when it is missing or empty, which AWS treats alike. */
export function entryOf(reader: MapReader, key: string): Entry | undefined {
  const entry = reader.node.entries.get(key);
  return entry?.value.kind === 'scalar' && entry.value.value === null ? undefined : entry;
}

/** The entry of a key that must be there; `at` is what is underlined when it is not. */
export function requiredEntry(reader: MapReader, key: string, at: Span, hint?: string): Entry | undefined {
  const entry = entryOf(reader, key);
  if (entry !== undefined) return entry;
  // A misspelt key is reported as unknown already, with this one as what was meant.
  const isMisspelt = [...reader.node.entries.keys()].some(
    (present) => present !== key && reader.report.suggest(present, [key]) === `Did you mean ${key}?`,
  );
  if (!isMisspelt) reader.report.error('MISSING_KEY', at, `${reader.what} needs ${key}`, hint);
  return undefined;
}

export function readText(reader: MapReader, key: string): string | undefined {
  const entry = entryOf(reader, key);
  if (entry === undefined) return undefined;
  if (entry.value.kind === 'scalar' && typeof entry.value.value === 'string') return entry.value.value;
  wrongType(reader, entry, 'text', quoteHint(entry.value));
  return undefined;
}

/** The text of a key that must be there; `at` is what is underlined when it is not. */
export function requiredText(reader: MapReader, key: string, at: Span): string | undefined {
  return requiredEntry(reader, key, at) === undefined ? undefined : readText(reader, key);
}

/** One text or a list of texts; none where the key is not there. */
export function readTexts(reader: MapReader, key: string): readonly string[] {
  const entry = entryOf(reader, key);
  if (entry === undefined) return [];
  if (entry.value.kind === 'scalar' && typeof entry.value.value === 'string') return [entry.value.value];
  const texts: string[] = [];
  for (const item of readList(reader, key) ?? []) {
    if (item.kind === 'scalar' && typeof item.value === 'string') texts.push(item.value);
    else {
      const message = `an entry of ${key} must be text, not ${describeNode(item)}`;
      reader.report.error('WRONG_TYPE', item.span, message);
    }
  }
  return texts;
}

/** Accepts "true" and "false" in quotes, as AWS does, and YAML 1.1's words with a warning. */
export function readBoolean(reader: MapReader, key: string): boolean | undefined {
  const entry = entryOf(reader, key);
  if (entry === undefined) return undefined;
  const value = booleanOf(entry.value, reader.report);
  if (value === undefined) wrongType(reader, entry, 'true or false');
  return value;
}

const yaml11Booleans: Readonly<Record<string, boolean>> = {
  yes: true,
  on: true,
  y: true,
  no: false,
  off: false,
  n: false,
};

/** What YAML 1.1 reads a plain word as, with a warning; undefined when it is not a boolean there either. */
export function yaml11BooleanOf(node: TreeNode, report: Report): boolean | undefined {
  if (node.kind !== 'scalar' || !node.isPlain || typeof node.value !== 'string') return undefined;
  const word = node.value.toLowerCase();
  const meant = Object.hasOwn(yaml11Booleans, word) ? yaml11Booleans[word] : undefined;
  if (meant !== undefined) {
    report.warn(
      'YAML_1_1_BOOLEAN',
      node.span,
      `${node.value} is text in YAML 1.2; Belay takes it as ${meant}, as AWS would`,
      `Write ${meant}.`,
    );
  }
  return meant;
}

function booleanOf(node: TreeNode, report: Report): boolean | undefined {
  if (node.kind !== 'scalar') return undefined;
  if (typeof node.value === 'boolean') return node.value;
  if (typeof node.value === 'string' && /^(true|false)$/i.test(node.value)) {
    return node.value.toLowerCase() === 'true';
  }
  return yaml11BooleanOf(node, report);
}

/** A whole number of at least `min`; in quotes too. */
export function readInteger(reader: MapReader, key: string, min: number): number | undefined {
  const entry = entryOf(reader, key);
  if (entry === undefined) return undefined;
  const value = integerOf(entry.value);
  if (value === undefined) wrongType(reader, entry, 'a whole number');
  else if (value < min) {
    reader.report.error(
      'WRONG_VALUE',
      entry.value.span,
      `${key} of ${reader.what} is ${value}, but must be at least ${min}`,
    );
  } else return value;
  return undefined;
}

export function integerOf(node: TreeNode): number | undefined {
  if (node.kind !== 'scalar') return undefined;
  const value =
    typeof node.value === 'string' && /^-?\d+$/.test(node.value) ? Number(node.value) : node.value;
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

export function readMap(reader: MapReader, key: string): (Entry & { readonly value: MapNode }) | undefined {
  const entry = entryOf(reader, key);
  if (entry === undefined) return undefined;
  const { value } = entry;
  if (value.kind === 'map') return { ...entry, value };
  wrongType(reader, entry, 'a map');
  return undefined;
}

/** The items of a list; undefined when there is no list. */
export function readList(reader: MapReader, key: string): readonly TreeNode[] | undefined {
  const entry = entryOf(reader, key);
  if (entry === undefined) return undefined;
  if (entry.value.kind === 'list') return entry.value.items;
  wrongType(reader, entry, 'a list');
  return undefined;
}

/** One of a few words; did-you-mean when it is close to one of them. */
export function readWord<Word extends string>(
  reader: MapReader,
  key: string,
  words: readonly Word[],
): Word | undefined {
  const entry = entryOf(reader, key);
  if (entry === undefined) return undefined;
  const value = entry.value.kind === 'scalar' ? entry.value.value : undefined;
  const word = words.find((candidate) => candidate === value);
  if (word !== undefined) return word;
  const hint = reader.report.suggest(String(value), words);
  reader.report.error(
    'WRONG_VALUE',
    entry.value.span,
    `${key} of ${reader.what} is ${describeNode(entry.value)}, but must be ${joinOr(words)}`,
    hint?.startsWith('Did') === true ? hint : undefined,
  );
  return undefined;
}

export function wrongType(reader: MapReader, entry: Entry, wanted: string, hint?: string): void {
  const at = entry.value.kind === 'scalar' ? entry.value.span : entry.keySpan;
  reader.report.error(
    'WRONG_TYPE',
    at,
    `${entry.key} of ${reader.what} must be ${wanted}, but is ${describeNode(entry.value)}`,
    hint,
  );
}
