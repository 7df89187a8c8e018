/** Reads once more what a step that acted has left, where that changes only when somebody changes it. */
import { observe } from '../observe.ts';
import { isInUndo } from '../records.ts';
import type { RunStep } from '../step-run.ts';

export const observed =
  (next: RunStep): RunStep =>
  async (run) => {
    const { frame, record, id } = run;
    const ending = await next(run);
    const { step, descriptor, attempts } = record;
    const isOwned = descriptor.settled !== undefined && step.undo.kind === 'auto' && !isInUndo(frame.scope);
    if (isOwned && attempts.length > 0 && ending.status === 'Success')
      record.after = await observe(frame, record, `${id}:after`);
    return ending;
  };
