/**
 * What AWS refuses for now is waited for, within the time that the activity has: for every action in this one place. Nothing
 * has happened then, so that asking again is no second try; `maxAttempts` is not made for it.
 */
import type { ActionContext } from '../../actions/define-action.ts';
import { AwsFailure } from '../../transports/aws.ts';
import { pause as realPause, type Pause } from './pause.ts';

/** Where AWS names no time: the first pause and the longest, in ms (the SDK's own back-off ends at 20 s). */
const pauseMsMin = 1_000;
const pauseMsMax = 20_000;
/** So that many runners do not come back at the same moment. */
const jitter = 0.2;

/** How long to wait before asking again; undefined: it is not a matter of time. `refusals`: how often it was refused so far. */
export function pauseMs(error: unknown, refusals: number, random = Math.random()): number | undefined {
  if (!(error instanceof AwsFailure) || error.later === undefined) return undefined;
  const grown = Math.min(pauseMsMin * 2 ** (refusals - 1), pauseMsMax);
  return Math.round((error.later.afterMs ?? grown) * (1 + jitter * random));
}

export interface Patience {
  readonly context: Pick<ActionContext, 'now' | 'notice' | 'signal'>;
  readonly cancel: AbortSignal;
  /** Milliseconds since 1970. */
  readonly deadlineAt: number;
  /** Left out: time passes by itself. */
  readonly pause?: Pause;
}

/** Rejects with what `act` rejects with, once that is no "later", or the time would be over before the next try. */
export async function untilTaken<T>(
  act: () => Promise<T>,
  { context, cancel, deadlineAt, pause = realPause }: Patience,
): Promise<T | 'cancelled'> {
  for (let refusals = 1; ; refusals += 1) {
    try {
      return await act();
    } catch (error) {
      const ms = pauseMs(error, refusals);
      if (ms === undefined) throw error;
      if (cancel.aborted) return 'cancelled';
      if (context.now() + ms >= deadlineAt) throw error;
      context.notice(waitingText(error, ms));
      await pause(ms, context.signal);
      if (cancel.aborted) return 'cancelled';
      if (context.signal.aborted) throw error;
    }
  }
}

/** What AWS said, and how long it is waited for. */
export function waitingText(error: unknown, ms: number): string {
  const said = error instanceof Error ? error.message : String(error);
  return `AWS asks for it later, trying again in ${Math.ceil(ms / 1_000)} s: ${said}`;
}
