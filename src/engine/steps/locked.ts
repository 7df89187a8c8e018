/** locks: takes those of the step before it looks at anything. They are held until the execution has ended. */
import { cancelled, notTried } from '../endings.ts';
import { lockStep } from '../locks.ts';
import type { RunStep } from '../step-run.ts';

export const locked =
  (next: RunStep): RunStep =>
  async (run) => {
    const held = await lockStep(run.frame, run.record);
    switch (held.kind) {
      case 'taken':
        return next(run);
      case 'refused':
        return notTried(held.failure);
      case 'cancelled':
        return cancelled(0);
      default:
        return held satisfies never;
    }
  };
