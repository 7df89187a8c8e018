/**
 * Runs a task's runbook in a process of its own, by the same command line that a person types. It has a session of its own, so it outlives
 * the daemon: the next daemon finds its execution running, or interrupted and to be resumed.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Effect, PseudoParameter, Task } from '../../windows/index.ts';
import { withPseudoParameters } from '../../windows/index.ts';
import { executionDir } from '../state-dir.ts';

type Start = Extract<Effect, { kind: 'start' }>;

export interface RunnerOptions {
  readonly stateDir: string;
  /** The folder in which `belay` is started: belay.yaml is found from there. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** What starts Belay: the interpreter and its script. */
  readonly command: readonly [string, ...string[]];
}

export interface RunnerExit {
  readonly executionId: string;
  readonly exitCode: number | null;
  /** The first lines that it said, for people: a refusal begins with its reason. */
  readonly said: string;
}

const saidBytes = 2_000;
const saidLines = 3;

export class TaskRunner {
  readonly #options: RunnerOptions;
  readonly #live = new Map<string, number>();
  readonly #onExit: (exit: RunnerExit) => void;

  constructor(options: RunnerOptions, onExit: (exit: RunnerExit) => void) {
    this.#options = options;
    this.#onExit = onExit;
  }

  /** Whether a process that this daemon started still works on it. */
  isLive(executionId: string): boolean {
    return this.#live.has(executionId);
  }

  get liveCount(): number {
    return this.#live.size;
  }

  start(effect: Start, window: string): void {
    const { task, target, executionId, occurrence } = effect;
    const values: Partial<Record<PseudoParameter, string>> = {
      WINDOW_ID: window,
      WINDOW_TASK_ID: task.name,
      WINDOW_EXECUTION_ID: occurrence,
      TASK_EXECUTION_ID: `${occurrence}/${task.name}`,
      ...(target === ''
        ? {}
        : {
            INVOCATION_ID: executionId,
            TARGET_TYPE: 'INSTANCE',
            TARGET_ID: target,
            RESOURCE_ID: target,
            WINDOW_TARGET_ID: target,
          }),
    };
    const folder = this.#folder(executionId);
    const parameters = join(folder, 'parameters.json');
    writeFileSync(parameters, JSON.stringify(withPseudoParameters(task.parameters, values)), { mode: 0o600 });
    const secrets = Object.entries(task.identity.secrets).flatMap(([name, reference]) => [
      '--secret',
      `${name}=${reference}`,
    ]);
    this.#spawn(executionId, task, [
      'run',
      task.runbook,
      '--id',
      executionId,
      '--params-file',
      parameters,
      ...secrets,
      '-y',
    ]);
  }

  /** Takes over an execution whose runner is gone. */
  resume(executionId: string, task: Task): void {
    this.#spawn(executionId, task, ['resume', executionId]);
  }

  /** Asks every runner to finish its step and leave; the executions can be resumed. */
  leave(): void {
    for (const pid of this.#live.values()) {
      try {
        process.kill(pid, 'SIGINT');
      } catch {
        // It has ended by itself meanwhile.
      }
    }
  }

  #folder(executionId: string): string {
    const folder = join(
      dirname(executionDir(this.#options.stateDir, executionId)),
      '..',
      'windows',
      executionId,
    );
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  #spawn(executionId: string, task: Task, words: readonly string[]): void {
    const { command, cwd, env, stateDir } = this.#options;
    const log = join(this.#folder(executionId), 'runner.log');
    const output = openSync(log, 'a', 0o600);
    const { sshAgent, awsProfile } = task.identity;
    const [program, ...before] = command;
    const child = spawn(program, [...before, '--state', stateDir, ...words], {
      cwd,
      detached: true,
      stdio: ['ignore', output, output],
      env: {
        ...env,
        ...(sshAgent === undefined ? {} : { SSH_AUTH_SOCK: sshAgent }),
        ...(awsProfile === undefined ? {} : { AWS_PROFILE: awsProfile }),
      },
    });
    closeSync(output);
    if (child.pid !== undefined) this.#live.set(executionId, child.pid);
    let isOver = false;
    const over = (exitCode: number | null, said?: string): void => {
      if (isOver) return;
      isOver = true;
      this.#live.delete(executionId);
      this.#onExit({ executionId, exitCode, said: said ?? firstLines(log) });
    };
    child.once('error', (error) => over(null, error.message));
    child.once('exit', (code) => over(code));
  }
}

function firstLines(log: string): string {
  const lines = readFileSync(log, 'utf8').slice(0, saidBytes).split('\n');
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(0, saidLines)
    .join(' ');
}
