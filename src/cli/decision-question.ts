/** `rollback: ask` on a terminal: the question whether to climb down, answered here or in another terminal. */
import type { RecordedEvent } from '../engine/index.ts';
import type { Belay } from '../runtime/belay.ts';
import { Refusal } from '../runtime/refusal.ts';
import { Interrupted } from './interrupted.ts';
import type { Interruption } from './interruption.ts';
import { printable } from './view/printable.ts';
import type { Screen } from './view/screen.ts';

export class DecisionQuestion {
  readonly #belay: Belay;
  readonly #id: string;
  readonly #screen: Screen;
  readonly #interruption: Interruption;
  readonly #mayAsk: boolean;
  #asked: Promise<void> | undefined;
  #controller = new AbortController();

  constructor(
    belay: Belay,
    id: string,
    { screen, interruption, mayAsk }: { screen: Screen; interruption: Interruption; mayAsk: boolean },
  ) {
    this.#belay = belay;
    this.#id = id;
    this.#screen = screen;
    this.#interruption = interruption;
    this.#mayAsk = mayAsk;
  }

  /** Asks when it is time to, and takes the question away when the answer came from elsewhere. */
  hear({ event }: RecordedEvent): void {
    if (event.type === 'StepWaiting' && event.waiting.kind === 'rollbackDecision')
      this.ask(event.waiting.steps);
    else if (event.type === 'RollbackStarted' || event.type === 'ExecutionEnded') this.#controller.abort();
  }

  ask(steps: readonly string[]): void {
    if (!this.#mayAsk) return;
    this.#controller = new AbortController();
    this.#asked = this.#ask(steps, this.#controller.signal);
  }

  /** Resolves when the terminal is free again. */
  async close(): Promise<void> {
    this.#controller.abort();
    await this.#asked;
  }

  async #ask(steps: readonly string[], signal: AbortSignal): Promise<void> {
    const { askYesNo } = await import('./ask.ts');
    this.#screen.hold();
    try {
      const message = `Climb down, undoing ${steps.map(printable).join(', ')}?`;
      const answer = await askYesNo(message, { initial: true, signal });
      if (answer === true) await this.#belay.requestRollback(this.#id, { force: false });
      if (answer === false) await this.#belay.cancel(this.#id);
    } catch (error) {
      if (error instanceof Interrupted) this.#interruption.interrupt();
      else if (error instanceof Refusal) this.#screen.say([printable(error.message)]);
      else throw error;
    } finally {
      this.#screen.resume();
    }
  }
}
