/**
 * What an undo builds on. `undoNeeds` of a step names steps behind it in its list: their undos come first on the way down,
 * and where one of them has failed, or was itself not done, this one is not done either and says because of which.
 */
import type { Failure } from './failure.ts';
import { nestingOf, type StepRecord, type TurnScope } from './records.ts';

/** Undos that have failed or were left alone, by the step's path and by that of each loop or rolling around it. */
export class UnmetNeeds {
  readonly #failed = new Map<string, Set<StepRecord>>();

  constructor(began: readonly StepRecord[]) {
    for (const record of began.toReversed()) this.tried(record);
  }

  /** To be told when something new is known of the step's undo. */
  tried(record: StepRecord): void {
    for (const path of [record.path, ...nestingOf(record).map((around) => around.path)]) {
      const failed = this.#failed.get(path) ?? new Set();
      failed.delete(record);
      if (record.undo === 'failed' || record.undo === 'changedSince') failed.add(record);
      this.#failed.set(path, failed);
    }
  }

  /** Null: the step may be undone. */
  of({ path, step }: StepRecord): Failure | null {
    const list = path.slice(0, path.length - step.name.length);
    for (const name of step.undoNeeds ?? []) {
      const [failed] = this.#failed.get(`${list}${name}`) ?? [];
      if (failed !== undefined)
        return notDone(`not done, because it builds on the undo of ${failed.path}, which did not succeed`);
    }
    return null;
  }
}

/**
 * Targets of a rolling with a gate depend on each other. After one of which an undo failed no further one is touched: the
 * gate may hold, and the target be half undone.
 */
export function unmetBefore({ of, target, failedUndos }: TurnScope): Failure | null {
  const [failed] = failedUndos;
  if (failed === undefined || (of.step.nested?.['Gate'] ?? []).length === 0) return null;
  return notDone(
    `not touched, because ${target} comes first, and the undo of ${failed.path} did not succeed`,
  );
}

const notDone = (message: string): Failure => ({ code: 'UNDO_NEEDED', message, retryable: true });
