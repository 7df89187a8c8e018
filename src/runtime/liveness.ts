/** Who runs an execution just now: its own runner, or its root's. */
import type { ExecutionRow, Journal } from '../journal/index.ts';
import { rootOf } from './child-id.ts';
import { acquireLock, isLocked, type ExecutionLock } from './lock.ts';
import type { Liveness } from './summary.ts';

/** Keeps the runners of an execution apart, and tells whether one of them is alive. */
export interface Runners {
  /** Undefined: a runner lives, perhaps in this process. Throws JournalFailure where nobody can tell. */
  take(root: string): Promise<ExecutionLock | undefined>;
  /** Looks, and takes nothing. Throws JournalFailure. */
  isAlive(root: string): Promise<boolean>;
}

/** By a lock of the operating system beside the execution's logs, which goes with the process. */
export function runnersIn(stateDir: string): Runners {
  return {
    take: async (root) => acquireLock(stateDir, root),
    isAlive: async (root) => isLocked(stateDir, root),
  };
}

/** Throws JournalFailure. */
export async function livenessOf(
  journal: Pick<Journal, 'execution'>,
  runners: Pick<Runners, 'isAlive'>,
  row: Pick<ExecutionRow, 'id' | 'runner' | 'leftTo' | 'child'>,
): Promise<Liveness> {
  const { id, child } = row;
  const { runner = null, leftTo = null } = (child === null ? row : await journal.execution(child.root)) ?? {};
  return {
    runner,
    leftTo,
    isLive: await runners.isAlive(rootOf(id)),
  };
}
