/** Cases of which CI runs one, drawn by the seed, and npm run lab:faults all. */
import { test } from 'vitest';
import { drawn } from './sample.ts';

export class DrawnCases {
  readonly #cases = new Map<string, () => Promise<void>>();

  test(title: string, run: () => Promise<void>): void {
    this.#cases.set(title, run);
  }

  /** Hands those that were drawn to the test runner. */
  draw(purpose: string, timeoutMs: number): void {
    for (const title of drawn(purpose, [...this.#cases.keys()])) {
      const run = this.#cases.get(title);
      if (run !== undefined) test(title, run, timeoutMs);
    }
  }
}
