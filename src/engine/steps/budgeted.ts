/** Nothing new begins when the common budget is spent: that of an onCancel chain, or of a rollback. */
import { notTried } from '../endings.ts';
import type { RunStep } from '../step-run.ts';

export const budgeted =
  (next: RunStep): RunStep =>
  (run) => {
    if (!run.frame.isSpent) return next(run);
    const message = `no time was left for ${run.record.path}`;
    return Promise.resolve(notTried({ code: 'TIMED_OUT', message, retryable: false }, 'TimedOut'));
  };
