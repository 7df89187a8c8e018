/** Which restore points an execution made are still there, by what its undos have told. Pure. */
import type { StepState, UndoState } from '../execution-state.ts';

export interface StandingRestorePoint {
  readonly id: string;
  readonly of: string;
  readonly step: string;
  /** When the step ended that made it, in ms since 1970. */
  readonly at: number | null;
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
