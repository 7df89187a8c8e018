/**
 * The daemon that leads: looks at windows whenever time or somebody's word may change something, and leaves everything resumable
 * whenever it ends. What keeps it from deciding, such as a full disk, ends it not: it is told, and looked at again in the next turn.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { JournalFailure, type WindowStore } from '../../journal/index.ts';
import { findConfiguration } from '../configuration.ts';
import { newExecutionId } from '../execution-id.ts';
import { Refusal } from '../refusal.ts';
import { Chores } from './chores.ts';
import type { DaemonEnding, DaemonOptions } from './daemon-options.ts';
import { WindowExecutions } from './executions.ts';
import { LoadedWindows } from './loaded-windows.ts';
import { WindowMessages } from './messages.ts';
import { Scheduler, type News } from './scheduler.ts';
import { readerOf } from './read-runbook.ts';
import { TaskRunner } from './task-runner.ts';

/** How long nobody looks at most; words of people and ends of runs are seen within it. */
const turnMs = 1_000;
/** How often people are told what is to be told. */
const peopleMs = 5_000;
/** How late an occurrence may be seen and still be on time; one turn of a busy machine fits well within it. */
const onTimeMs = { service: 60_000, once: 15 * 60_000 } as const;

export class Leader {
  readonly #options: DaemonOptions;
  readonly #scheduler: Scheduler;
  readonly #runner: TaskRunner;
  readonly #store: WindowStore;
  readonly #windows: LoadedWindows;
  readonly #messages: WindowMessages;
  readonly #hands: WindowExecutions;
  readonly #chores: Chores;
  #toldPeopleAt = -Infinity;
  #failed = 0;
  #mustLoad = true;
  /** Told last, so that it is not told every second. */
  #trouble: string | null = null;
  #damage: readonly string[] = [];

