/**
 * What a runner listens for while it waits: that another process has cancelled the execution or put something into its inbox, that
 * it was asked to leave, that a time has come. One look at the journal serves all that wait, however many they are, and it
 * is a look at a counter: the rest is read only where something was written.
 */

import type { LeftWait } from '../journal/index.ts';

/** How often another process's cancel or signal is looked for, in ms. */
const lookMs = 150;
/** A clock that goes on by so much more than the time between two looks was set, or the machine slept. */
const clockJumpMs = 1_000;
/** The longest that a timer of Node can run. */
const timerMsMax = 2 ** 31 - 1;

export interface AttentionPorts {
  /** Changes when another process has written anything. */
  readonly version: () => Promise<number>;
  /** Changes when there is something new for the execution or those below it: a cancel, an entry of an inbox. */
  readonly mark: () => Promise<string>;
  readonly now: () => number;
}

/** What it throws is found again by the next write of whoever waits, which says so. */
export type Heard = () => void | Promise<void>;

export class Attention {
  /** What the root and all below it wait for just now that needs no runner. */
  readonly waits = new Set<LeftWait>();
  readonly #ports: AttentionPorts;
  readonly #leave = new AbortController();
  readonly #waiting = new Set<Heard>();
  #turn = 0;
  #isLooking = false;
  #hasLeftWaits = false;
  #timer: NodeJS.Timeout | undefined;
  #version: number | undefined;
  #mark: string | undefined;
  #lookedAt = 0;

  constructor(ports: AttentionPorts) {
    this.#ports = ports;
    this.#leave.signal.addEventListener('abort', () => this.wake(), { once: true });
  }

  /** Whether the runner was asked to leave. */
  get isLeaving(): boolean {
    return this.#leave.signal.aborted;
  }

  leave(): void {
    this.#leave.abort();
  }

  /** Whether all that it runs waited for people, and the runner has left them to wait. */
  get hasLeftWaits(): boolean {
    return this.#hasLeftWaits;
  }

  /** All that it runs waits for people: each of them ends its wait, whatever comes now is for the next runner. */
  leaveWaits(): void {
    this.#hasLeftWaits = true;
    this.wake();
  }

  /**
   * Counts the times at which there may have been something new. To be read before one looks, and handed over when one listens: what
   * comes in between is not missed then.
   */
  get turn(): number {
    return this.#turn;
  }

  /** Something was said in this process. */
  wake(): void {
    this.#turn += 1;
    for (const heard of this.#waiting) void tell(heard);
  }

  /** Calls back whenever there may be something new since the turn. Disposing of it ends that. */
  listen(heard: Heard, turn: number): Disposable {
    this.#add(heard);
    if (turn !== this.#turn) void tell(heard);
    return { [Symbol.dispose]: () => this.#remove(heard) };
  }

  /** Until there may be something new since the turn, or so much time has passed. */
  async something(ms: number, turn: number): Promise<void> {
    if (this.isLeaving || turn !== this.#turn) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(1, Math.min(ms, timerMsMax)));
    using _listening = this.listen(resolve, turn);
    await promise;
    clearTimeout(timer);
  }

  #add(heard: Heard): void {
    this.#waiting.add(heard);
    if (this.#timer !== undefined) {
      this.#timer.ref();
      return;
    }
    // What was written since the caller looked is found by the first look.
    this.#version = undefined;
    this.#mark = undefined;
    this.#lookedAt = this.#ports.now();
    this.#timer = setInterval(() => void this.#look(), lookMs);
  }

  #remove(heard: Heard): void {
    this.#waiting.delete(heard);
    // Whoever was woken waits again right away, and what was looked at is still known then.
    if (this.#waiting.size === 0) this.#timer?.unref();
  }

  async #look(): Promise<void> {
    if (this.#waiting.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      if (await this.#hasChanged()) this.wake();
    } catch {
      // Whoever waits looks for itself, and says what is wrong.
      this.wake();
    } finally {
      this.#isLooking = false;
    }
  }

  async #hasChanged(): Promise<boolean> {
    const { version, mark, now } = this.#ports;
    const at = now();
    const jumped = Math.abs(at - this.#lookedAt - lookMs) > clockJumpMs;
    this.#lookedAt = at;
    const seen = await version();
    if (seen === this.#version) return jumped;
    this.#version = seen;
    const found = await mark();
    const isNew = found !== this.#mark;
    this.#mark = found;
    return isNew || jumped;
  }
}

async function tell(heard: Heard): Promise<void> {
  try {
    await heard();
  } catch {
    // Whoever could not look finds the same trouble at its next write, and says so.
  }
}
