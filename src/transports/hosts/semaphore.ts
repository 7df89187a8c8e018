/** Lets so many hold a place at a time; the others wait in the order of their coming. */
export class Semaphore {
  #limit: number;
  #held = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves with the function that gives the place back (harmless when called again). Rejects with the signal's reason. */
  async acquire(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#held >= this.#limit) await this.#queue(signal);
    else this.#held += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#held -= 1;
      this.#admit();
    };
  }

  /** Takes the limit down to what is held besides the caller's own place, at least one: the other side allows no more. */
  lower(): void {
    this.#limit = Math.max(1, Math.min(this.#limit, this.#held - 1));
  }

  #admit(): void {
    while (this.#held < this.#limit) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#held += 1;
      next();
    }
  }

  #queue(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const admitted = (): void => {
        signal?.removeEventListener('abort', aborted);
        resolve();
      };
      const aborted = (): void => {
        const at = this.#waiting.indexOf(admitted);
        if (at >= 0) this.#waiting.splice(at, 1);
        const reason: unknown = signal?.reason;
        reject(reason instanceof Error ? reason : new Error('given up', { cause: reason }));
      };
      this.#waiting.push(admitted);
      signal?.addEventListener('abort', aborted, { once: true });
    });
  }
}
