/**
 * What one execution has on record, and what its runner adds to it: intents, outcomes in their order, events. When a write
 * fails nobody knows whether it happened, and from then on nothing is written and nothing answered.
 */
import type { EngineEvent, RecordedEvent } from '../engine/index.ts';
import { JournalFailure, type Journal } from '../journal/index.ts';
import type { Json, JsonObject } from '../json.ts';

export interface RecordPorts {
  readonly executionId: string;
  readonly journal: Journal;
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
  readonly #journal: Journal;
  readonly #storedSeq: number;
  #pending: RecordedEvent[] = [];
  #flushTimer: NodeJS.Timeout | undefined;
  #trouble: Error | undefined;
  /** When this runner came, and the last that the record tells of those before it; null once it is said. */
  readonly #cameAt: number;
  #lastKnownAt: number | null;
  #position: number;

  constructor(ports: RecordPorts) {
    this.#ports = ports;
    this.#id = ports.executionId;
    this.#journal = ports.journal;
    this.#cameAt = ports.now();
    this.#storedSeq = ports.journal.lastSeq(ports.executionId);
    const last = ports.journal.lastRecord(ports.executionId);
    this.#lastKnownAt = last.at;
    this.#position = last.position;
  }

  /** Undefined: it never began. Without an outcome: it began, and nothing is known of its end. */
  known<T>(id: string, read: (recorded: Json) => T | undefined): { readonly outcome?: T } | undefined {
    const known = this.#journal.activity(this.#id, id);
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
  begin(id: string): number {
    return this.write((events) => this.#journal.begin(this.#id, id, this.#ports.now(), events)).startedAt;
  }

  end(id: string, outcome: Times): void {
    this.#end(id, outcome, (recorded, events) => this.#journal.end(this.#id, id, recorded, events));
  }

  /** Of a call that cannot fail. */
  endOwn(id: string, startedAt: number, value: Json): void {
    this.end(id, { startedAt, endedAt: this.#ports.now(), status: 'ok', value });
  }

  /** Of a call that takes the entry of the inbox, in one write. */
  endTaking(id: string, startedAt: number, value: Json, entry: Parameters<Journal['take']>[1]): void {
    this.#end(id, { startedAt, endedAt: this.#ports.now(), status: 'ok', value }, (recorded, events) => {
      this.#journal.append(this.#id, events);
      this.#journal.take(this.#id, entry, id, recorded);
    });
  }

  #end(
    id: string,
    outcome: Times,
    write: (recorded: Times & { readonly position: number }, events: readonly RecordedEvent[]) => void,
  ): void {
    this.#position += 1;
    const recorded = { ...outcome, position: this.#position };
    this.write((events) => write(recorded, events));
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
  isNew(seq: number): boolean {
    return seq > this.#storedSeq;
  }

  /** Writes what has not been written. To be called when the interpreter has ended or left. */
  flush(): void {
    if (this.#pending.length > 0) this.write((events) => this.#journal.append(this.#id, events));
  }

  /** `write` is handed the events that go with it. */
  write<T>(write: (events: readonly RecordedEvent[]) => T): T {
    if (this.#trouble !== undefined) throw this.#trouble;
    try {
      return write(this.#takePending());
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
    try {
      this.flush();
    } catch {
      // The next call says so.
    }
  }

  #takePending(): readonly RecordedEvent[] {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    const events = this.#pending;
    this.#pending = [];
    return events;
  }
}
