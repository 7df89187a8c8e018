/** When a message that could not be delivered is tried again, and when it is given up. Pure. */

const firstMs = 10_000;
const longestMs = 3_600_000;

/** After it a message is given up and reported. */
export const expiryMs = 3 * 24 * 3_600_000;

/**
 * The pause after so many attempts, in ms: ten seconds, doubled up to an hour. `askedMs`: what the receiver asked for
 * (Retry-After), honoured up to that hour.
 */
export function pauseMs(attempts: number, askedMs = 0): number {
  const own = Math.min(longestMs, firstMs * 2 ** Math.min(20, Math.max(0, attempts - 1)));
  return Math.min(longestMs, Math.max(own, askedMs));
}

/** A clock that was set back must not silence a channel for longer than the longest pause. */
export function isDue(nextAt: number, now: number): boolean {
  return nextAt <= now || nextAt - now > longestMs;
}
