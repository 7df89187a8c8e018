/**
 * What a daemon does beside the windows, in processes of its own, so that nothing of it holds up a window: looks whether every window
 * would run (when the daemon starts, and an hour before each occurrence), and removes once a day what `keep:` no longer keeps.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { keepMsDefault } from '../../inventory/index.ts';
import type { WindowStore } from '../../journal/index.ts';
import { nextDueOf, type Window } from '../../windows/index.ts';
import { findConfiguration } from '../configuration.ts';
import { executionDir } from '../state-dir.ts';
import type { DaemonLog } from './daemon-log.ts';
import type { LoadedWindows } from './loaded-windows.ts';
import type { WindowMessages } from './messages.ts';

export interface ChoresPorts {
  readonly stateDir: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly command: readonly [string, ...string[]];
  readonly now: () => number;
  readonly log: DaemonLog;
  readonly store: WindowStore;
  readonly messages: Pick<WindowMessages, 'alarm'>;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** A window that comes every few minutes is looked at once in so long. */
const lookEveryMs = 55 * 60_000;
/** How long a look and a removal may take. */
const lookMsMax = 5 * 60_000;
const pruneMsMax = 2 * hourMs;
const saidBytesMax = 1024 * 1024;

interface Looked {
  readonly at: number;
  /** The occurrence before which it was looked. */
  readonly dueAt: number;
}

export class Chores {
  readonly #ports: ChoresPorts;
  readonly #looked = new Map<string, Looked>();
  #child: ChildProcess | undefined;
  #isBusy = false;

  constructor(ports: ChoresPorts) {
    this.#ports = ports;
  }

  /** Begins the next chore that is due; one at a time. */
  turn(windows: LoadedWindows): void {
    if (this.#isBusy) return;
    const window = windows.all.find((each) => this.#isToBeLookedAt(each));
    const file = window === undefined ? undefined : windows.fileOf(window.name);
    this.#isBusy = true;
    void this.#safely(() =>
      window !== undefined && file !== undefined ? this.#look(window, file) : this.#prune(),
    ).finally(() => (this.#isBusy = false));
  }

  /** At most once a day. Never throws. */
  prune(): Promise<void> {
    return this.#safely(() => this.#prune());
  }

  async #safely(chore: () => Promise<void>): Promise<void> {
    try {
      await chore();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#ports.log.warn({ event: 'chore' }, `it could not be done: ${why}`);
    }
  }

  close(): void {
    this.#child?.kill('SIGTERM');
  }

  /** Executions as `belay prune` removes them, and behind them what was decided about windows. */
  async #prune(): Promise<void> {
    const { store, now, log, cwd, env } = this.#ports;
    const last = store.words('daemon').find(({ kind }) => kind === 'pruned');
    if (last !== undefined && Math.abs(now() - last.at) < dayMs) return;
    store.unsay('daemon', 'pruned');
    store.say('daemon', { kind: 'pruned', by: 'belay', value: '', at: now() });
    const { code, stderr } = await this.#run(['prune', '-y', '--json'], pruneMsMax);
    if (code !== 0) log.warn({ event: 'not-pruned', exitCode: code }, stderr.trim().slice(0, 500));
    const keepMs = findConfiguration(cwd, env).inventory?.keepMs ?? keepMsDefault;
    const occurrences = store.forget(now() - keepMs);
    for (const id of this.#orphans()) rmSync(join(this.#folder, id), { recursive: true, force: true });
    log.info({ event: 'pruned', exitCode: code, occurrences }, 'removed what is kept no longer');
  }

  #isToBeLookedAt(window: Window): boolean {
    if (!window.isEnabled) return false;
    const { store, now } = this.#ports;
    const at = now();
    const known = this.#looked.get(window.name);
    if (known === undefined) return true;
    const dueAt = nextDueOf(window, store.known(window.name)?.seenAt ?? at, at);
    if (dueAt === undefined || dueAt === known.dueAt || dueAt - at > hourMs) return false;
    return Math.abs(at - known.at) >= lookEveryMs;
  }

  async #look(window: Window, file: string): Promise<void> {
    const { store, now, log, messages } = this.#ports;
    const { name } = window;
    const at = now();
    const dueAt = nextDueOf(window, store.known(name)?.seenAt ?? at, at) ?? Infinity;
    // An occurrence further off than an hour is looked at once more before it comes.
    this.#looked.set(name, { at, dueAt: dueAt - at > hourMs ? -Infinity : dueAt });
    const { code, stdout, stderr } = await this.#run(['window', 'validate', file, '--json'], lookMsMax);
    const problems = problemsIn(stdout);
    if (code === 0 || (problems.length === 0 && isBroken(stdout))) return;
    const found =
      problems.length > 0 ? problems : [stderr.trim().slice(0, 500) || `it ended with exit code ${code}`];
    const when = Number.isFinite(dueAt) ? ` It is due ${new Date(dueAt).toISOString()}.` : '';
    log.warn({ event: 'would-not-run', window: name, problems: found }, `${name} would not run as meant`);
    messages.alarm({
      key: `look:${name}:${dueAt}:${found.join('\n')}`,
      about: name,
      at,
      subject: `${name} would not run as meant`,
      text: `${found.join('\n')}${when}`,
      command: `belay window validate ${file}`,
      whom: window,
    });
  }

  get #folder(): string {
    return join(this.#ports.stateDir, 'windows');
  }

  /** Folders of runs that the journal does not know any more. */
  #orphans(): string[] {
    const { stateDir } = this.#ports;
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder).filter((id) => {
      const madeAt = statSync(join(this.#folder, id)).mtimeMs;
      return Date.now() - madeAt > dayMs && !existsSync(executionDir(stateDir, id));
    });
  }

  #run(
    words: readonly string[],
    msMax: number,
  ): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
    const { command, cwd, env, stateDir } = this.#ports;
    const [program, ...before] = command;
    return new Promise((done) => {
      const child = spawn(program, [...before, '--state', stateDir, ...words], {
        cwd,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: msMax,
      });
      this.#child = child;
      const said = { stdout: '', stderr: '' };
      for (const stream of ['stdout', 'stderr'] as const)
        child[stream].on('data', (chunk: Buffer) => {
          if (said[stream].length < saidBytesMax) said[stream] += chunk.toString('utf8');
        });
      child.once('error', (error) => done({ code: null, stdout: '', stderr: error.message }));
      child.once('close', (code) => done({ code, ...said }));
    });
  }
}

interface Validated {
  readonly diagnostics?: readonly { readonly severity?: string }[];
  readonly problems?: readonly { readonly task: string; readonly code: string; readonly message: string }[];
}

function problemsIn(stdout: string): string[] {
  const { problems = [] } = readJson(stdout) as Validated;
  return problems.map(({ task, code, message }) => `${task}: ${code}: ${message}`);
}

/** The file is broken; that is told by whoever reads it. */
function isBroken(stdout: string): boolean {
  const { diagnostics = [] } = readJson(stdout) as Validated;
  return diagnostics.some(({ severity }) => severity === 'error');
}

/** Of a process of our own; what is no JSON is nothing. */
function readJson(stdout: string): object {
  try {
    const value: unknown = JSON.parse(stdout);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
