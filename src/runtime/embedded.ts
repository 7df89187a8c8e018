/**
 * The embedded host of the interpreter: answers every call that the journal knows, carries out the others between an
 * intent and an outcome, and lets other processes cancel, signal and follow through the journal.
 */
import {
  completeSignal,
  type ActivityCallOf,
  type ActivityKind,
  type ChildCall,
  type ChildOutcome,
  type ChildRollbackCall,
  type EngineEvent,
  type ExecutionResult,
  type Outcome,
  type OutcomeResult,
  type RecordedEvent,
  type Runtime,
  type SignalResult,
} from '../engine/index.ts';
import type { Journal, LeftWait } from '../journal/index.ts';
import type { JsonObject } from '../json.ts';
import type { ActivityHost } from './activity-host.ts';
import { Attention } from './attention.ts';
import { Children, type Above, type ChildEnding, type ChildPorts } from './children.ts';
import { Left } from './left.ts';
import { Race } from './race.ts';
import { ExecutionRecord } from './record.ts';
import type { OnWait } from './run-options.ts';
import { readChild, readInstant, readOutcome, readSignal, readSlept, readYes } from './recorded-outcomes.ts';

/** Keeps secrets out of the journal. What was sealed is unsealed to the same. */
export interface JournalSeal {
  sealed<K extends ActivityKind>(kind: K, outcome: Outcome<K>): Outcome<K>;
  unsealed<K extends ActivityKind>(kind: K, outcome: Outcome<K>): Outcome<K>;
  sealedEvent(event: EngineEvent): EngineEvent;
  sealedResult(result: ExecutionResult): ExecutionResult;
  unsealedResult(result: ExecutionResult): ExecutionResult;
  sealedArguments(parameters: JsonObject): JsonObject;
}

export interface EmbeddedOptions {
  readonly executionId: string;
  readonly journal: Journal;
  readonly host: ActivityHost;
  /** Events that are new, as they happen; not those of a replay. */
  readonly onEvent?: (event: RecordedEvent) => void;
  readonly onWait: OnWait;
  /** Between what the engine works with and what the journal keeps. */
  readonly seal: JournalSeal;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Runs executions below this one; left out, there can be none. */
  readonly children?: ChildPorts;
  /** Of a child: the runtime of the execution above it. */
  readonly above?: Above;
  /** Of a child: no cancel of the execution above reaches it. */
  readonly ignoresCancel?: boolean;
}

interface Heed {
  readonly ignoreCancel: boolean;
}

type Waited<T> = { readonly kind: 'found'; readonly value: T } | { readonly kind: 'elapsed' | 'cancelled' };

/** A shorter rest of a sleep is waited for, whoever would go on then, in ms. */
const sleepMsMax = 60_000;

export class EmbeddedRuntime implements Runtime, Above {
  readonly executionId: string;
  /** One for the root and all below it. */
  readonly attention: Attention;
  readonly #options: EmbeddedOptions;
  readonly #journal: Journal;
  readonly #now: () => number;
  /** Tokens of effects that an earlier runner began. */
  readonly #earlier = new Set<string>();
  readonly #race: Race;
  readonly #record: ExecutionRecord;
  readonly #children: Children;

