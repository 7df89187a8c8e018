/**
 * Sends a call again where that is safe, and only there. The SDK's own retries are not in use: they cannot be told that a
 * mutating call without an idempotency token must never be sent twice once it may have arrived.
 */
import { AwsFailure } from '../aws.ts';

export const ATTEMPTS_MAX = 4;
const BACKOFF_BASE_MS = 200;
/** A service that asks for less traffic gets longer pauses from the start. */
const THROTTLED_BASE_MS = 1_000;
const BACKOFF_MAX_MS = 8_000;
const THROTTLED = /Throttl|LimitExceeded|TooManyRequests|SlowDown/;

export interface RetryPolicy {
  /** How often the call is sent at most, the first time included. */
  readonly attempts: number;
  /** A second arrival changes nothing: the call only reads, or carries an idempotency token. */
  readonly repeatable: boolean;
  readonly signal: AbortSignal | undefined;
  /** Resolves after the delay, or early when the signal is aborted. */
  sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void>;
  /** In [0, 1). */
  random(): number;
}

/**
 * `attempt` rejects with AwsFailure and nothing else; so does this. What AWS refuses for longer than a call may take goes
 * to who made the call at once: a step waits for that, within its own time.
 */
export async function sendWithRetries<Reply>(
  attempt: () => Promise<Reply>,
  policy: RetryPolicy,
): Promise<Reply> {
  let mayHaveHappened = false;
  for (let sent = 1; ; sent += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof AwsFailure)) throw error;
      mayHaveHappened ||= error.effect === 'unknown';
      const isSafe = error.effect === 'none' || policy.repeatable;
      const isLong = (error.later?.afterMs ?? 0) > BACKOFF_MAX_MS;
      if (!error.retryable || !isSafe || isLong || sent >= policy.attempts)
        throw summed(error, sent, mayHaveHappened);
      const pauseMs = error.later?.afterMs ?? backoffMs(sent, error, policy.random());
      await policy.sleep(pauseMs, policy.signal);
    }
  }
}

/** Full jitter: anywhere between nothing and the doubled limit (M. Brooker, "Exponential Backoff And Jitter", 2015). */
export function backoffMs(failures: number, failure: AwsFailure, random: number): number {
  const base = THROTTLED.test(failure.code) ? THROTTLED_BASE_MS : BACKOFF_BASE_MS;
  return Math.round(random * Math.min(BACKOFF_MAX_MS, base * 2 ** (failures - 1)));
}

/** The last refusal says nothing about an earlier attempt whose reply was lost: that one may still have happened. */
function summed(last: AwsFailure, sent: number, mayHaveHappened: boolean): AwsFailure {
  if (sent === 1) return last;
  const { code, retryable, httpStatus, requestId, cause, later } = last;
  const doubt = mayHaveHappened && last.effect === 'none' ? ' The reply to an earlier attempt was lost.' : '';
  return new AwsFailure({
    code,
    message: `${last.message} Sent ${sent} times.${doubt}`,
    retryable,
    effect: mayHaveHappened ? 'unknown' : last.effect,
    httpStatus,
    retryAfterMs: later?.afterMs,
    requestId,
    cause,
  });
}
