/** `rollback: ask` on a terminal: the question whether to climb down, answered here or in another terminal. */
import type { RecordedEvent } from '../engine/index.ts';
import type { Belay } from '../runtime/belay.ts';
import { TerminalQuestion, type Terminal } from './terminal-question.ts';
import { printable } from './view/printable.ts';

export class DecisionQuestion {
  readonly #belay: Belay;
  readonly #id: string;
  readonly #question: TerminalQuestion;

  constructor(belay: Belay, id: string, terminal: Terminal) {
    this.#belay = belay;
    this.#id = id;
    this.#question = new TerminalQuestion(terminal);
  }

  /** Asks when it is time to, and takes the question away when the answer came from elsewhere. */
  hear({ event }: RecordedEvent): void {
    if (event.type === 'StepWaiting' && event.waiting.kind === 'rollbackDecision')
      this.ask(event.waiting.steps);
    else if (event.type === 'RollbackStarted' || event.type === 'ExecutionEnded') this.#question.takeAway();
  }

  ask(steps: readonly string[]): void {
    this.#question.ask(async (signal) => {
      const { askYesNo } = await import('./ask.ts');
      const message = `Climb down, undoing ${steps.map(printable).join(', ')}?`;
      const answer = await askYesNo(message, { initial: true, signal });
      if (answer === true) await this.#belay.requestRollback(this.#id, { force: false });
      if (answer === false) await this.#belay.cancel(this.#id);
    });
  }

  /** Resolves when the terminal is free again. */
  close(): Promise<void> {
    return this.#question.close();
  }
}
