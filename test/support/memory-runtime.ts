/**
 * The engine's port over a store in memory: the second host that the conformance suite runs on, and the one for tests of the
 * engine's parts. It keeps what the embedded one keeps, so a new runtime over the same store is a resume.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type {
  ActivityCall,
  ActivityCallOf,
  ActivityKind,
  ChildCall,
  ChildOutcome,
  ChildRollbackCall,
  EngineEvent,
  ExecutionInput,
  Outcome,
  OutcomeResult,
  Program,
  RecordedEvent,
  Runtime,
  SignalResult,
} from '../../src/engine/index.ts';
import { runExecution } from '../../src/engine/index.ts';
import { childIdOf } from '../../src/runtime/child-id.ts';
import type { Json } from '../../src/json.ts';

interface Recorded {
  readonly startedAt: number;
  /** Counts the endings in the order in which they were kept. */
  position?: number;
  /** Undefined: it began, and nothing is known of its end. */
  ending: unknown;
}

interface Signal {
  readonly name: string;
  readonly value: Json;
  readonly dedupe: string;
  readonly at: number;
  isTaken: boolean;
}

/** An execution below another one. */
export interface MemoryChild {
  readonly store: MemoryStore;
  readonly program: Program;
  input: ExecutionInput;
}

/** What outlives a runner. */
export class MemoryStore {
  readonly records = new Map<string, Recorded>();
  /** By their ids. */
  readonly children = new Map<string, MemoryChild>();
  readonly events: RecordedEvent[] = [];
  readonly inbox: Signal[] = [];
  isCancelled = false;
  kept = 0;
  /** When anything was last heard of the execution, in ms since 1970. */
  lastAt = 0;

  signal(name: string, value: Json, dedupe: string, at: number): void {
    if (this.inbox.some((other) => other.name === name && other.dedupe === dedupe)) return;
    this.inbox.push({ name, value, dedupe, at, isTaken: false });
  }
}

export interface MemoryHost {
  /** Carries out an activity; what it throws ends the runner. */
  readonly run: (call: ActivityCall, cancel: AbortSignal) => Promise<OutcomeResult> | OutcomeResult;
  /** Called once the outcome is kept. */
  readonly settled?: (call: ActivityCall, outcome: Outcome) => Promise<void>;
  readonly now?: () => number;
  /** How a sleep lets time pass; left out: by itself. */
  readonly pause?: (ms: number) => Promise<void>;
}

/** How often a wait looks again, in ms. */
const lookMs = 5;

export class MemoryRuntime implements Runtime {
  readonly executionId: string;
  readonly store: MemoryStore;
  readonly #host: MemoryHost;
  readonly #now: () => number;
  readonly #cameAt: number;
  #lastKnownAt: number | null;
  #wake: () => void = () => undefined;

  readonly #above: MemoryRuntime | undefined;
  readonly #ignoresCancel: boolean;

  constructor(
    host: MemoryHost,
    store = new MemoryStore(),
    below: { readonly id?: string; readonly above?: MemoryRuntime; readonly ignoresCancel?: boolean } = {},
  ) {
    this.store = store;
    this.#host = host;
    this.executionId = below.id ?? 'MEMORY000001';
    this.#above = below.above;
    this.#ignoresCancel = below.ignoresCancel ?? false;
    this.#now = host.now ?? Date.now;
    this.#cameAt = this.#now();
    this.#lastKnownAt = store.lastAt === 0 ? null : store.lastAt;
  }

