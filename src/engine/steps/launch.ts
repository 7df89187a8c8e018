/**
 * Many targets, several at once: the one place that decides which target is begun when. Asked before each launch: no further one
 * is begun once more than the budget allows have failed, and where the count is strict, those in flight count as failed until they
 * have come through. Rollings, steps over hosts and children are launched by it.
 */
import type { ErrorBudget } from '../../document/index.ts';
import type { Failure } from '../failure.ts';
import type { Frame } from '../frame.ts';
import type { StepRun } from '../step-run.ts';
import { Lanes } from './lanes.ts';
import type { TurnEnding } from './turn.ts';

export interface Launching<T> {
  readonly targets: readonly T[];
  readonly nameOf: (target: T) => string;
  readonly budget: ErrorBudget;
  /** Those in flight count as failed. The service's own children are counted otherwise. */
  readonly isStrict: boolean;
  /** Whether a target whose turn was cancelled counts as failed. */
  readonly failsWhenCancelled: boolean;
  /** Whether the beginning of a turn is told, and not only its end. */
  readonly tellsStart: boolean;
  /** `frame`: of the lane. */
  readonly turn: (frame: Frame, target: T) => Promise<TurnEnding>;
  /** After a turn that went well, while others are still to come; the target is in flight until then. */
  readonly rest?: (frame: Frame, target: T) => Promise<'elapsed' | 'cancelled'>;
}

/** How it went, by the names of the targets. */
export interface Tally {
  readonly succeeded: string[];
  readonly failed: string[];
  /** Of each that failed, in the order in which they did. */
  readonly failures: { readonly target: string; readonly failure: Failure | null }[];
  /** A person cancelled it meanwhile. */
  isCancelled: boolean;
}

export async function launch<T>({ frame, record, id }: StepRun, launching: Launching<T>): Promise<Tally> {
  const { targets, budget, isStrict, nameOf, failsWhenCancelled } = launching;
  const tally: Tally = { succeeded: [], failed: [], failures: [], isCancelled: false };
  const lanes = new Lanes(frame.runtime, id, { inStep: frame.execution.program.interpreter === 1 });
  let launched = 0;
  let inFlight = 0;
  const mayLaunch = (): boolean =>
    !tally.isCancelled &&
    !frame.isSpent &&
    inFlight < budget.concurrency &&
    tally.failed.length + (isStrict ? inFlight : 0) <= budget.errors;
  const begin = (target: T, number: number): Promise<void> =>
    lanes.start(async (runtime) => {
      const lane = frame.with({ runtime });
      const of = { step: record.path, target: nameOf(target), number, of: targets.length };
      if (launching.tellsStart) await lane.emit({ type: 'TurnStarted', ...of });
      const ending = await launching.turn(lane, target);
      await lane.emit({ type: 'TurnEnded', ...of, ...ending });
      count(tally, of.target, ending, failsWhenCancelled);
      if (ending.status === 'Success' && launched < targets.length)
        tally.isCancelled ||= (await launching.rest?.(lane, target)) === 'cancelled';
      inFlight -= 1;
    });
  for (;;) {
    for (let next = targets[launched]; next !== undefined && mayLaunch(); next = targets[launched]) {
      launched += 1;
      inFlight += 1;
      await begin(next, launched);
    }
    if (inFlight === 0) return tally;
    await lanes.untilOneEnds();
  }
}

function count(
  tally: Tally,
  target: string,
  { status, failure }: TurnEnding,
  failsWhenCancelled: boolean,
): void {
  tally.isCancelled ||= status === 'Cancelled';
  if (status === 'Success') tally.succeeded.push(target);
  else if (status !== 'Cancelled' || failsWhenCancelled) {
    tally.failed.push(target);
    tally.failures.push({ target, failure });
  }
}
