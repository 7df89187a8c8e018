/**
 * Runs a task's runbook in a process of its own, by the same command line that a person types. It has a session of its own, so it outlives
 * the daemon: the next daemon finds its execution running, or interrupted and to be resumed.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asJournalFailure } from '../../journal/index.ts';
import type { Effect, PseudoParameter, Task } from '../../windows/index.ts';
import { withPseudoParameters } from '../../windows/index.ts';
import { executionDir } from '../state-dir.ts';

type Start = Extract<Effect, { kind: 'start' }>;
/** As whom it acts. */
type Identity = Pick<Task['identity'], 'sshAgent' | 'awsProfile'>;

export interface RunnerOptions {
  readonly stateDir: string;
  /** The folder in which `belay` is started: belay.yaml is found from there. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** The instance id of a host, where belay.yaml has one. */
  readonly instanceOf: (host: string) => string | undefined;
  /** What starts Belay: the interpreter and its script. */
  readonly command: readonly [string, ...string[]];
}

export interface RunnerExit {
  readonly executionId: string;
  readonly kind: 'runbook' | 'check';
  /** Null: a signal ended it. */
  readonly exitCode: number | null;
  /** For people, of what it said: the first lines of a runbook's process, with which a refusal begins, and the last of a check. */
  readonly said: string;
}

const parametersFile = 'parameters.json';
const saidCharacters = 2_000;
const saidLines = 3;

export class TaskRunner {
  readonly #options: RunnerOptions;
  readonly #live = new Map<string, { readonly pid: number; readonly kind: RunnerExit['kind'] }>();
  readonly #onExit: (exit: RunnerExit) => void;

  constructor(options: RunnerOptions, onExit: (exit: RunnerExit) => void) {
    this.#options = options;
    this.#onExit = onExit;
  }

  /** Whether a process that this daemon started still works on it. */
  isLive(executionId: string): boolean {
    return this.#live.has(executionId);
  }

  /** Whether it was started for a window, which knows as whom it acts. */
  isOfWindow(executionId: string): boolean {
    return existsSync(join(this.#folderOf(executionId), parametersFile));
  }

  get liveCount(): number {
    return this.#live.size;
  }

  /** Throws JournalFailure. */
  start(effect: Start, window: string): void {
    asJournalFailure(this.#options.stateDir, () => this.#start(effect, window));
  }

  #start(effect: Start, window: string): void {
    const { task, target, executionId, occurrence } = effect;
    if (task.check !== undefined) {
      this.#spawn(executionId, 'check', task.identity, ['check', task.check]);
      return;
    }
    const values: Partial<Record<PseudoParameter, string>> = {
      WINDOW_ID: window,
      WINDOW_TASK_ID: task.name,
      WINDOW_EXECUTION_ID: task.taskType === 'RUN_COMMAND' ? uuidOf(occurrence) : occurrence,
      TASK_EXECUTION_ID: `${occurrence}/${task.name}`,
      ...(target === ''
        ? {}
        : {
            INVOCATION_ID: executionId,
            TARGET_TYPE: 'INSTANCE',
            TARGET_ID: target,
            RESOURCE_ID: this.#options.instanceOf(target) ?? target,
            WINDOW_TARGET_ID: target,
          }),
    };
    const folder = this.#folder(executionId);
    const parameters = join(folder, parametersFile);
    writeFileSync(parameters, JSON.stringify(withPseudoParameters(task.parameters, values)), { mode: 0o600 });
    const secrets = Object.entries(task.identity.secrets).flatMap(([name, reference]) => [
      '--secret',
      `${name}=${reference}`,
    ]);
    this.#spawn(executionId, 'runbook', task.identity, [
      'run',
      task.runbook,
      '--id',
      executionId,
      '--params-file',
      parameters,
      ...secrets,
      '-y',
      '--leave-to-daemon',
    ]);
  }

  /** Takes over an execution whose runner is gone, or that was left while it waited. Throws JournalFailure. */
  resume(executionId: string, identity: Identity): void {
    asJournalFailure(this.#options.stateDir, () =>
      this.#spawn(executionId, 'runbook', identity, ['resume', executionId, '--leave-to-daemon']),
    );
  }

  /** Asks every runner to finish its step and leave; the executions can be resumed. */
  leave(): void {
    for (const { pid } of this.#live.values()) interrupt(pid);
  }

  /** Stops a check that this daemon has started; false where there is none. */
  interruptCheck(executionId: string): boolean {
    const live = this.#live.get(executionId);
    if (live?.kind !== 'check') return false;
    interrupt(live.pid);
    return true;
  }

  #folderOf(executionId: string): string {
    return join(dirname(executionDir(this.#options.stateDir, executionId)), '..', 'windows', executionId);
  }

  #folder(executionId: string): string {
    const folder = this.#folderOf(executionId);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  #spawn(
    executionId: string,
    kind: RunnerExit['kind'],
    { sshAgent, awsProfile }: Identity,
    words: readonly string[],
  ): void {
    const { command, cwd, env, stateDir } = this.#options;
    const log = join(this.#folder(executionId), 'runner.log');
    const output = openSync(log, 'a', 0o600);
    // What earlier processes said is not what this one says.
    const from = fstatSync(output).size;
    const [program, ...before] = command;
    const child = spawn(program, [...before, '--state', stateDir, ...words], {
      cwd,
      detached: true,
      stdio: ['ignore', output, output],
      env: {
        ...env,
        ...(sshAgent === undefined ? {} : { SSH_AUTH_SOCK: sshAgent }),
        // Whom the run tells, it tells as the daemon would, but for a topic that its runbook names.
        ...(awsProfile === undefined
          ? {}
          : { AWS_PROFILE: awsProfile, BELAY_NOTIFY_PROFILE: notifyProfileOf(env) }),
      },
    });
    closeSync(output);
    if (child.pid !== undefined) this.#live.set(executionId, { pid: child.pid, kind });
    let isOver = false;
    const over = (exitCode: number | null, said?: string): void => {
      if (isOver) return;
      isOver = true;
      this.#live.delete(executionId);
      this.#onExit({ executionId, kind, exitCode, said: said ?? wordsOf(log, from, kind) });
    };
    child.once('error', (error) => over(null, error.message));
    child.once('exit', (code) => over(code));
  }
}

/** The same for the same occurrence. Command documents take nothing else as the id of a window's run, such as SnapshotId of AWS-RunPatchBaseline. */
function uuidOf(occurrence: string): string {
  const hex = createHash('sha256').update(occurrence).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

/** Empty: the daemon names no profile. */
function notifyProfileOf({ BELAY_NOTIFY_PROFILE: told, AWS_PROFILE: own }: NodeJS.ProcessEnv): string {
  return told ?? own ?? '';
}

function interrupt(pid: number): void {
  try {
    process.kill(pid, 'SIGINT');
  } catch {
    // It has ended by itself meanwhile.
  }
}

function wordsOf(log: string, from: number, kind: RunnerExit['kind']): string {
  let said: string;
  try {
    said = readFileSync(log).subarray(from).toString('utf8');
  } catch {
    return '';
  }
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const chosen = kind === 'check' ? lines.slice(-1) : lines.slice(0, saidLines);
  return chosen.join(' ').slice(0, saidCharacters);
}