  constructor(options: EmbeddedOptions) {
    const { executionId, journal, onWait, above, now } = options;
    this.#options = options;
    this.executionId = executionId;
    this.#journal = journal;
    this.#now = now;
    this.attention =
      above?.attention ??
      new Attention({ version: () => journal.version(), mark: () => journal.mark(executionId), now });
    this.#race = new Race(() => {
      if (onWait !== 'stay' && this.isAllIdle()) this.attention.wake();
    });
    this.#record = new ExecutionRecord({
      executionId,
      journal,
      now,
      onEnded: (id, position) => this.#race.ended(id, position),
      onTrouble: () => this.#race.stop(),
    });
    this.#children = new Children({ above: this, journal, now, ports: options.children });
  }

  /** Ends the run before the next step, or at once where it waits. */
  leave(): void {
    this.attention.leave();
  }

  activity<K extends ActivityKind>(call: ActivityCallOf<K>): Promise<Outcome<K>> {
    return this.#race.run(call.id, () => this.#activity(call));
  }

  async #activity<K extends ActivityKind>(call: ActivityCallOf<K>): Promise<Outcome<K>> {
    const { seal, host } = this.#options;
    const known = await this.#record.known(call.id, (recorded) => {
      const outcome = readOutcome(call.kind, recorded);
      return outcome === undefined ? undefined : seal.unsealed(call.kind, outcome);
    });
    // Also one whose outcome is not known: what adopts it finds what the earlier runner gave it.
    if (known !== undefined && call.kind === 'begin') this.#earlier.add(call.token);
    if (known?.outcome !== undefined) return known.outcome;
    const isEarlier = known !== undefined || this.#earlier.has(call.token);
    const { turn } = this.attention;
    if (known === undefined && !call.ignoreCancel && (await this.isCancelled()))
      return this.#told(call.id, this.#now(), { status: 'cancelled' });
    const startedAt = await this.#record.begin(call.id);
    if (known !== undefined && call.onLost === 'report')
      return this.#told(call.id, startedAt, { status: 'lost' });
    // What is waited for goes on without a runner; a question that is asked again has its time again.
    const since = call.kind === 'wait' ? startedAt : this.#now();
    const result = await this.#watchingForCancel(call.ignoreCancel, turn, (cancel) =>
      host.run(call, { cancel, startedAt: since, deadlineAt: since + call.timeoutMs, isEarlier }),
    );
    const outcome: Outcome<K> = { startedAt, endedAt: this.#now(), ...result, ...this.#record.absence() };
    await this.#record.end(call.id, seal.sealed(call.kind, outcome));
    const settled = host.settled(call, outcome);
    // Nobody else waits for what is cleared away behind one of several.
    if (!this.#race.has(call.id)) await settled;
    return outcome;
  }

  child(call: ChildCall): Promise<ChildOutcome> {
    return this.#ofChild(call.id, async (known) => {
      if (known === undefined && !call.ignoreCancel && (await this.isCancelled()))
        return this.#childTold(call.id, this.#now(), { status: 'cancelled' });
      const sealed = this.#options.seal.sealedArguments(call.input.parameters);
      const child = this.#children.of(call, sealed);
      const { startedAt } = await this.#record.write((events) =>
        this.#journal.beginChild(child, this.#now(), events),
      );
      return this.#childTold(call.id, startedAt, await this.#children.run(call, child.id, startedAt));
    });
  }

  rollbackChild({ id, child: of, request }: ChildRollbackCall): Promise<ChildOutcome> {
    return this.#ofChild(id, async () => {
      const child = this.#children.idOf(of);
      const { startedAt } = await this.#record.write((events) =>
        this.#journal.beginChildRollback(child, id, request, this.#now(), events),
      );
      const again = { id, timeoutMs: null, ignoreCancel: true };
      return this.#childTold(id, startedAt, await this.#children.run(again, child, startedAt));
    });
  }

  #ofChild(
    id: string,
    run: (known: { readonly outcome?: ChildOutcome } | undefined) => Promise<ChildOutcome>,
  ): Promise<ChildOutcome> {
    const { seal } = this.#options;
    return this.#race.run(
      id,
      async () => {
        const known = await this.#record.known(id, readChild);
        if (known?.outcome === undefined) return run(known);
        const { outcome } = known;
        if (outcome.status === 'cancelled') return outcome;
        return { ...outcome, result: seal.unsealedResult(outcome.result) };
      },
      () => this.#children.isIdle(id),
    );
  }

  async #childTold(id: string, startedAt: number, ending: ChildEnding): Promise<ChildOutcome> {
    const times = { startedAt, endedAt: this.#now(), ...this.#record.absence() };
    const sealed =
      ending.status === 'ended' ? { result: this.#options.seal.sealedResult(ending.result) } : {};
    await this.#record.end(id, { ...times, ...ending, ...sealed });
    return { ...times, ...ending };
  }

  sleep(id: string, ms: number, { ignoreCancel }: Heed): Promise<'elapsed' | 'cancelled'> {
    return this.#race.run(id, async () => {
      const known = await this.#record.known(id, readSlept);
      if (known?.outcome !== undefined) return known.outcome;
      const startedAt = await this.#record.begin(id);
      const until = startedAt + ms;
      const leaves = this.#options.onWait === 'leaveToDaemon' && until - this.#now() > sleepMsMax;
      const wait = { execution: this.executionId, name: null, until };
      const nothing = (): Promise<undefined> => Promise.resolve(undefined);
      const ending = await this.#leavable(id, wait, { ignoreCancel, leaves }, nothing);
      const value = ending.kind === 'cancelled' ? 'cancelled' : 'elapsed';
      await this.#record.endOwn(id, startedAt, value);
      return value;
    });
  }

  waitForSignal(id: string, name: string, timeoutMs: number, heed: Heed): Promise<SignalResult> {
    return this.#race.run(id, () => this.#waitForSignal(id, name, timeoutMs, heed));
  }

  first(_id: string, among: readonly string[]): Promise<string> {
    return this.#race.first(among);
  }

  async #waitForSignal(
    id: string,
    name: string,
    timeoutMs: number,
    { ignoreCancel }: Heed,
  ): Promise<SignalResult> {
    const known = await this.#record.known(id, readSignal);
    if (known?.outcome !== undefined) return known.outcome;
    const startedAt = await this.#record.begin(id);
    const until = startedAt + timeoutMs;
    // Whoever comes back late finds what was said meanwhile: only what was said in time counts.
    const look = async () => {
      const entry = await this.#journal.peek(this.executionId, name);
      return entry !== undefined && entry.at <= until ? entry : undefined;
    };
    // Whether others go on beside it is known once all calls of this tick are made.
    await Promise.resolve();
    const wait = { execution: this.executionId, name, until };
    const ending = await this.#leavable(id, wait, { ignoreCancel, leaves: this.#leavesFor(name) }, look);
    const at = this.#now();
    this.#record.forgetAbsence();
    if (ending.kind === 'found') {
      const { value } = ending;
      const result: SignalResult = { status: 'signal', value: value.value, at: value.at };
      await this.#record.endTaking(id, startedAt, result, value);
      return result;
    }
    const result: SignalResult = { status: ending.kind === 'cancelled' ? 'cancelled' : 'timeout', at };
    await this.#record.endOwn(id, startedAt, result);
    return result;
  }

  async isToComplete(id: string, seq: number): Promise<boolean> {
    // Nobody is kept waiting by a question that hardly anybody answers: where nothing was asked for, one look is all.
    const isNew = await this.#record.isNew(seq);
    if (isNew && (await this.#journal.peek(this.executionId, completeSignal)) === undefined) return false;
    const known = await this.#record.known(id, readYes);
    if (known?.outcome === true || !isNew) return known?.outcome === true;
    await this.#record.endOwn(id, this.#now(), true);
    return true;
  }

  async now(id: string): Promise<number> {
    const known = await this.#record.known(id, readInstant);
    if (known?.outcome !== undefined) return known.outcome;
    const now = this.#now();
    await this.#record.endOwn(id, now, now);
    return now;
  }

  async emit(seq: number, event: EngineEvent): Promise<void> {
    if (!(await this.#record.isNew(seq))) return;
    if (this.attention.isLeaving && (event.type === 'StepStarted' || event.type === 'UndoStarted'))
      throw new Left('asked');
    const recorded = this.#record.emit(seq, this.#options.seal.sealedEvent(event));
    this.#options.onEvent?.(recorded);
  }

  /** Writes what has not been written. To be called when the interpreter has ended or left. */
  flush(): Promise<void> {
    return this.#record.flush();
  }

  /** Whether it was cancelled, or an execution above it was. */
  async isCancelled(): Promise<boolean> {
    const { above, ignoresCancel = false } = this.#options;
    if (await this.#journal.isCancelRequested(this.executionId)) return true;
    return above !== undefined && !ignoresCancel && (await above.isCancelled());
  }

  /** Whether nothing goes on in it but what needs no runner. */
  get isIdle(): boolean {
    return this.#race.isIdle();
  }

  /** Whether that is so of the root and all below it. */
  isAllIdle(): boolean {
    return this.#options.above?.isAllIdle() ?? this.isIdle;
  }

  async #told<K extends ActivityKind>(
    id: string,
    startedAt: number,
    result: OutcomeResult<K>,
  ): Promise<Outcome<K>> {
    const outcome: Outcome<K> = { startedAt, endedAt: this.#now(), ...result, ...this.#record.absence() };
    await this.#record.end(id, outcome);
    return outcome;
  }

  #leavesFor(signal: string): boolean {
    const { onWait } = this.#options;
    return (
      onWait === 'leave' ||
      onWait === 'leaveToDaemon' ||
      (onWait === 'leaveUndecided' && signal === 'rollback')
    );
  }

  /** `turn`: of the attention, when it was last known that nobody had cancelled it. */
  async #watchingForCancel<T>(
    ignoreCancel: boolean,
    turn: number,
    run: (cancel: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const controller = new AbortController();
    if (ignoreCancel) return run(controller.signal);
    using _listening = this.attention.listen(async () => {
      if (await this.isCancelled()) controller.abort();
    }, turn);
    return await run(controller.signal);
  }

  /** Waits; where it `leaves`, the runner may go while nothing else goes on, and finds written down what it has left. */
  async #leavable<T>(
    id: string,
    wait: LeftWait,
    { ignoreCancel, leaves }: Heed & { readonly leaves: boolean },
    look: () => Promise<T | undefined>,
  ): Promise<Waited<T>> {
    const { waits } = this.attention;
    let isWaiting = false;
    if (leaves) this.#race.needsNoRunner(id, () => isWaiting);
    waits.add(wait);
    const ending = await this.#until(
      wait.until,
      ignoreCancel,
      async () => {
        isWaiting = false;
        return look();
      },
      () => {
        isWaiting = true;
        return leaves && this.isAllIdle();
      },
    );
    waits.delete(wait);
    return ending;
  }

  /**
   * Looks whenever there may be something new until something is found, the time is over or the execution is cancelled.
   * `leaves`: looks once, and leaves where none of that is so yet.
   */
  async #until<T>(
    at: number,
    ignoreCancel: boolean,
    look: () => Promise<T | undefined>,
    leaves: () => boolean,
  ): Promise<Waited<T>> {
    for (;;) {
      const { turn, hasLeftWaits } = this.attention;
      if (hasLeftWaits) throw new Left('waiting');
      const found = await look();
      if (found !== undefined) return { kind: 'found', value: found };
      if (!ignoreCancel && (await this.isCancelled())) return { kind: 'cancelled' };
      const left = at - this.#now();
      if (left <= 0) return { kind: 'elapsed' };
      if (leaves()) {
        this.attention.leaveWaits();
        throw new Left('waiting');
      }
      if (this.attention.isLeaving) throw new Left('asked');
      await this.attention.something(left, turn);
    }
  }
}
