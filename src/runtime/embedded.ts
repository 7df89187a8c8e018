/**
 * The embedded host of the interpreter: answers every call that the journal knows, carries out the others between an
 * intent and an outcome, and lets other processes cancel, signal and follow through the journal.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type {
  ActivityCallOf,
  ActivityKind,
  EngineEvent,
  Outcome,
  OutcomeResult,
  RecordedEvent,
  Runtime,
  SignalResult,
} from '../engine/index.ts';
import { JournalFailure, type Journal } from '../journal/index.ts';
import type { Json, JsonObject } from '../json.ts';
import type { ActivityHost, AnyCall } from './activity-host.ts';
import { Race } from './race.ts';
import { readInstant, readOutcome, readSignal, readSlept } from './recorded-outcomes.ts';

/** Keeps secrets out of the journal. What was sealed is unsealed to the same. */
export interface JournalSeal {
  sealed<K extends ActivityKind>(kind: K, outcome: Outcome<K>): Outcome<K>;
  unsealed<K extends ActivityKind>(kind: K, outcome: Outcome<K>): Outcome<K>;
  sealedEvent(event: EngineEvent): EngineEvent;
}

export interface EmbeddedOptions {
  readonly executionId: string;
  readonly journal: Journal;
  readonly host: ActivityHost;
  /** Events that are new, as they happen; not those of a replay. */
  readonly onEvent?: (event: RecordedEvent) => void;
  /** `leave`: come back as soon as the execution has to wait for a person; `leaveUndecided`: only for `rollback: ask`. */
  readonly onWait: 'stay' | 'leave' | 'leaveUndecided';
  /** Between what the engine works with and what the journal keeps. */
  readonly seal: JournalSeal;
  readonly now?: () => number;
}

/** How often another process's cancel or signal is looked for. */
const inboxPollMs = 150;
/** The longest that events wait for company before they are written. */
const eventFlushMs = 50;

/** The runner leaves and the execution stays as it is, to be resumed. */
export class Left extends Error {
  override readonly name = 'Left';
  readonly reason: 'asked' | 'waiting';
  constructor(reason: 'asked' | 'waiting') {
    super(reason === 'asked' ? 'the runner was asked to leave' : 'the execution waits for a person');
    this.reason = reason;
  }
}

export class EmbeddedRuntime implements Runtime {
  readonly executionId: string;
  readonly #options: EmbeddedOptions;
  readonly #journal: Journal;
  readonly #now: () => number;
  readonly #storedSeq: number;
  readonly #leave = new AbortController();
  /** Tokens of effects that an earlier runner began. */
  readonly #earlier = new Set<string>();
  #pending: RecordedEvent[] = [];
  #flushTimer: NodeJS.Timeout | undefined;
  /** Why nothing can be written any more. What was written then, nobody knows: so nothing is answered either. */
  #trouble: Error | undefined;
  /** When this runner came, and the last that the record tells of those before it; null once it is said. */
  readonly #cameAt: number;
  #lastKnownAt: number | null;
  #position: number;
  readonly #race = new Race();

  constructor(options: EmbeddedOptions) {
    this.#options = options;
    this.executionId = options.executionId;
    this.#journal = options.journal;
    this.#now = options.now ?? Date.now;
    this.#cameAt = this.#now();
    this.#storedSeq = options.journal.lastSeq(options.executionId);
    const last = options.journal.lastRecord(options.executionId);
    this.#lastKnownAt = last.at;
    this.#position = last.position;
  }

  /** Ends the run before the next step, or at once where it waits. */
  leave(): void {
    this.#leave.abort();
  }

  activity<K extends ActivityKind>(call: ActivityCallOf<K>): Promise<Outcome<K>> {
    return this.#race.run(call.id, () => this.#activity(call));
  }

