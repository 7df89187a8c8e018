/**
 * The journal port: executions, their outcomes, events and inbox. It stores and returns; it decides nothing.
 * `sqlite.ts` keeps it in a state folder; test/contract/journal.ts says what every store must do.
 *
 * Every write is durable when the call returns. One process at a time writes outcomes of an execution (it holds the
 * execution's lock); any process may read, put into the inbox and ask for a cancel.
 */
import type { ExecutionInput, Program, RecordedEvent, RollbackRequest } from '../engine/index.ts';
import type { Json, JsonObject } from '../json.ts';

export interface ExecutionRow {
  readonly id: string;
  /** The runbook's name for people: the file's base name without its ending. */
  readonly runbook: string;
  /** As the user gave it. */
  readonly file: string;
  readonly program: Program;
  /** SHA-256 of the program, hex. */
  readonly sha256: string;
  readonly input: ExecutionInput;
  readonly settings: ExecutionSettings;
  readonly createdAt: number;
  readonly cancelRequested: boolean;
  /** The latest runner; it lives only while the execution's lock is held. */
  readonly runner: Runner | null;
  /** A person's last word on it; null: nobody has said any. */
  readonly closing: Closing | null;
  /** Since when what was kept for its undo is being removed; null: it is all there. */
  readonly forgottenAt: number | null;
  /** Of a child: where it belongs; null: it is a root. */
  readonly child: ChildPlace | null;
}

/** Where a child belongs. */
export interface ChildPlace {
  /** The execution at the top. */
  readonly root: string;
  /** The execution that started it. */
  readonly parent: string;
  /** The id of the call that started it. */
  readonly call: string;
  /** The path of the step that made the call. */
  readonly step: string;
  readonly target: string | null;
}

export interface NewChild extends NewExecution {
  readonly child: ChildPlace;
}

/** That a person has done with an execution: nothing of it will go on, and nothing is taken back any more. */
export interface Closing {
  /** `discarded`: it had not ended. `closed`: it had, and what it left is in a person's hands. */
  readonly kind: 'discarded' | 'closed';
  readonly at: number;
  /** The operating-system user. */
  readonly by: string;
  readonly why: string;
}

export interface ExecutionSettings {
  readonly sandbox: boolean;
  /** The runbook's file, absolute: its attachments lie beside it. Absent in executions of Belay 0.1. */
  readonly runbookFile?: string;
  /** The belay.yaml that was in force; null: none. */
  readonly inventoryFile: string | null;
  /** Parameter name → reference (`env:PGPASSWORD`). Never a value. */
  readonly secrets: Readonly<Record<string, string>>;
  /** By parameter name: whether a value is the one that the execution began with. Absent in executions of Belay 0.1. */
  readonly secretPrints?: Readonly<Record<string, { readonly salt: string; readonly print: string }>>;
  /** The operating-system user. */
  readonly startedBy: string;
  /** Whether any step may call AWS: then people are known by their AWS identity. */
  readonly usesAws: boolean;
}

/** What a list tells of an execution, from its events up to that number. What it says is the reader's business. */
export type Summary = JsonObject & { readonly seq: number };

/** A row without its program and its input. */
export type ListedRow = Omit<ExecutionRow, 'program' | 'input' | 'sha256'> & {
  readonly rollbackRequests: number;
  /** Null: there is none, or something has happened since. */
  readonly summary: Summary | null;
};

export interface Runner {
  readonly pid: number;
  readonly host: string;
  readonly startedAt: number;
}

export interface ActivityRow {
  /** When it first began. */
  readonly startedAt: number;
  /** Null: it began and nothing is known of its end. */
  readonly outcome: RecordedOutcome | null;
}

/** What it came to, as JSON: whoever reads it checks it. */
export interface RecordedOutcome extends JsonObject {
  readonly startedAt: number;
  readonly endedAt: number;
  /**
   * Counts the outcomes of the interpreter's calls in the order in which they were recorded. Absent: what was recorded is
   * none, or an earlier version recorded it.
   */
  readonly position?: number;
}

/** What a journal says last of an execution's calls; what begins with `@` is none. */
export interface LastRecord {
  /** Of the outcome recorded last; 0: there is none, or an earlier version recorded it. */
  readonly position: number;
  /** When anything last began or ended, in ms since 1970; 0: nothing did. */
  readonly at: number;
}

export interface InboxEntry {
  readonly id: number;
  readonly at: number;
  readonly value: Json;
}

/** A resource that an execution holds. */
export interface LockRow {
  /** Empty for the real world, else the sandbox that it belongs to. */
  readonly scope: string;
  /** `host:minio01`. */
  readonly name: string;
  readonly executionId: string;
  /** As the runbook asked for it: `cluster:minio`. */
  readonly asked: string;
  readonly since: number;
  /** Where an entry on a target belongs to it: the host's name; null: it is held in the journal alone. */
  readonly host: string | null;
  /** Whether that entry was made, or may have been. */
  readonly hasEntry: boolean;
  /** Whether everything that was asked for together with it has been had. */
  readonly isConfirmed: boolean;
}

