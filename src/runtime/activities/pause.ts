/** How what waits lets time pass. */
import { setTimeout as delay } from 'node:timers/promises';

/** Resolves after so many ms, or as soon as the signal is aborted. Never rejects. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

export const pause: Pause = (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined);
