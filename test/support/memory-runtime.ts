/**
 * The engine's port over a store in memory: the second host that the conformance suite runs on, and the one for tests of the
 * engine's parts. It keeps what the embedded one keeps, so a new runtime over the same store is a resume.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type {
  ActivityCall,
  ActivityCallOf,
  ActivityKind,
  EngineEvent,
  Outcome,
  OutcomeResult,
  RecordedEvent,
  Runtime,
  SignalResult,
} from '../../src/engine/index.ts';
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

/** What outlives a runner. */
export class MemoryStore {
  readonly records = new Map<string, Recorded>();
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
  readonly now?: () => number;
}

/** How often a wait looks again, in ms. */
const lookMs = 5;

export class MemoryRuntime implements Runtime {
  readonly executionId = 'MEMORY000001';
  readonly store: MemoryStore;
  readonly #host: MemoryHost;
  readonly #now: () => number;
  readonly #cameAt: number;
  #lastKnownAt: number | null;
  #wake: () => void = () => undefined;

  constructor(host: MemoryHost, store = new MemoryStore()) {
    this.store = store;
    this.#host = host;
    this.#now = host.now ?? Date.now;
    this.#cameAt = this.#now();
    this.#lastKnownAt = store.lastAt === 0 ? null : store.lastAt;
  }

  async activity<K extends ActivityKind>(call: ActivityCallOf<K>): Promise<Outcome<K>> {
    const known = this.store.records.get(call.id);
    if (known?.ending !== undefined) return known.ending as Outcome<K>;
    if (known === undefined && !call.ignoreCancel && this.store.isCancelled)
      return this.#end(call.id, this.#now(), { status: 'cancelled' });
    const startedAt = this.#begin(call.id);
    if (known !== undefined && call.onLost === 'report')
      return this.#end(call.id, startedAt, { status: 'lost' });
    const controller = new AbortController();
    const watch = setInterval(() => {
      if (this.store.isCancelled && !call.ignoreCancel) controller.abort();
    }, lookMs);
    try {
      const result = await this.#host.run(call as unknown as ActivityCall, controller.signal);
      return this.#end(call.id, startedAt, result as OutcomeResult<K>);
    } finally {
      clearInterval(watch);
    }
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
      if (!ignoreCancel && this.store.isCancelled) return this.#keep(id, 'cancelled');
      const left = until - this.#now();
      if (left <= 0) return this.#keep(id, 'elapsed');
      await delay(Math.min(left, lookMs));
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
      if (!ignoreCancel && this.store.isCancelled)
        return this.#keep(id, { status: 'cancelled', at: this.#now() });
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
