/** What people ask of windows: reads the files, reads and writes words, and leaves deciding to the daemon. Throws Refusal. */
import { dirname, join, resolve } from 'node:path';
import { findZone } from '../../schedule/index.ts';
import { didYouMean, makeSuggester } from '../../document/index.ts';
import { openWindowStore, type WindowStore, type WordKind } from '../../journal/index.ts';
import { dueInstants } from '../../schedule/index.ts';
import {
  isEnded,
  occurrenceId,
  scheduleOf,
  type FrozenTime,
  type Occurrence,
  type Window,
} from '../../windows/index.ts';
import type { Inventory } from '../../inventory/index.ts';
import { findConfiguration } from '../configuration.ts';
import { isDaemonAlive } from '../lock.ts';
import { Refusal } from '../refusal.ts';
import { instantOf } from './instant-of.ts';
import { FreezeCalendars } from './freeze-calendars.ts';
import { rowOf } from './scheduler.ts';
import { damageOf, occurrenceOf, soundOnes } from './stored.ts';
import { contentsOf, type ContentSources } from './task-content.ts';
import { sayYes, type SaidYes } from './window-approvals.ts';
import { readWindowFiles, windowsFolder, type WindowFile } from './window-files.ts';

export interface DeskOptions {
  readonly stateDir: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** `--dir`. */
  readonly dir: string | undefined;
  readonly now: () => number;
  readonly user: string;
}

export interface NextRun {
  readonly dueAt: number;
  readonly endAt: number;
  /** The clocks of the zone are set on that day, by so many minutes. */
  readonly clockShiftMinutes: number;
  /** A freeze calendar forbids it. */
  readonly frozen: FrozenTime | null;
  readonly isSkipped: boolean;
}

