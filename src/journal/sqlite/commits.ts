/**
 * Writes that several callers ask for at the same time become durable together: one transaction, and one wait for the disk. They are
 * written in the order in which they were asked for, and nobody is told before all of them are there.
 */
import type { Statements } from '../statements.ts';

interface Asked {
  readonly write: () => void;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

export class Commits {
  readonly #rows: Statements;
  #asked: Asked[] = [];
  #next: NodeJS.Immediate | undefined;

  constructor(rows: Statements) {
    this.#rows = rows;
  }

  /** Resolves when what it wrote is durable. Throws JournalFailure: then nothing of it was written. */
  write<T>(write: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let wrote: { readonly value: T } | undefined;
    this.#asked.push({
      write: () => {
        wrote = { value: write() };
      },
      done: () => {
        if (wrote !== undefined) resolve(wrote.value);
      },
      failed: reject,
    });
    // Behind everything else that this turn of the event loop has in store.
    this.#next ??= setImmediate(() => this.#commit());
    return promise;
  }

  /** Writes what was asked for and not written. */
  finish(): void {
    if (this.#next !== undefined) this.#commit();
  }

  #commit(): void {
    clearImmediate(this.#next);
    this.#next = undefined;
    const asked = this.#asked;
    this.#asked = [];
    try {
      this.#rows.transaction(() => {
        for (const { write } of asked) write();
      });
    } catch (error) {
      for (const { failed } of asked) failed(error);
      return;
    }
    for (const { done } of asked) done();
  }
}
