/**
 * Calls of the engine that are under way side by side, and which of them is answered next: the one whose outcome was
 * recorded first. A replay finds the same order on record, so nothing depends on which of them is faster then.
 */

/** Positions of calls that were never asked about are forgotten in such lots. */
const endedMax = 1000;

export class Race {
  /** Calls that were made and have not come back: whether each waits just now for what needs no runner, and the runner would leave. */
  readonly #underWay = new Map<string, () => boolean>();
  /** Recorded outcomes by the call's id: their place in the record. */
  readonly #ended = new Map<string, number>();
  /** Calls that `first` was asked about and has not answered. */
  #asked: ReadonlySet<string> = new Set();
  #isAsking = false;
  #wake: () => void = () => undefined;
  #hasStopped = false;

  readonly #asking: () => void;

  /** `asking`: called when nothing goes on but what is under way. */
  constructor(asking: () => void) {
    this.#asking = asking;
  }

  /** Makes the call. */
  async run<T>(id: string, call: () => Promise<T>, needsNone = () => false): Promise<T> {
    if (this.#asked.size === 0 && this.#ended.size > endedMax) this.#ended.clear();
    this.#underWay.set(id, needsNone);
    try {
      return await call();
    } finally {
      this.#underWay.delete(id);
    }
  }

  ended(id: string, position: number): void {
    this.#ended.set(id, position);
    this.#wake();
  }

  /** Nothing is answered any more. */
  stop(): void {
    this.#hasStopped = true;
  }

  /** The call waits for a person or a time. `isWaiting`: whether nothing has come for it. */
  needsNoRunner(id: string, isWaiting: () => boolean): void {
    this.#underWay.set(id, isWaiting);
  }

  /** Whether the call is one of several. */
  has(id: string): boolean {
    return this.#asked.has(id);
  }

  /** Whether nothing goes on but calls that need no runner. */
  isIdle(): boolean {
    if (this.#underWay.size === 0 || (this.#asked.size > 0 && !this.#isAsking)) return false;
    return this.#underWay.values().every((waits) => waits());
  }

  async first(among: readonly string[]): Promise<string> {
    this.#asked = new Set(among);
    this.#isAsking = true;
    for (;;) {
      const next = this.#earliest(among);
      if (next !== undefined) {
        this.#isAsking = false;
        this.#asked = new Set(among.filter((id) => id !== next));
        this.#ended.delete(next);
        return next;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      this.#asking();
      await promise;
    }
  }

  #earliest(among: readonly string[]): string | undefined {
    if (this.#hasStopped) return undefined;
    const position = (id: string): number => this.#ended.get(id) ?? Infinity;
    const ended = among.filter((id) => this.#ended.has(id));
    return ended.toSorted((one, other) => position(one) - position(other))[0];
  }
}
