/**
 * What an undo builds on. `undoNeeds` of a step names steps behind it in its list: their undos come first on the way down,
 * and where one of them has failed, or was itself not done, this one is not done either and says because of which.
 */
import type { Execution, StepRecord, Turn } from './execution.ts';
import type { Failure } from './failure.ts';

/** Null: the step may be undone. */
export function unmetNeed(execution: Execution, record: StepRecord): Failure | null {
  const { path, step } = record;
  const list = path.slice(0, path.length - step.name.length);
  for (const name of step.undoNeeds ?? []) {
    const failed = execution.began.find(
      (other) =>
        (other.undo === 'failed' || other.undo === 'changedSince') &&
        (other.path === `${list}${name}` || other.path.startsWith(`${list}${name}@`)),
    );
    if (failed !== undefined)
      return notDone(`not done, because it builds on the undo of ${failed.path}, which did not succeed`);
  }
  return null;
}

/**
 * Targets of a rolling with a gate depend on each other. After one of which an undo failed no further one is touched: the
 * gate may hold, and the target be half undone.
 */
export function unmetBefore(execution: Execution, left: Turn): Failure | null {
  if ((left.of.step.nested?.['Gate'] ?? []).length === 0) return null;
  const failed = execution.began.find(({ turn, undo }) => turn === left && undo === 'failed');
  return failed === undefined
    ? null
    : notDone(
        `not touched, because ${left.target} comes first, and the undo of ${failed.path} did not succeed`,
      );
}

const notDone = (message: string): Failure => ({ code: 'UNDO_NEEDED', message, retryable: true });