  get #isCancelled(): boolean {
    if (this.store.isCancelled) return true;
    return this.#above !== undefined && !this.#ignoresCancel && this.#above.#isCancelled;
  }

  async activity<K extends ActivityKind>(call: ActivityCallOf<K>): Promise<Outcome<K>> {
    const known = this.store.records.get(call.id);
    if (known?.ending !== undefined) return known.ending as Outcome<K>;
    if (known === undefined && !call.ignoreCancel && this.#isCancelled)
      return this.#end(call.id, this.#now(), { status: 'cancelled' });
    const startedAt = this.#begin(call.id);
    if (known !== undefined && call.onLost === 'report')
      return this.#end(call.id, startedAt, { status: 'lost' });
    const controller = new AbortController();
    const watch = setInterval(() => {
      if (this.#isCancelled && !call.ignoreCancel) controller.abort();
    }, lookMs);
    try {
      const result = await this.#host.run(call as unknown as ActivityCall, controller.signal);
      const outcome = this.#end(call.id, startedAt, result as OutcomeResult<K>);
      await this.#host.settled?.(call as unknown as ActivityCall, outcome);
      return outcome;
    } finally {
      clearInterval(watch);
    }
  }

  async child({ id, program, input, timeoutMs, ignoreCancel }: ChildCall): Promise<ChildOutcome> {
    const known = this.store.records.get(id);
    if (known?.ending !== undefined) return known.ending as ChildOutcome;
    if (known === undefined && !ignoreCancel && this.#isCancelled)
      return this.#childEnd(id, this.#now(), { status: 'cancelled' });
    const startedAt = this.#begin(id);
    const executionId = childIdOf(this.executionId, id);
    const child = this.store.children.get(executionId) ?? {
      store: new MemoryStore(),
      program,
      input: { ...input, rollbackRequests: [], failAt: null, parent: this.executionId },
    };
    this.store.children.set(executionId, child);
    const left = timeoutMs === null ? null : startedAt + timeoutMs - this.#now();
    const timer =
      left === null ? undefined : setTimeout(() => (child.store.isCancelled = true), Math.max(1, left));
    try {
      return await this.#runChild(id, startedAt, executionId, ignoreCancel);
    } finally {
      clearTimeout(timer);
    }
  }

  async rollbackChild({ id, child: of, request }: ChildRollbackCall): Promise<ChildOutcome> {
    const known = this.store.records.get(id);
    if (known?.ending !== undefined) return known.ending as ChildOutcome;
    const startedAt = this.#begin(id);
    const executionId = childIdOf(this.executionId, of);
    const child = this.store.children.get(executionId);
    if (child === undefined) throw new Error(`there is no child ${executionId}`);
    const { rollbackRequests } = child.input;
    if (!rollbackRequests.some(({ call }) => call === id))
      child.input = { ...child.input, rollbackRequests: [...rollbackRequests, { ...request, call: id }] };
    return this.#runChild(id, startedAt, executionId, true);
  }

  async #runChild(
    id: string,
    startedAt: number,
    executionId: string,
    ignoresCancel: boolean,
  ): Promise<ChildOutcome> {
    const child = this.store.children.get(executionId);
    if (child === undefined) throw new Error(`there is no child ${executionId}`);
    const runtime = new MemoryRuntime(this.#host, child.store, {
      id: executionId,
      above: this,
      ignoresCancel,
    });
    const result = await runExecution(runtime, child.program, child.input);
    const isTimedOut = result.status === 'Cancelled' && child.store.isCancelled;
    return this.#childEnd(id, startedAt, { status: 'ended', executionId, result, isTimedOut });
  }

  #childEnd(id: string, startedAt: number, ending: object): ChildOutcome {
    return this.#keep(id, { startedAt, endedAt: this.#now(), ...ending } as ChildOutcome);
  }

  async sleep(
    id: string,
    ms: number,
    { ignoreCancel }: { readonly ignoreCancel: boolean },
  ): Promise<'elapsed' | 'cancelled'> {
    const known = this.store.records.get(id);
    if (known?.ending !== undefined) return known.ending as 'elapsed' | 'cancelled';
    const until = this.#begin(id) + ms;
    for (;;) {
      if (!ignoreCancel && this.#isCancelled) return this.#keep(id, 'cancelled');
      const left = until - this.#now();
      if (left <= 0) return this.#keep(id, 'elapsed');
      await (this.#host.pause?.(left) ?? delay(Math.min(left, lookMs)));
    }
  }

  async waitForSignal(
    id: string,
    name: string,
    timeoutMs: number,
    { ignoreCancel }: { readonly ignoreCancel: boolean },
  ): Promise<SignalResult> {
    const known = this.store.records.get(id);
    if (known?.ending !== undefined) return known.ending as SignalResult;
    const until = this.#begin(id) + timeoutMs;
    for (;;) {
      const entry = this.store.inbox.find((each) => each.name === name && !each.isTaken && each.at <= until);
      this.#lastKnownAt = null;
      if (entry !== undefined) {
        entry.isTaken = true;
        return this.#keep(id, { status: 'signal', value: entry.value, at: entry.at });
      }
      if (!ignoreCancel && this.#isCancelled) return this.#keep(id, { status: 'cancelled', at: this.#now() });
      if (this.#now() >= until) return this.#keep(id, { status: 'timeout', at: this.#now() });
      await delay(lookMs);
    }
  }

  async first(_id: string, among: readonly string[]): Promise<string> {
    for (;;) {
      const ended = among.flatMap((id) => {
        const position = this.store.records.get(id)?.position;
        return position === undefined ? [] : [{ id, position }];
      });
      const [next] = ended.toSorted((one, other) => one.position - other.position);
      if (next !== undefined) return next.id;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  async isToComplete(id: string, seq: number): Promise<boolean> {
    if (this.store.records.get(id)?.ending === true) return true;
    if (seq <= this.store.events.length || !this.store.inbox.some(({ name }) => name === 'complete'))
      return false;
    this.#begin(id);
    return this.#keep(id, true);
  }

  async now(id: string): Promise<number> {
    const known = this.store.records.get(id);
    if (known?.ending !== undefined) return known.ending as number;
    this.#begin(id);
    return this.#keep(id, this.#now());
  }

  async emit(seq: number, event: EngineEvent): Promise<void> {
    if (seq <= this.store.events.length) return;
    this.store.events.push({ seq, at: this.#now(), event });
  }

  #begin(id: string): number {
    const known = this.store.records.get(id);
    if (known !== undefined) return known.startedAt;
    const startedAt = this.#heard();
    this.store.records.set(id, { startedAt, ending: undefined });
    return startedAt;
  }

  #end<K extends ActivityKind>(id: string, startedAt: number, result: OutcomeResult<K>): Outcome<K> {
    const absence = this.#lastKnownAt === null ? {} : { absentMs: this.#cameAt - this.#lastKnownAt };
    this.#lastKnownAt = null;
    return this.#keep(id, { startedAt, endedAt: this.#now(), ...absence, ...result });
  }

  #keep<T>(id: string, ending: T): T {
    // What is on record stays.
    if (this.store.records.get(id)?.ending !== undefined) return ending;
    this.store.kept += 1;
    const startedAt = this.store.records.get(id)?.startedAt ?? this.#now();
    this.store.records.set(id, { startedAt, ending, position: this.store.kept });
    this.#heard();
    this.#wake();
    return ending;
  }

  #heard(): number {
    this.store.lastAt = this.#now();
    return this.store.lastAt;
  }
}
