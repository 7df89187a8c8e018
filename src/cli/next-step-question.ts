/** An interactive run on a terminal: the question which step runs next, answered here or in another terminal. */
import type { RecordedEvent, Waiting } from '../engine/index.ts';
import type { Belay } from '../runtime/belay.ts';
import { Refusal } from '../runtime/refusal.ts';
import { Interrupted } from './interrupted.ts';
import type { Interruption } from './interruption.ts';
import { printable } from './view/printable.ts';
import type { Screen } from './view/screen.ts';

type NextStep = Extract<Waiting, { kind: 'nextStep' }>;

export class NextStepQuestion {
  readonly #belay: Belay;
  readonly #id: string;
  readonly #screen: Screen;
  readonly #interruption: Interruption;
  readonly #mayAsk: boolean;
  #asked: Promise<void> = Promise.resolve();
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
    if (event.type === 'StepWaiting' && event.waiting.kind === 'nextStep') this.ask(event.waiting);
    else if (event.type === 'StepStarted' || event.type === 'ForwardEnded') this.#controller.abort();
  }

  ask(waiting: NextStep): void {
    if (!this.#mayAsk) return;
    this.#controller.abort();
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.#asked = this.#asked.then(() => this.#ask(waiting, signal));
  }

  /** Resolves when the terminal is free again. */
  async close(): Promise<void> {
    this.#controller.abort();
    await this.#asked;
  }

  async #ask({ steps }: NextStep, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { askChoice } = await import('./ask.ts');
    this.#screen.hold();
    try {
      const answer = await askChoice('What next?', choicesOf(steps), signal);
      switch (answer?.kind) {
        case 'start':
          await this.#belay.proceed(this.#id, answer.step);
          break;
        case 'complete':
          await this.#belay.complete(this.#id);
          break;
        case 'cancel':
          await this.#belay.cancel(this.#id);
          break;
        case undefined:
          break;
        default:
          answer satisfies never;
      }
    } catch (error) {
      if (error instanceof Interrupted) this.#interruption.interrupt();
      else if (error instanceof Refusal) this.#screen.say([printable(error.message)]);
      else throw error;
    } finally {
      this.#screen.resume();
    }
  }
}

type Choice = { readonly kind: 'start'; readonly step: string } | { readonly kind: 'complete' | 'cancel' };

function choicesOf(steps: readonly string[]): { readonly label: string; readonly value: Choice }[] {
  return [
    ...steps.map((step) => ({ label: `start ${printable(step)}`, value: { kind: 'start', step } as const })),
    { label: 'end here, with nothing undone', value: { kind: 'complete' } },
    { label: 'stop and climb down as the runbook says', value: { kind: 'cancel' } },
  ];
}
