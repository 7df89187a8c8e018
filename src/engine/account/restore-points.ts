/** Which restore points an execution made are still there, by what its undos have told. Pure. */
import type { Change } from '../events.ts';
import type { StepState, UndoState } from '../execution-state.ts';

export interface StandingRestorePoint {
  readonly id: string;
  readonly of: string;
  readonly step: string;
  /** When the step ended that made it, in ms since 1970. */
  readonly at: number | null;
}

/**
 * The changes of a step, without those that took away a restore point which this execution had made itself: it was not there
 * before, and is not there now.
 */
export function changesBesidePoints({
  steps,
}: {
  readonly steps: readonly StepState[];
}): (step: StepState) => readonly Change[] {
  const own = new Set(steps.flatMap(({ restorePoints }) => restorePoints.map(({ id }) => id)));
  const isOwnPoint = ({ from, to }: Change): boolean => to === null && from !== null && own.has(from);
  return ({ changes }) =>
    changes.some(isOwnPoint) ? changes.filter((change) => !isOwnPoint(change)) : changes;
}

/** An undo list may have used one and left it; a later step may have taken it away. */
export function standingRestorePoints(account: {
  readonly steps: readonly StepState[];
  readonly rollback: readonly UndoState[];
}): StandingRestorePoint[] {
  const takenAway = new Set(
    account.steps.flatMap(({ changes }) => changes.flatMap(({ from, to }) => (to === null ? from : []))),
  );
  return account.steps.flatMap((step) => {
    const undo = account.rollback.find(({ name }) => name === step.name);
    const isGone = (id: string) =>
      undo?.result === 'undone' &&
      (undo.steps.length === 0 || undo.changes.some(({ from, to }) => from === id && to === null));
    return step.restorePoints
      .filter(({ id }) => !isGone(id) && !takenAway.has(id))
      .map(({ id, of }) => ({ id, of, step: step.name, at: step.endedAt }));
  });
}
