/** Ctrl-C once finishes the step and leaves, twice leaves at once; SIGTERM is the first of the two. */
import { exitCodes, type ExitCode } from './exit-codes.ts';
import { activeText } from './view/event-lines.ts';
import type { Screen } from './view/screen.ts';

/** One key press may come twice: from the terminal, and from npm, which passes it on to what it started. */
const echoMs = 250;

export class Interruption {
  readonly #controller = new AbortController();
  readonly #id: string;
  readonly #screen: Screen;
  readonly #talk: (lines: readonly string[]) => void;
  #firstAt = 0;
  #exitCode: ExitCode = exitCodes.interrupted;
  readonly #onInterrupt = (): void => this.#signal(exitCodes.interrupted);
  readonly #onTerminate = (): void => this.#signal(exitCodes.terminated);

  constructor(id: string, screen: Screen, talk: (lines: readonly string[]) => void) {
    this.#id = id;
    this.#screen = screen;
    this.#talk = talk;
    process.on('SIGINT', this.#onInterrupt);
    process.on('SIGTERM', this.#onTerminate);
  }

  /** Aborted once the execution should be left. */
  get leave(): AbortSignal {
    return this.#controller.signal;
  }

  get exitCode(): ExitCode {
    return this.#exitCode;
  }

  /** As if Ctrl-C had been pressed: a question caught the key. */
  interrupt(): void {
    this.#signal(exitCodes.interrupted);
  }

  close(): void {
    process.off('SIGINT', this.#onInterrupt);
    process.off('SIGTERM', this.#onTerminate);
  }

  #signal(exitCode: ExitCode): void {
    if (this.#controller.signal.aborted) {
      if (performance.now() - this.#firstAt < echoMs) return;
      this.#leaveAtOnce(exitCode);
    }
    this.#firstAt = performance.now();
    this.#exitCode = exitCode;
    this.#screen.say([stoppingText(this.#id, activeText(this.#screen.progress))]);
    this.#controller.abort();
  }

  #leaveAtOnce(exitCode: ExitCode): never {
    const active = activeText(this.#screen.progress);
    this.#screen.close();
    this.#talk(leftLines(this.#id, active));
    process.exit(exitCode);
  }
}

/** `active`: what is under way, for instance `Patch on db1`; empty: nothing. */
export function stoppingText(id: string, active: string): string {
  const after = active === '' ? 'Stopping.' : `Stopping after ${active}.`;
  return `${after} Then: belay resume ${id} goes on, belay cancel ${id} climbs down. Again to leave at once.`;
}

export function leftLines(id: string, active: string): string[] {
  const running = active === '' ? 'Nothing was under way.' : `${active} may still be running.`;
  return [
    `Left at once. ${running}`,
    `  belay resume ${id} finds out what really happened and goes on; belay cancel ${id} climbs down`,
  ];
}