  constructor(options: DaemonOptions, store: WindowStore) {
    const { belay, cwd, env, command, now, log, folder } = options;
    const { stateDir } = belay;
    this.#options = options;
    this.#store = store;
    const instanceOf = (host: string): string | undefined =>
      findConfiguration(cwd, env).inventory?.address(host)?.instanceId;
    this.#runner = new TaskRunner({ stateDir, cwd, env, command, instanceOf }, (exit) => {
      this.#hands.exited(exit);
      log.info(
        { event: 'runner-ended', execution: exit.executionId, exitCode: exit.exitCode },
        'a runner has ended',
      );
    });
    const hands = new WindowExecutions(belay, store, this.#runner, now);
    this.#hands = hands;
    this.#messages = new WindowMessages({ store, notifier: belay.notifier, now, log });
    this.#windows = new LoadedWindows({ folder, store, messages: this.#messages, log, now });
    this.#chores = new Chores({ stateDir, cwd, env, command, now, log, store, messages: this.#messages });
    this.#scheduler = new Scheduler({
      store,
      now,
      onTimeMsMax: onTimeMs[options.mode.kind],
      inventory: () => findConfiguration(cwd, env).inventory,
      document: readerOf(belay),
      execution: (id) => hands.fact(id),
      newExecutionId: () => newExecutionId(now()),
      start: (effect, window) => hands.start(effect, window),
      cancel: async (effect) => {
        if (!(await hands.cancel(effect))) return;
        log.warn(
          { event: 'cancelled', execution: effect.executionId, code: effect.reason.code },
          effect.reason.message,
        );
      },
      takeOver: async (id, task) => {
        if (await hands.takeOver(id, task))
          log.info({ event: 'resumed', execution: id }, 'took over an execution without a runner');
      },
      answer: (id, occurrence, approvers) => hands.answer(id, occurrence, approvers),
      told: (news) => this.#told(news),
    });
  }

  async run(): Promise<DaemonEnding> {
    const { stop, now, mode, beat } = this.#options;
    while (!stop.aborted) {
      const wakeAt = await this.#turn();
      this.#tellPeople();
      beat({ leads: true, windows: this.#windows.all, trouble: this.#trouble });
      if (mode.kind === 'once' && this.#isIdle()) {
        await this.#chores.prune();
        return { kind: 'idle', failed: this.#failed };
      }
      if (mode.kind === 'service' && this.#trouble === null) this.#chores.turn(this.#windows);
      await sleep(Math.max(0, Math.min(turnMs, wakeAt - now())), undefined, { signal: stop }).catch(
        () => undefined,
      );
    }
    this.#chores.close();
    await this.#leave();
    return { kind: 'stopped' };
  }

  /** When time alone changes something next. */
  async #turn(): Promise<number> {
    try {
      if (this.#options.takeReload()) this.#mustLoad = true;
      if (this.#mustLoad) this.#load();
      await this.#hands.settle();
      const wakeAt = await this.#scheduler.tick(this.#windows.all);
      this.#tellDamage();
      for (const id of this.#hands.takeUp())
        this.#options.log.info(
          { event: 'resumed', execution: id },
          'goes on with an execution that was left to it',
        );
      this.#trouble = null;
      return wakeAt;
    } catch (error) {
      // What a person broke meanwhile, such as belay.yaml, and a disk that is full.
      if (!(error instanceof Refusal || error instanceof JournalFailure)) throw error;
      const first = error instanceof Refusal ? error.diagnostics[0] : undefined;
      const message =
        first === undefined ? error.message : `${first.file}:${first.start.line}: ${first.message}`;
      if (message !== this.#trouble) {
        this.#options.log.warn({ event: 'trouble', code: error.code }, message);
        if (error instanceof Refusal) this.#alarm(message);
      }
      this.#trouble = message;
      return Infinity;
    }
  }

  /** Of one run of a window: the others go on, so it is told and is no trouble of the daemon. */
  #tellDamage(): void {
    const { damage } = this.#scheduler;
    for (const message of damage) {
      if (this.#damage.includes(message)) continue;
      this.#options.log.warn({ event: 'damaged', code: 'OCCURRENCE_DAMAGED' }, message);
      this.#alarm(message);
    }
    this.#damage = damage;
  }

  /** Over the channels that were known last. Of a full disk nobody can be told from here: /healthz and the log say it. */
  #alarm(message: string): void {
    const at = this.#options.now();
    this.#messages.alarm({
      key: `trouble:${Math.floor(at / 86_400_000)}:${message}`,
      about: 'belay daemon',
      at,
      subject: 'the daemon cannot decide what is due',
      text: `${message}. What needs it is held back until it is right.`,
      command: 'belay doctor',
    });
  }

  #load(): void {
    this.#windows.load();
    this.#mustLoad = false;
    const windows = this.#windows.all.map(({ name }) => name);
    this.#options.log.info({ event: 'leads', windows }, 'leads this state folder');
  }

  /** Nothing is open; a trouble is none of the ends that `--once` waits for, but nothing else comes of it either. */
  #isIdle(): boolean {
    if (this.#trouble !== null) {
      this.#failed += 1;
      return true;
    }
    return this.#store.open().length === 0;
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

  async #told(news: News): Promise<void> {
    const { log } = this.#options;
    switch (news.kind) {
      case 'open':
        this.#messages.need(news.occurrence, news.executionId, await this.#hands.needOf(news.executionId));
        return;
      case 'asks':
        this.#messages.approval(news.occurrence, news.outdated);
        return;
      case 'started': {
        const { occurrence, task, target, executionId } = news;
        log.info(
          { event: 'started', occurrence: occurrence.id, task, target, execution: executionId },
          'started a run',
        );
        return;
      }
      case 'occurrence':
        this.#messages.summary(news.occurrence);
        this.#toldEnd(news.occurrence);
        return;
      default:
        news satisfies never;
    }
  }

  #toldEnd({ id, status, reason, tasks }: Extract<News, { kind: 'occurrence' }>['occurrence']): void {
    const { log } = this.#options;
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
