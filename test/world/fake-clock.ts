/** A clock for worlds under test: it stands still until it is told, and sleeping moves it on. */
import type { Clock } from '../../src/world/index.ts';

export interface FakeClock extends Clock {
  pass(ms: number): void;
}

export function fakeClock(startAt = Date.UTC(2026, 1, 12, 2, 14)): FakeClock {
  let now = startAt;
  return {
    now: () => now,
    sleep: (ms) => {
      now += ms;
      return Promise.resolve();
    },
    pass: (ms) => {
      now += ms;
    },
  };
}
