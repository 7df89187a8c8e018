/** Which execution a person means by the beginning of its id. */
import type { Journal } from '../journal/index.ts';
import { Refusal } from './refusal.ts';

/** The latest one without any prefix. A child is meant by an id with a dot, or the beginning of one. Throws Refusal. */
export async function findExecution(
  journal: Pick<Journal, 'executionIds' | 'idsBelow'>,
  stateDir: string,
  prefix: string | undefined,
): Promise<string> {
  const ids = await journal.executionIds();
  if (prefix === '')
    throw new Refusal('usage', 'UNKNOWN_EXECUTION', 'an empty id names no execution; nothing was done', {
      hint: 'belay list shows what there is',
    });
  const found =
    prefix === undefined ? ids.slice(0, 1) : await startingWith(journal, ids, prefix.toUpperCase());
  const [id] = found;
  if (id === undefined) {
    const what = prefix === undefined ? 'there are no executions yet' : `there is no execution ${prefix}`;
    throw new Refusal('usage', 'UNKNOWN_EXECUTION', `${what} in ${stateDir}`, {
      hint: 'belay list shows what there is',
    });
  }
  if (found.length === 1) return id;
  throw new Refusal(
    'usage',
    'AMBIGUOUS_EXECUTION',
    `${prefix} fits ${found.length} executions: ${found.slice(0, 5).join(', ')}${found.length > 5 ? ' and others' : ''}`,
    { hint: 'give more of the id; belay list shows what each of them is' },
  );
}

async function startingWith(
  journal: Pick<Journal, 'idsBelow'>,
  ids: readonly string[],
  prefix: string,
): Promise<readonly string[]> {
  const [root = '', own] = prefix.split('.');
  const roots = ids.filter((id) => (own === undefined ? id.startsWith(root) : id === root));
  return own === undefined
    ? roots
    : (await Promise.all(roots.map((id) => journal.idsBelow(id))))
        .flat()
        .filter((id) => id.startsWith(prefix));
}
