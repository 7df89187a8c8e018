/**
 * What a runner listens for while it waits: that another process has cancelled the execution or put something into its inbox, that
 * it was asked to leave, that a time has come. One look at the journal serves all that wait, however many they are, and it
 * is a look at a counter: the rest is read only where something was written.
 */

/** How often another process's cancel or signal is looked for, in ms. */
const lookMs = 150;
/** A clock that goes on by so much more than the time between two looks was set, or the machine slept. */
const clockJumpMs = 1_000;
/** The longest that a timer of Node can run. */
const timerMsMax = 2 ** 31 - 1;

export interface AttentionPorts {
  /** Changes when another process has written anything. */
  readonly version: () => number;
  /** Changes when there is something new for the execution or those below it: a cancel, an entry of an inbox. */
  readonly mark: () => string;
  readonly now: () => number;
}

export class Attention {
  readonly #ports: AttentionPorts;
  readonly #leave = new AbortController();
  readonly #waiting = new Set<() => void>();
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

  /** Something was said in this process. */
  wake(): void {
    for (const heard of this.#waiting) {
      try {
        heard();
      } catch {
        // Whoever could not look finds the same trouble at its next write, and says so.
      }
    }
  }

  /** Calls back whenever there may be something new. Disposing of it ends that. */
  listen(heard: () => void): Disposable {
    this.#add(heard);
    return { [Symbol.dispose]: () => this.#remove(heard) };
  }

  /** Until there may be something new, or so much time has passed. */
  async something(ms: number): Promise<void> {
    if (this.isLeaving) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(1, Math.min(ms, timerMsMax)));
    using _listening = this.listen(resolve);
    await promise;
    clearTimeout(timer);
  }

  #add(heard: () => void): void {
    this.#waiting.add(heard);
    if (this.#timer !== undefined) {
      this.#timer.ref();
      return;
    }
    // What was written since the caller looked is found by the first look.
    this.#version = undefined;
    this.#mark = undefined;
    this.#lookedAt = this.#ports.now();
    this.#timer = setInterval(() => this.#look(), lookMs);
  }

  #remove(heard: () => void): void {
    this.#waiting.delete(heard);
    // Whoever was woken waits again right away, and what was looked at is still known then.
    if (this.#waiting.size === 0) this.#timer?.unref();
  }

  #look(): void {
    if (this.#waiting.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    try {
      if (this.#hasChanged()) this.wake();
    } catch {
      // Whoever waits looks for itself, and says what is wrong.
      this.wake();
    }
  }

  #hasChanged(): boolean {
    const { version, mark, now } = this.#ports;
    const at = now();
    const jumped = Math.abs(at - this.#lookedAt - lookMs) > clockJumpMs;
    this.#lookedAt = at;
    const seen = version();
    if (seen === this.#version) return jumped;
    this.#version = seen;
    const found = mark();
    const isNew = found !== this.#mark;
    this.#mark = found;
    return isNew || jumped;
  }
}