export type NewLock = Pick<LockRow, 'name' | 'asked' | 'host'>;

export interface NewExecution {
  readonly id: string;
  readonly runbook: string;
  readonly file: string;
  readonly program: Program;
  readonly sha256: string;
  readonly input: ExecutionInput;
  readonly settings: ExecutionSettings;
  readonly createdAt: number;
}

export interface Journal {
  /** False when the id is taken; nothing is written then. */
  create(execution: NewExecution): boolean;
  execution(id: string): ExecutionRow | undefined;
  /** Ids of roots, newest first. */
  executionIds(): string[];
  /** Ids of the children that an execution started, in the order in which it did. */
  childIds(id: string): string[];
  /** Ids of all that are below the root, in the order in which they were started. */
  idsBelow(root: string): string[];
  /** How many roots there are. */
  count(): number;
  /** The newest roots without what is large about them; `countMax` null: all. */
  listed(countMax: number | null): ListedRow[];
  /** Null: the runner left of its own will. */
  setRunner(id: string, runner: Runner | null): void;
  /** The runner leaves of its own will: what a list is to tell of the execution as it is now. */
  leave(id: string, summary: Summary): void;
  addRollbackRequest(id: string, request: RollbackRequest): void;

  /** The first one stays. False: there is one already. */
  setClosing(id: string, closing: Closing): boolean;
  /** Notes, before anything is begun there, that the host may keep something for the execution's undo. */
  addKeptOn(id: string, host: string): void;
  /** Hosts that may keep something for it; null: an earlier version wrote none down. */
  keptOn(id: string): string[] | null;
  /** From now on nothing of it may run: what was kept for it goes. `hosts` is where that is. */
  beginForgetting(id: string, at: number, hosts: readonly string[]): void;
  /** The host keeps nothing for it any more. */
  dropKeptOn(id: string, host: string): void;
  /** Removes everything about an execution. */
  remove(id: string): void;

  activity(id: string, activity: string): ActivityRow | undefined;
  lastRecord(id: string): LastRecord;
  /** Records that the activity began, before its effect, together with the events given. Keeps the first time when it began before. */
  begin(id: string, activity: string, at: number, events: readonly RecordedEvent[]): ActivityRow;
  /** Records the outcome together with the events given. */
  end(id: string, activity: string, outcome: RecordedOutcome, events: readonly RecordedEvent[]): void;

  /** Records that the call began, together with the child that it starts. Harmless to do again. */
  beginChild(child: NewChild, at: number, events: readonly RecordedEvent[]): ActivityRow;
  /** Records that the call of the parent began, together with the rollback that it asks of the child. Harmless to do again. */
  beginChildRollback(
    child: string,
    call: string,
    request: RollbackRequest,
    at: number,
    events: readonly RecordedEvent[],
  ): ActivityRow;

  /** Appends events; those whose seq is known already are left as they are. */
  append(id: string, events: readonly RecordedEvent[]): void;
  /** Events with a greater seq, in order. */
  events(id: string, afterSeq: number): RecordedEvent[];
  lastSeq(id: string): number;

  /** Appends to the inbox under a name; an entry with the same dedupe key is not added again. False then. */
  signal(id: string, name: string, value: Json, dedupe: string, at: number): boolean;
  /** Names under which entries wait that no activity has taken. */
  waitingSignals(id: string): string[];
  /** The oldest entry under the name that no activity has taken. */
  peek(id: string, name: string): InboxEntry | undefined;
  /** Records, in one write, that the activity took the entry. */
  take(id: string, entry: InboxEntry, activity: string, outcome: RecordedOutcome): void;
  requestCancel(id: string): void;
  isCancelRequested(id: string): boolean;

  /** Names this journal to other machines; made with it. */
  readonly folderId: string;
  /**
   * Takes all of the locks for the execution, or none: then the row that is in the way. Those that it holds already stay
   * as they are; those of `over`, which are known to have ended, are taken from them.
   */
  takeLocks(
    scope: string,
    locks: readonly NewLock[],
    executionId: string,
    at: number,
    over: readonly string[],
  ): LockRow | undefined;
  /** All that are held, by name; of one execution only where it is given. */
  locks(executionId?: string): LockRow[];
  /** Whether the target has an entry for it. */
  markLock(lock: LockRow, hasEntry: boolean): void;
  /** The execution has all that it asked for. */
  confirmLocks(executionId: string): void;
  dropLocks(locks: readonly LockRow[]): void;

  /** Changes when another process has written anything, and when this one has put something into an inbox or cancelled. */
  version(): number;
  /** Changes when there is something new for the root or those below it: a cancel, an entry of an inbox. */
  mark(root: string): string;
  close(): void;
}
