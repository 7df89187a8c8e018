/** Which execution `belay resume` means without an id. */
import type { ListedExecution } from './execution-view.ts';
import { Refusal } from './refusal.ts';

/**
 * Newest first: interrupted ones are meant before those that something has come for, these before those that wait, and those that
 * somebody runs last. Throws Refusal.
 */
export function openExecution(
  views: readonly ListedExecution[],
  woken: ReadonlySet<string>,
  stateDir: string,
): string {
  const open = views.filter(({ endedAt }) => endedAt === null);
  const found =
    open.find(({ status }) => status === 'Interrupted') ??
    open.find(({ executionId, isLive }) => !isLive && woken.has(executionId)) ??
    open.find(({ isLive }) => !isLive) ??
    open[0];
  if (found !== undefined) return found.executionId;
  throw new Refusal('usage', 'NOTHING_TO_RESUME', `no execution in ${stateDir} waits to be resumed`, {
    hint: 'belay list shows what there is',
  });
}
