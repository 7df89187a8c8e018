/** Names what a host keeps for an undo: the same for every attempt of a step, and for its undo. */
import { createHash } from 'node:crypto';

/** [a-z0-9-], at most 48 characters. `parts` tell apart what one execution keeps on one host. */
export function keepKey(executionId: string, ...parts: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([executionId, ...parts]));
  return `${keepLabel(executionId)}-${hash.digest('hex').slice(0, 16)}`;
}

/** What all that one execution and those below it (`ROOT.CHILD`) keep begins with: by this a host forgets it. */
export function keepLabel(executionId: string): string {
  const [root = ''] = executionId.split('.');
  return root
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 31);
}
