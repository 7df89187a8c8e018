/**
 * What one execution has on record, and what its runner adds to it: intents, outcomes in their order, events. When a write
 * fails nobody knows whether it happened, and from then on nothing is written and nothing answered.
 */
import type { EngineEvent, RecordedEvent } from '../engine/index.ts';
import { JournalFailure, type InboxEntry, type Outcomes } from '../journal/index.ts';
import type { Json, JsonObject } from '../json.ts';

export interface RecordPorts {
  readonly executionId: string;
  readonly journal: Outcomes;
  readonly now: () => number;
  /** Called with each outcome that is on record, and its place in the order. */
  readonly onEnded: (id: string, position: number) => void;
  /** Called when nothing can be written any more. */
  readonly onTrouble: () => void;
}

/** The longest that events wait for company before they are written, in ms. */
const eventFlushMs = 50;

type Times = JsonObject & { readonly startedAt: number; readonly endedAt: number };

export class ExecutionRecord {
  readonly #ports: RecordPorts;
  readonly #id: string;
  readonly #journal: Outcomes;
  /** What the record ended with when this runner came. */
  readonly #opened: Promise<void>;
  #storedSeq = 0;
  #pending: RecordedEvent[] = [];
  #flushTimer: NodeJS.Timeout | undefined;
  #trouble: Error | undefined;
  /** When this runner came, and the last that the record tells of those before it; null once it is said. */
  readonly #cameAt: number;
  #lastKnownAt: number | null = null;
  #position = 0;

  constructor(ports: RecordPorts) {
    this.#ports = ports;
    this.#id = ports.executionId;
    this.#journal = ports.journal;
    this.#cameAt = ports.now();
    this.#opened = this.#open();
    // Whoever asks first is told.
    this.#opened.catch(() => undefined);
  }

  async #open(): Promise<void> {
    const { seq, at, position } = await this.#journal.lastRecord(this.#id);
    this.#storedSeq = seq;
    this.#lastKnownAt = at;
    this.#position = position;
  }

  /** Undefined: it never began. Without an outcome: it began, and nothing is known of its end. */
  async known<T>(
    id: string,
    read: (recorded: Json) => T | undefined,
  ): Promise<{ readonly outcome?: T } | undefined> {
    await this.#opened;
    const known = await this.#journal.activity(this.#id, id);
    if (known === undefined) return undefined;
    const { position = 0, ...recorded } = known.outcome ?? {};
    const outcome = known.outcome === null ? undefined : read(recorded);
    if (known.outcome !== null && outcome === undefined) {
      throw new JournalFailure(
        'JOURNAL_CORRUPT',
        `the journal has an outcome of ${id} of execution ${this.#id} that no such call can have. Nothing further was begun. Restore the state folder from a backup, or start afresh with another --state.`,
      );
    }
    if (known.outcome !== null) this.#ports.onEnded(id, position);
    return outcome === undefined ? {} : { outcome };
  }

  /** Writes down that it begins; gives the time of the first beginning, in ms since 1970. */
  async begin(id: string): Promise<number> {
    const { startedAt } = await this.write((events) =>
      this.#journal.begin(this.#id, id, this.#ports.now(), events),
    );
    return startedAt;
  }

  end(id: string, outcome: Times): Promise<void> {
    return this.#end(id, outcome, (recorded, events) => this.#journal.end(this.#id, id, recorded, events));
  }

  /** Of a call that cannot fail. */
  endOwn(id: string, startedAt: number, value: Json): Promise<void> {
    return this.end(id, { startedAt, endedAt: this.#ports.now(), status: 'ok', value });
  }

  /** Of a call that takes the entry of the inbox, in one write. */
  endTaking(id: string, startedAt: number, value: Json, entry: InboxEntry): Promise<void> {
    const outcome = { startedAt, endedAt: this.#ports.now(), status: 'ok', value };
    return this.#end(id, outcome, (recorded, events) =>
      this.#journal.take(this.#id, entry, id, recorded, events),
    );
  }

  async #end(
    id: string,
    outcome: Times,
    write: (
      recorded: Times & { readonly position: number },
      events: readonly RecordedEvent[],
    ) => Promise<void>,
  ): Promise<void> {
    this.#position += 1;
    const recorded = { ...outcome, position: this.#position };
    await this.write((events) => write(recorded, events));
    this.#ports.onEnded(id, recorded.position);
  }

  /** To be asked only with what is new. */
  emit(seq: number, event: EngineEvent): RecordedEvent {
    if (this.#trouble !== undefined) throw this.#trouble;
    const recorded = { seq, at: this.#ports.now(), event };
    this.#pending.push(recorded);
    this.#flushTimer ??= setTimeout(() => this.#flushLate(), eventFlushMs);
    return recorded;
  }

  /** Whether the event is new. */
  async isNew(seq: number): Promise<boolean> {
    await this.#opened;
    return seq > this.#storedSeq;
  }

  /** Writes what has not been written. To be called when the interpreter has ended or left. */
  async flush(): Promise<void> {
    if (this.#pending.length > 0) await this.write((events) => this.#journal.append(this.#id, events));
  }

  /** `write` is handed the events that go with it. */
  async write<T>(write: (events: readonly RecordedEvent[]) => Promise<T>): Promise<T> {
    if (this.#trouble !== undefined) throw this.#trouble;
    try {
      return await write(this.#takePending());
    } catch (error) {
      this.#trouble = error instanceof Error ? error : new Error(String(error));
      this.#ports.onTrouble();
      throw error;
    }
  }

  /** How long nobody ran the execution before this runner came: told once, with the first new outcome of an activity. */
  absence(): { readonly absentMs?: number } {
    const lastKnownAt = this.#lastKnownAt ?? 0;
    this.#lastKnownAt = null;
    return lastKnownAt === 0 ? {} : { absentMs: Math.max(0, this.#cameAt - lastKnownAt) };
  }

  /** Whoever waits for a person takes that time off its clock itself. */
  forgetAbsence(): void {
    this.#lastKnownAt = null;
  }

  #flushLate(): void {
    // Where it cannot be written, the next call says so.
    this.flush().catch(() => undefined);
  }

  #takePending(): readonly RecordedEvent[] {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    const events = this.#pending;
    this.#pending = [];
    return events;
  }
}
