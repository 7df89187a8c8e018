/** Who runs an execution just now: its own runner, or its root's. */
import type { ExecutionRow, Journal } from '../journal/index.ts';
import { rootOf } from './child-id.ts';
import { isLocked } from './lock.ts';
import type { Liveness } from './summary.ts';

/** Throws JournalFailure. */
export async function livenessOf(
  journal: Pick<Journal, 'execution'>,
  stateDir: string,
  { id, runner, child }: Pick<ExecutionRow, 'id' | 'runner' | 'child'>,
): Promise<Liveness> {
  return {
    runner: child === null ? runner : ((await journal.execution(child.root))?.runner ?? null),
    isLive: isLocked(stateDir, rootOf(id)),
  };
}
