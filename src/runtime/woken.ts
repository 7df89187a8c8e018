/**
 * Which executions somebody should run again: their runners left because they wait, and what they wait for has come. It costs a look
 * at a counter while nothing was written and no time has come, however many wait.
 */
import type { Journal } from '../journal/index.ts';

export interface WokenExecution {
  readonly id: string;
  readonly leftTo: 'daemon' | null;
}

export class Woken {
  readonly #journal: () => Pick<Journal, 'version' | 'woken' | 'nextWakeAt'>;
  readonly #now: () => number;
  #version: number | undefined;
  #nextAt = -Infinity;
  #found: readonly WokenExecution[] = [];

  constructor(journal: () => Pick<Journal, 'version' | 'woken' | 'nextWakeAt'>, now: () => number) {
    this.#journal = journal;
    this.#now = now;
  }

  /** The oldest first. Throws JournalFailure. */
  async look(): Promise<readonly WokenExecution[]> {
    const journal = this.#journal();
    const version = await journal.version();
    const now = this.#now();
    if (version === this.#version && now < this.#nextAt) return this.#found;
    // What is written while this is read is seen by the next look.
    this.#found = await journal.woken(now);
    const nextAt = (await journal.nextWakeAt(now)) ?? Infinity;
    this.#version = version;
    this.#nextAt = nextAt;
    return this.#found;
  }
}
