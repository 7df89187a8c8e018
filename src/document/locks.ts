/** `locks:` of a document or step: resources held exclusively, each named KIND:NAME. */
import { parseTemplate } from './expression.ts';
import { entryOf, readList, type MapReader } from './read-keys.ts';
import { describeNode, quoteHint } from './tree.ts';

/** The longest name of a lock. */
const lockCharactersMax = 200;
const lockPattern = /^[a-z][a-z0-9-]*:[A-Za-z0-9_./:@+-]+$/;

/** A sentence on what is wrong with the name of a lock; undefined: nothing. */
export function lockNameProblem(name: string, written = name): string | undefined {
  if (name.length > lockCharactersMax) return `a lock's name has at most ${lockCharactersMax} characters`;
  if (lockPattern.test(name)) return undefined;
  return `a lock is named KIND:NAME, as host:db1, cluster:minio or volume:vol-0b2c, not ${JSON.stringify(written)}`;
}

/** Undefined where there are none. Expressions stay as written; what they give is checked when the locks are taken. */
export function parseLocks(reader: MapReader): readonly string[] | undefined {
  const { report } = reader;
  const items = readList(reader, 'locks');
  if (items === undefined) return undefined;
  if (items.length === 0) {
    const at = entryOf(reader, 'locks')?.keySpan ?? reader.node.span;
    report.error('WRONG_VALUE', at, `locks of ${reader.what} is an empty list`, "locks: ['host:db1']");
  }
  const names: string[] = [];
  for (const item of items) {
    if (item.kind !== 'scalar' || typeof item.value !== 'string') {
      const message = `a lock of ${reader.what} must be text, but is ${describeNode(item)}`;
      report.error('WRONG_TYPE', item.span, message, quoteHint(item) ?? "locks: ['host:db1']");
      continue;
    }
    const problem = lockNameProblem(sample(item.value), item.value);
    if (problem !== undefined) report.error('LOCK_NAME', item.span, problem);
    else if (names.includes(item.value)) {
      report.error('LOCK_NAME', item.span, `${reader.what} names the lock ${item.value} twice`);
    } else names.push(item.value);
  }
  return names;
}

/** The text with something sound in the place of each expression; one that opens with an expression may become anything. */
function sample(text: string): string {
  const parts = parseTemplate(text);
  if (parts[0]?.kind === 'reference') return 'any:x';
  return parts.map((part) => (part.kind === 'reference' ? 'x' : part.text)).join('');
}