  async #activity<K extends ActivityKind>(call: ActivityCallOf<K>): Promise<Outcome<K>> {
    const { seal } = this.#options;
    const known = this.#known(call.id, (recorded) => {
      const outcome = readOutcome(call.kind, recorded);
      return outcome === undefined ? undefined : seal.unsealed(call.kind, outcome);
    });
    if (known?.outcome !== undefined) {
      if (call.kind === 'begin') this.#earlier.add(call.token);
      return known.outcome;
    }
    const isEarlier = known !== undefined || this.#earlier.has(call.token);
    if (known === undefined && !call.ignoreCancel && this.#isCancelled())
      return this.#record(call.id, this.#now(), { status: 'cancelled', ...this.#absence() });
    const startedAt = this.#begin(call.id);
    if (known !== undefined && call.onLost === 'report')
      return this.#record(call.id, startedAt, { status: 'lost', ...this.#absence() });
    // What is waited for goes on without a runner; a question that is asked again has its time again.
    const since = call.kind === 'wait' ? startedAt : this.#now();
    const result = await this.#watchingForCancel(call, (cancel) =>
      this.#options.host.run(call, { cancel, deadlineAt: since + call.timeoutMs, isEarlier }),
    );
    const outcome: Outcome<K> = { startedAt, endedAt: this.#now(), ...result, ...this.#absence() };
    this.#end(call.id, seal.sealed(call.kind, outcome));
    const settled = this.#options.host.settled(call, outcome);
    // Nobody else waits for what is cleared away behind one of several.
    if (!this.#race.has(call.id)) await settled;
    return outcome;
  }

  sleep(
    id: string,
    ms: number,
    options: { readonly ignoreCancel: boolean },
  ): Promise<'elapsed' | 'cancelled'> {
    return this.#race.run(id, () => this.#sleep(id, ms, options));
  }

  async #sleep(
    id: string,
    ms: number,
    { ignoreCancel }: { readonly ignoreCancel: boolean },
  ): Promise<'elapsed' | 'cancelled'> {
    const known = this.#known(id, readSlept);
    if (known?.outcome !== undefined) return known.outcome;
    const startedAt = this.#begin(id);
    const ending = await this.#until(startedAt + ms, ignoreCancel, () => undefined);
    const value = ending.kind === 'cancelled' ? 'cancelled' : 'elapsed';
    this.#recordOwn(id, startedAt, value);
    return value;
  }

  waitForSignal(
    id: string,
    name: string,
    timeoutMs: number,
    options: { readonly ignoreCancel: boolean },
  ): Promise<SignalResult> {
    return this.#race.run(id, () => this.#waitForSignal(id, name, timeoutMs, options));
  }

  first(_id: string, among: readonly string[]): Promise<string> {
    return this.#race.first(among);
  }

  async #waitForSignal(
    id: string,
    name: string,
    timeoutMs: number,
    { ignoreCancel }: { readonly ignoreCancel: boolean },
  ): Promise<SignalResult> {
    const known = this.#known(id, readSignal);
    if (known?.outcome !== undefined) return known.outcome;
    const startedAt = this.#begin(id);
    const until = startedAt + timeoutMs;
    // Whoever comes back late finds what was said meanwhile: only what was said in time counts.
    const look = () => {
      const entry = this.#journal.peek(this.executionId, name);
      return entry !== undefined && entry.at <= until ? entry : undefined;
    };
    // Whether others go on beside it is known once all calls of this tick are made.
    await Promise.resolve();
    const leaves = this.#leavesFor(name);
    if (leaves) this.#race.waitsForPerson(id);
    const ending = await this.#until(until, ignoreCancel, look, () => leaves && this.#race.isIdle(id));
    const at = this.#now();
    // Whoever waits for a person takes that time off its clock itself.
    this.#lastKnownAt = null;
    if (ending.kind === 'found') {
      const result: SignalResult = { status: 'signal', value: ending.value.value, at: ending.value.at };
      const outcome = { startedAt, endedAt: at, status: 'ok', value: result, position: this.#next() };
      this.#write((events) => {
        this.#journal.append(this.executionId, events);
        this.#journal.take(this.executionId, ending.value, id, outcome);
      });
      this.#race.ended(id, outcome.position);
      return result;
    }
    const result: SignalResult = { status: ending.kind === 'cancelled' ? 'cancelled' : 'timeout', at };
    this.#recordOwn(id, startedAt, result);
    return result;
  }

  async now(id: string): Promise<number> {
    const known = this.#known(id, readInstant);
    if (known?.outcome !== undefined) return known.outcome;
    const now = this.#now();
    this.#recordOwn(id, now, now);
    return now;
  }

  async emit(seq: number, event: EngineEvent): Promise<void> {
    if (seq <= this.#storedSeq) return;
    if (this.#trouble !== undefined) throw this.#trouble;
    if (this.#leave.signal.aborted && (event.type === 'StepStarted' || event.type === 'UndoStarted'))
      throw new Left('asked');
    const recorded = { seq, at: this.#now(), event: this.#options.seal.sealedEvent(event) };
    this.#pending.push(recorded);
    this.#flushTimer ??= setTimeout(() => this.#flushLate(), eventFlushMs);
    this.#options.onEvent?.(recorded);
  }

  /** Writes what has not been written. To be called when the interpreter has ended or left. */
  flush(): void {
    if (this.#pending.length > 0) this.#write((events) => this.#journal.append(this.executionId, events));
  }

  #flushLate(): void {
    try {
      this.flush();
    } catch {
      // The next call says so.
    }
  }

  #write<T>(write: (events: readonly RecordedEvent[]) => T): T {
    if (this.#trouble !== undefined) throw this.#trouble;
    try {
      return write(this.#takePending());
    } catch (error) {
      this.#trouble = error instanceof Error ? error : new Error(String(error));
      this.#race.stop();
      throw error;
    }
  }

  #takePending(): readonly RecordedEvent[] {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    const events = this.#pending;
    this.#pending = [];
    return events;
  }

  /** Undefined: it never began. Without an outcome: it began, and nothing is known of its end. */
  #known<T>(id: string, read: (recorded: Json) => T | undefined): { readonly outcome?: T } | undefined {
    const known = this.#journal.activity(this.executionId, id);
    if (known === undefined) return undefined;
    const { position = 0, ...recorded } = known.outcome ?? {};
    const outcome = known.outcome === null ? undefined : read(recorded);
    if (known.outcome !== null && outcome === undefined) {
      throw new JournalFailure(
        'JOURNAL_CORRUPT',
        `the journal has an outcome of ${id} of execution ${this.executionId} that no such call can have. Nothing further was begun. Restore the state folder from a backup, or start afresh with another --state.`,
      );
    }
    if (known.outcome !== null) this.#race.ended(id, position);
    return outcome === undefined ? {} : { outcome };
  }

  /** Writes down that it begins; gives the time of the first beginning, in ms since 1970. */
  #begin(id: string): number {
    return this.#write((events) => this.#journal.begin(this.executionId, id, this.#now(), events)).startedAt;
  }

  /** How long nobody ran the execution before this runner came: told once, with the first new outcome of an activity. */
  #absence(): { readonly absentMs?: number } {
    const lastKnownAt = this.#lastKnownAt ?? 0;
    this.#lastKnownAt = null;
    return lastKnownAt === 0 ? {} : { absentMs: Math.max(0, this.#cameAt - lastKnownAt) };
  }

  #record<K extends ActivityKind>(
    id: string,
    startedAt: number,
    result: OutcomeResult<K> & { readonly absentMs?: number },
  ): Outcome<K> {
    const outcome: Outcome<K> = { startedAt, endedAt: this.#now(), ...result };
    this.#end(id, outcome);
    return outcome;
  }

  #recordOwn(id: string, startedAt: number, value: Json): void {
    this.#end(id, { startedAt, endedAt: this.#now(), status: 'ok', value });
  }

  #end(id: string, outcome: JsonObject & { readonly startedAt: number; readonly endedAt: number }): void {
    const recorded = { ...outcome, position: this.#next() };
    this.#write((events) => this.#journal.end(this.executionId, id, recorded, events));
    this.#race.ended(id, recorded.position);
  }

  #next(): number {
    this.#position += 1;
    return this.#position;
  }

  #leavesFor(signal: string): boolean {
    const { onWait } = this.#options;
    return onWait === 'leave' || (onWait === 'leaveUndecided' && signal === 'rollback');
  }

  #isCancelled(): boolean {
    return this.#journal.isCancelRequested(this.executionId);
  }

  async #watchingForCancel<T>(call: AnyCall, run: (cancel: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    if (call.ignoreCancel) return run(controller.signal);
    const timer = setInterval(() => {
      if (this.#isCancelled()) controller.abort();
    }, inboxPollMs);
    try {
      return await run(controller.signal);
    } finally {
      clearInterval(timer);
    }
  }

  /**
   * Looks again and again until something is found, the time is over or the execution is cancelled. `leaves`: looks once,
   * and leaves where none of that is so yet.
   */
  async #until<T>(
    at: number,
    ignoreCancel: boolean,
    look: () => T | undefined,
    leaves: () => boolean = () => false,
  ): Promise<{ readonly kind: 'found'; readonly value: T } | { readonly kind: 'elapsed' | 'cancelled' }> {
    for (;;) {
      const found = look();
      if (found !== undefined) return { kind: 'found', value: found };
      if (!ignoreCancel && this.#isCancelled()) return { kind: 'cancelled' };
      const left = at - this.#now();
      if (left <= 0) return { kind: 'elapsed' };
      if (leaves()) throw new Left('waiting');
      if (this.#leave.signal.aborted) throw new Left('asked');
      await delay(Math.min(left, inboxPollMs), undefined, { signal: this.#leave.signal }).catch(
        () => undefined,
      );
    }
  }
}
