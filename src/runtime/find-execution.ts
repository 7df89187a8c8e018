/** Which execution somebody means. */
import { Refusal } from './refusal.ts';

/** The id for a unique prefix; the latest one without any. `ids`: newest first. Throws Refusal. */
export function findExecution(ids: readonly string[], prefix: string | undefined, stateDir: string): string {
  if (prefix === '')
    throw new Refusal('usage', 'UNKNOWN_EXECUTION', 'an empty id names no execution; nothing was done', {
      hint: 'belay list shows what there is',
    });
  const found =
    prefix === undefined ? ids.slice(0, 1) : ids.filter((id) => id.startsWith(prefix.toUpperCase()));
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
    `${prefix} fits ${found.length} executions: ${found.slice(0, 5).join(', ')}`,
  );
}
