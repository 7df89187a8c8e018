/** `belay` as people start it: a process of its own, with its state in a folder of the test. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Json, JsonObject } from '../../../src/json.ts';
import { builtBelay } from '../../support/built.ts';

export interface CommandOptions {
  /** The working folder; its belay.yaml counts. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface CommandEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. `ended` never rejects. */
export class BelayCommand {
  readonly ended: Promise<CommandEnd>;
  readonly #child: ChildProcessWithoutNullStreams;
  #stdout = '';
  #stderr = '';
  #wasEnded = false;

  constructor(args: readonly string[], { cwd, env }: CommandOptions) {
    this.#child = spawn(process.execPath, [builtBelay(), ...args], { cwd, env });
    this.#child.stdin.end();
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.ended = once(this.#child, 'close').then(() => ({
      code: this.#child.exitCode ?? 128,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
  }

  /** Resolves when standard error holds the text; rejects with all that was said when the command ends or time is up before. */
  async says(text: string, secondsMax: number): Promise<void> {
    const deadline = Date.now() + secondsMax * 1000;
    while (!this.#stderr.includes(text)) {
      if (this.#child.exitCode !== null || Date.now() > deadline)
        throw new Error(`belay never said "${text}":\n${this.#stderr}`);
      await delay(100);
    }
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What a test that failed half-way leaves running ends with it. */
  async end(): Promise<void> {
    if (this.isRunning) {
      this.#wasEnded = true;
      this.#child.kill('SIGKILL');
    }
    await this.ended;
  }

  /** By `end`, before it was through. */
  get wasEnded(): boolean {
    return this.#wasEnded;
  }
}

/** `show --json`, as far as the tests read it. */
export interface Shown {
  readonly executionId: string;
  readonly status: string;
  readonly rollbackStatus: string;
  readonly failedStep: string | null;
  readonly waiting: { readonly kind: string; readonly message?: string } | null;
  readonly steps: readonly ShownStep[];
  readonly rollback: readonly {
    readonly name: string;
    readonly result: string;
    readonly reason: string;
    readonly steps: readonly ShownStep[];
  }[];
}

export interface ShownStep {
  readonly name: string;
  readonly status: string;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly outputs: JsonObject;
}

export const shownFrom = (stdout: string): Shown => JSON.parse(stdout) as Shown;

/** An output of a forward step, or of a step of an undo list by its whole path. */
export function outputOf(shown: Shown, path: string, output: string): Json | undefined {
  const steps = [...shown.steps, ...shown.rollback.flatMap(({ steps }) => steps)];
  return steps.find(({ name }) => name === path)?.outputs[output];
}

/** An output that is one text, or a list with one text in it. */
export function textOf(shown: Shown, path: string, output: string): string {
  const value = outputOf(shown, path, output);
  const text = Array.isArray(value) && value.length === 1 ? value[0] : value;
  if (typeof text === 'string') return text;
  throw new Error(`${path}.${output} is ${JSON.stringify(value)}, not one text`);
}

/** Of each step that was undone or was to be: how that ended. */
export const undoResults = (shown: Shown): Record<string, string> =>
  Object.fromEntries(shown.rollback.map(({ name, result }) => [name, result]));
