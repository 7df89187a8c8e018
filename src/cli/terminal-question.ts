/** A question on the terminal of a run: one at a time, and taken away when the answer came from elsewhere. */
import { Refusal } from '../runtime/refusal.ts';
import { Interrupted } from './interrupted.ts';
import type { Interruption } from './interruption.ts';
import { printable } from './view/printable.ts';
import type { Screen } from './view/screen.ts';

export interface Terminal {
  readonly screen: Screen;
  readonly interruption: Interruption;
  /** Whether somebody is there to answer. */
  readonly mayAsk: boolean;
}

export class TerminalQuestion {
  readonly #terminal: Terminal;
  #asked: Promise<void> = Promise.resolve();
  #controller = new AbortController();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** `put` asks and does as it is told. What Belay refuses then is shown, and Ctrl-C is meant for the run. */
  ask(put: (signal: AbortSignal) => Promise<void>): void {
    if (!this.#terminal.mayAsk) return;
    this.#controller.abort();
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.#asked = this.#asked.then(() => this.#put(put, signal));
  }

  takeAway(): void {
    this.#controller.abort();
  }

  /** Resolves when the terminal is free again. */
  async close(): Promise<void> {
    this.takeAway();
    await this.#asked;
  }

  async #put(put: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { screen, interruption } = this.#terminal;
    screen.hold();
    try {
      await put(signal);
    } catch (error) {
      if (error instanceof Interrupted) interruption.interrupt();
      else if (error instanceof Refusal) screen.say([printable(error.message)]);
      else throw error;
    } finally {
      screen.resume();
    }
  }
}
