/** An interactive run on a terminal: the question which step runs next, answered here or in another terminal. */
import type { RecordedEvent, Waiting } from '../engine/index.ts';
import type { Belay } from '../runtime/belay.ts';
import { TerminalQuestion, type Terminal } from './terminal-question.ts';
import { printable } from './view/printable.ts';

type NextStep = Extract<Waiting, { kind: 'nextStep' }>;

export class NextStepQuestion {
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
    if (event.type === 'StepWaiting' && event.waiting.kind === 'nextStep') this.ask(event.waiting);
    else if (event.type === 'StepStarted' || event.type === 'ForwardEnded') this.#question.takeAway();
  }

  ask({ steps }: NextStep): void {
    this.#question.ask(async (signal) => {
      const { askChoice } = await import('./ask.ts');
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
    });
  }

  /** Resolves when the terminal is free again. */
  close(): Promise<void> {
    return this.#question.close();
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