export class WindowDesk {
  readonly folder: string;
  readonly #options: DeskOptions;
  readonly #freeze = new FreezeCalendars();
  #store: WindowStore | undefined;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.folder = windowsFolderOf(options);
  }

  get store(): WindowStore {
    this.#store ??= openWindowStore(this.#options.stateDir);
    return this.#store;
  }

  get hasDaemon(): boolean {
    return isDaemonAlive(this.#options.stateDir);
  }

  files(): WindowFile[] {
    return readWindowFiles(this.folder);
  }

  window(name: string): Window {
    const files = this.files();
    const windows = files.flatMap(({ window }) => window ?? []);
    const found = windows.find((window) => window.name === name);
    if (found !== undefined) return found;
    const broken = files.filter(({ window }) => window === undefined);
    const hint =
      didYouMean(
        makeSuggester(),
        name,
        windows.map((window) => window.name),
      ) ??
      (broken.length > 0
        ? `belay window validate: ${broken.map(({ file }) => file).join(', ')} is not right`
        : undefined);
    throw new Refusal('usage', 'UNKNOWN_WINDOW', `there is no window ${name} in ${this.folder}`, { hint });
  }

  /** The next runs from now on, or from StartDate where that lies ahead. */
  async next(window: Window, count: number): Promise<NextRun[]> {
    const zone = findZone(window.timezone);
    if (zone === undefined) return [];
    const now = this.#options.now();
    const seenAt = this.#seenAt(window);
    const freeze = await this.#freeze.of(window, now);
    const skipped = this.store.wordsOf('skip');
    return dueInstants(scheduleOf(window, zone, seenAt), now, Infinity, count).map((dueAt): NextRun => {
      const endAt = dueAt + window.durationHours * 3_600_000;
      const day = 86_400_000;
      const offset = (at: number): number => zone.wallAt(Math.floor(at / 1000)) - Math.floor(at / 1000);
      const frozen =
        freeze.kind === 'known' ? freeze.calendars.flatMap((each) => each.frozenBetween(dueAt, endAt)) : [];
      return {
        dueAt,
        endAt,
        clockShiftMinutes: Math.round((offset(dueAt + day / 2) - offset(dueAt - day / 2)) / 60),
        frozen: frozen.find(({ start }) => start <= dueAt) ?? null,
        isSkipped: skipped.has(occurrenceId(window.name, dueAt)),
      };
    });
  }

  /** Why nobody can tell when it is frozen; null: everybody can. */
  async freezeProblem(window: Window): Promise<string | null> {
    const freeze = await this.#freeze.of(window, this.#options.now());
    return freeze.kind === 'known' ? null : freeze.message;
  }

  /** Those that can be read. */
  history(window: Window, countMax: number): Occurrence[] {
    return soundOnes(this.store.history(window.name, countMax));
  }

  /** What the store has of its open runs and its latest ones, at most so many, and nobody can read: a sentence each. */
  damage({ name }: Window, countMax: number): readonly string[] {
    const open = this.store.open().filter((row) => row.window === name);
    const messages = [...open, ...this.store.history(name, countMax)].flatMap((row) => damageOf(row) ?? []);
    return [...new Set(messages)];
  }

  /** The run that is under way or waits. Throws JournalFailure where what the store has of it is damaged. */
  running(window: Window): Occurrence | undefined {
    return this.store
      .open()
      .filter((each) => each.window === window.name)
      .map(occurrenceOf)
      .at(0);
  }

  /** The id of the run that is under way or waits, damaged or not. */
  runningId({ name }: Window): string | undefined {
    return this.store.open().find((each) => each.window === name)?.id;
  }

  /** The occurrence at that instant; the one under way, else the next one, without it. */
  async occurrence(window: Window, instant: string | undefined): Promise<string> {
    const running = this.running(window);
    const [next] = await this.next(window, 1);
    if (instant === undefined) {
      if (running?.status === 'PENDING') return running.id;
      if (next === undefined) throw new Refusal('usage', 'NEVER_DUE', `${window.name} does not come again`);
      return occurrenceId(window.name, next.dueAt);
    }
    const at = instantOf(instant);
    this.#refuseBegun(occurrenceId(window.name, at));
    if (running?.dueAt === at) return running.id;
    const zone = findZone(window.timezone);
    const seenAt = this.#seenAt(window);
    const due = zone === undefined ? [] : dueInstants(scheduleOf(window, zone, seenAt), at - 1, at, 1);
    if (due[0] === at) return occurrenceId(window.name, at);
    throw new Refusal('usage', 'NOT_DUE', `${window.name} is not due at ${instant}`, {
      hint: `belay window next ${window.name} shows when it comes`,
    });
  }

  /** A word about what has begun, or is over, would do nothing. */
  #refuseBegun(id: string): void {
    const row = this.store.occurrence(id);
    const status = row === undefined ? 'PENDING' : occurrenceOf(row).status;
    if (status === 'PENDING') return;
    const hint = isEnded(status) ? undefined : `belay window cancel ${row?.window} stops it`;
    throw new Refusal('refused', 'HAS_BEGUN', `${id} is ${status}: it is too late for that`, { hint });
  }

  /** Throws Refusal. */
  get inventory(): Inventory | null {
    const { cwd, env } = this.#options;
    return findConfiguration(cwd, env).inventory;
  }

  /** A yes to what the occurrence's tasks are now: as it was planned, else as the window's file says. */
  async approve(
    window: Window,
    id: string,
    { why, ...sources }: ContentSources & { readonly why: string | undefined },
  ): Promise<SaidYes> {
    const row = this.store.occurrence(id);
    const tasks = row === undefined ? window.tasks : occurrenceOf(row).tasks.map(({ task }) => task);
    const { user: by, now } = this.#options;
    return sayYes(this.store, id, { by, why: why ?? '', at: now(), to: await contentsOf(tasks, sources) });
  }

  /** False when the same person has said it before. */
  say(about: string, kind: WordKind, value = ''): boolean {
    return this.store.say(about, { kind, by: this.#options.user, value, at: this.#options.now() });
  }

  /** Skips every run before `until`; how many. */
  skipUntil(window: Window, until: string, why: string | undefined): number {
    const zone = findZone(window.timezone);
    if (zone === undefined) return 0;
    const now = this.#options.now();
    const schedule = scheduleOf(window, zone, this.#seenAt(window));
    const due = dueInstants(schedule, now, instantOf(until) - 1, skippedMax);
    for (const dueAt of due) this.say(occurrenceId(window.name, dueAt), 'skip', why);
    return due.length;
  }

  /** Puts a run of now beside those that are due. Its id. */
  async runNow(window: Window, force: boolean): Promise<string> {
    const now = this.#options.now();
    const running = this.running(window);
    if (running !== undefined) {
      throw new Refusal('refused', 'OVERLAPPING', `${running.id} still runs`, {
        hint: `belay window cancel ${window.name}`,
      });
    }
    const dueAt = Math.floor(now / 1000) * 1000;
    const endAt = dueAt + window.durationHours * 3_600_000;
    const id = occurrenceId(window.name, dueAt);
    if (!force) await this.#refuseFrozen(window, dueAt, endAt);
    if (force) this.say(id, 'force');
    this.say(id, 'run-now');
    this.store.see(window.name, now);
    this.store.decide(window.name, 0, [
      rowOf({
        window: window.name,
        id,
        dueAt,
        seenAt: now,
        cutoffAt: endAt - window.cutoffHours * 3_600_000,
        endAt,
        status: 'PENDING',
        approval: null,
        ...(window.notifySns === undefined ? {} : { notifySns: window.notifySns }),
        ...(window.notifyChannels === undefined ? {} : { notifyChannels: window.notifyChannels }),
        tasks: window.tasks.map((task) => ({ task, status: 'PENDING', targets: null, invocations: [] })),
      }),
    ]);
    return id;
  }

  #seenAt({ name }: Window): number {
    return this.store.known(name)?.seenAt ?? this.#options.now();
  }

  async #refuseFrozen(window: Window, from: number, until: number): Promise<void> {
    const freeze = await this.#freeze.of(window, from);
    const hint = `belay window run ${window.name} --now --force runs it all the same`;
    if (freeze.kind === 'unknown') throw new Refusal('refused', 'FREEZE_UNKNOWN', freeze.message, { hint });
    const frozen = freeze.calendars.flatMap((each) => each.frozenBetween(from, until)).at(0);
    if (frozen !== undefined) {
      throw new Refusal('refused', 'FROZEN', `a freeze calendar forbids it: ${frozen.summary}`, { hint });
    }
  }

  close(): void {
    this.#store?.close();
  }
}

const skippedMax = 10_000;

/** `--dir`, else where belay.yaml says, else windows/ beside it, else windows/ here. Throws Refusal. */
export function windowsFolderOf({ cwd, env, dir }: Pick<DeskOptions, 'cwd' | 'env' | 'dir'>): string {
  if (dir !== undefined) return resolve(cwd, dir);
  const { file, inventory } = findConfiguration(cwd, env);
  const named = inventory?.windowsFolder ?? null;
  if (named !== null) return named;
  return join(file === null ? cwd : dirname(file), windowsFolder);
}
