/** Whether a run and the rollback behind it would end before the window does. */
import type { WorstCase } from './facts.ts';
import type { Reason } from './occurrence.ts';

export type Fit =
  | { readonly kind: 'yes'; readonly forwardMs: number; readonly rollbackMs: number }
  | { readonly kind: 'no'; readonly reason: Reason; readonly forwardMs: number; readonly rollbackMs: number };

export function fits(worstCase: WorstCase, endAt: number, now: number): Fit {
  if (worstCase.kind === 'unknown') {
    return {
      kind: 'no',
      reason: { code: 'WORST_CASE_UNKNOWN', message: worstCase.message },
      forwardMs: 0,
      rollbackMs: 0,
    };
  }
  const { forwardMs, rollbackMs } = worstCase;
  const overMs = now + forwardMs + rollbackMs - endAt;
  if (overMs <= 0) return { kind: 'yes', forwardMs, rollbackMs };
  const minutes = (ms: number): number => Math.ceil(ms / 60_000);
  const message =
    `it does not fit by ${minutes(overMs)} min: ${minutes(forwardMs)} min forward and ${minutes(rollbackMs)} min of rollback, ` +
    `with ${Math.floor((endAt - now) / 60_000)} min left of the window`;
  return { kind: 'no', reason: { code: 'DOES_NOT_FIT', message }, forwardMs, rollbackMs };
}
