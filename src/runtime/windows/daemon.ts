/**
 * The scheduler as a process: leads a state folder by an operating-system lock, looks at windows whenever time or somebody's word may
 * change something, and leaves everything resumable whenever it ends.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openWindowStore } from '../../journal/index.ts';
import type { Window } from '../../windows/index.ts';
import type { Belay } from '../belay.ts';
import { findConfiguration } from '../configuration.ts';
import { newExecutionId } from '../execution-id.ts';
import { acquireDaemonLock, type ExecutionLock } from '../lock.ts';
import { Refusal } from '../refusal.ts';
import type { DaemonLog } from './daemon-log.ts';
import { WindowExecutions } from './executions.ts';
import { WindowMessages } from './messages.ts';
import { Scheduler, type News } from './scheduler.ts';
import { TaskRunner } from './task-runner.ts';
import { readWindowFiles } from './window-files.ts';

export interface DaemonOptions {
  readonly belay: Belay;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** The project's window files. */
  readonly folder: string;
  /** What starts Belay: the interpreter and its script. */
  readonly command: readonly [string, ...string[]];
  readonly now: () => number;
  readonly mode: DaemonMode;
  readonly log: DaemonLog;
  /** Called once a turn, by whoever watches whether the daemon lives. */
  readonly beat: () => void;
  /** Ends it: nothing new begins. */
  readonly stop: AbortSignal;
  /** Reads the window files anew when it is called. */
  readonly onReload: (reload: () => void) => void;
}

export type DaemonMode =
  /** Until it is stopped; what runs then is left resumable, or waited for. */
  | { readonly kind: 'service'; readonly standby: boolean; readonly onStop: 'leave' | 'finish' }
  /** What is due now, and then it ends. */
  | { readonly kind: 'once' };

export type DaemonEnding =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'idle'; readonly failed: number }
  /** Another daemon leads the state folder. */
  | { readonly kind: 'led' };

/** How long nobody looks at most; words of people and ends of runs are seen within it. */
const turnMs = 1_000;
const standbyMs = 1_000;
/** How often people are told what is to be told. */
const peopleMs = 5_000;
/** How late an occurrence may be seen and still be on time; one turn of a busy machine fits well within it. */
const onTimeMs = { service: 60_000, once: 15 * 60_000 } as const;

/** Throws JournalFailure and Refusal. */
export async function runDaemon(options: DaemonOptions): Promise<DaemonEnding> {
  const lock = await lead(options);
  if (lock === undefined) return { kind: options.stop.aborted ? 'stopped' : 'led' };
  const store = openWindowStore(options.belay.stateDir);
  try {
    return await new Daemon(options, store).run();
  } finally {
    store.close();
    lock.release();
  }
}

async function lead({ belay, mode, stop, log, beat }: DaemonOptions): Promise<ExecutionLock | undefined> {
  let isTold = false;
  while (!stop.aborted) {
    const lock = acquireDaemonLock(belay.stateDir);
    if (lock !== undefined) return lock;
    if (mode.kind === 'once' || !mode.standby) return undefined;
    if (!isTold) log.info({ event: 'standby' }, 'another daemon leads; waiting for its end');
    isTold = true;
    beat();
    await pause(standbyMs, stop);
  }
  return undefined;
}

class Daemon {
  readonly #options: DaemonOptions;
  readonly #scheduler: Scheduler;
  readonly #runner: TaskRunner;
  readonly #store: ReturnType<typeof openWindowStore>;
  /** The last sound version of each file. */
  readonly #windows = new Map<string, Window>();
  readonly #messages: WindowMessages;
  #toldPeopleAt = -Infinity;
  readonly #hands: WindowExecutions;
  #failed = 0;
  /** Told last, so that it is not told every second. */
  #refusal = '';

  constructor(options: DaemonOptions, store: ReturnType<typeof openWindowStore>) {
    const { belay, cwd, env, command, now, log } = options;
    this.#options = options;
    this.#store = store;
    const executions = (): WindowExecutions => hands;
    this.#runner = new TaskRunner({ stateDir: belay.stateDir, cwd, env, command }, (exit) => {
      executions().refused(exit.executionId, exit.said === '' ? `it ended with ${exit.exitCode}` : exit.said);
      log.info(
        { event: 'runner-ended', execution: exit.executionId, exitCode: exit.exitCode },
        'a runner has ended',
      );
    });
    const hands = new WindowExecutions(belay, store, this.#runner, now);
    this.#hands = hands;
    this.#messages = new WindowMessages({ store, notifier: belay.notifier, now, log });
    this.#scheduler = new Scheduler({
      store,
      now,
      onTimeMsMax: onTimeMs[options.mode.kind],
      inventory: () => findConfiguration(cwd, env).inventory,
      document: (file) => documentOf(belay, file),
      execution: (id) => hands.fact(id),
      newExecutionId: () => newExecutionId(now()),
      start: (effect, window) => hands.start(effect, window),
      cancel: (effect) => {
        hands.cancel(effect);
        log.warn(
          { event: 'cancelled', execution: effect.executionId, code: effect.reason.code },
          effect.reason.message,
        );
      },
      takeOver: (id, task) => {
        if (hands.takeOver(id, task))
          log.info({ event: 'resumed', execution: id }, 'took over an execution without a runner');
      },
      told: (news) => this.#told(news),
    });
    options.onReload(() => this.#load());
  }

  async run(): Promise<DaemonEnding> {
    const { stop, now, mode, log, beat } = this.#options;
    this.#load();
    log.info(
      { event: 'leads', windows: [...this.#windows.values()].map(({ name }) => name) },
      'leads this state folder',
    );
    while (!stop.aborted) {
      const wakeAt = await this.#turn();
      this.#tellPeople();
      beat();
      if (mode.kind === 'once' && this.#store.open().length === 0)
        return { kind: 'idle', failed: this.#failed };
      await pause(Math.max(0, Math.min(turnMs, wakeAt - now())), stop);
    }
    await this.#leave();
    return { kind: 'stopped' };
  }

  /** What a person broke meanwhile, such as belay.yaml, ends no daemon: it is told, and looked at again in the next turn. */
  async #turn(): Promise<number> {
    try {
      const wakeAt = await this.#scheduler.tick([...this.#windows.values()]);
      this.#refusal = '';
      return wakeAt;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const [first] = error.diagnostics;
      const message =
        first === undefined ? error.message : `${first.file}:${first.start.line}: ${first.message}`;
      if (message !== this.#refusal) this.#options.log.warn({ event: 'refused', code: error.code }, message);
      this.#refusal = message;
      return Infinity;
    }
  }

  /** A broken file keeps its last sound version running. */
  #load(): void {
    const { folder, log } = this.#options;
    const files = readWindowFiles(folder);
    const present = new Set(files.map(({ file }) => file));
    for (const file of this.#windows.keys()) if (!present.has(file)) this.#windows.delete(file);
    for (const { file, window, diagnostics } of files) {
      if (window !== undefined) this.#windows.set(file, window);
      else {
        const first = diagnostics.find(({ severity }) => severity === 'error');
        const kept = this.#windows.has(file) ? 'its last sound version goes on' : 'it is not run';
        log.warn(
          { event: 'broken-window', file, code: first?.code, line: first?.start.line },
          `${file} is broken (${first?.message ?? 'no message'}); ${kept}`,
        );
      }
    }
  }

  async #leave(): Promise<void> {
    const { mode, log } = this.#options;
    if (mode.kind === 'once' || this.#runner.liveCount === 0) return;
    if (mode.onStop === 'leave') {
      log.info(
        { event: 'leaving', runners: this.#runner.liveCount },
        'runs finish their step and can be resumed',
      );
      this.#runner.leave();
    }
    while (this.#runner.liveCount > 0) await sleep(100);
  }

  /** Beside the turn: a receiver that hangs holds up no window. */
  #tellPeople(): void {
    const { belay, now, log } = this.#options;
    const { notifier } = belay;
    if (notifier?.isUsed !== true || Math.abs(now() - this.#toldPeopleAt) < peopleMs) return;
    this.#toldPeopleAt = now();
    notifier
      .round()
      .then(() => {
        for (const { channel, why, attempts } of notifier.takeTroubles())
          log.warn({ event: 'not-told', channel, attempts }, `a message could not be delivered: ${why}`);
      })
      .catch((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        log.warn({ event: 'not-told' }, `nobody could be told: ${why}`);
      });
  }

  #told(news: News): void {
    const { log } = this.#options;
    if (news.kind === 'open') {
      this.#messages.need(news.occurrence, news.executionId, this.#hands.needOf(news.executionId));
      return;
    }
    if (news.kind === 'asks') {
      this.#messages.approval(news.occurrence);
      return;
    }
    if (news.kind === 'started') {
      const { occurrence, task, target, executionId } = news;
      log.info(
        { event: 'started', occurrence: occurrence.id, task, target, execution: executionId },
        'started a run',
      );
      return;
    }
    const { id, status, reason, tasks } = news.occurrence;
    this.#messages.summary(news.occurrence);
    if (status === 'FAILED' || status === 'TIMED_OUT' || status === 'CANCELLED') this.#failed += 1;
    const fields = { event: 'occurrence', occurrence: id, status, code: reason?.code };
    const parts = tasks.map(
      (run) => `${run.task.name} ${run.status}${run.reason === undefined ? '' : ` (${run.reason.message})`}`,
    );
    log[status === 'SUCCESS' ? 'info' : 'warn'](
      fields,
      `${id} ${status}: ${reason?.message ?? parts.join('; ')}`,
    );
  }
}

function documentOf(belay: Belay, file: string) {
  try {
    const { document, diagnostics } = belay.check(file, { strictSsm: false });
    if (document !== undefined) return { document };
    const first = diagnostics.find(({ severity }) => severity === 'error');
    return { problem: `${file}: ${first?.message ?? 'it is not right'}` };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: stop }).catch(() => undefined);
}
