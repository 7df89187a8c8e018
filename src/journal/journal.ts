/**
 * The journal port, by subject: executions, what a runner has on record, events, the inbox, locks, what is kept and who answered. It
 * stores and returns; it decides nothing. `sqlite/` keeps it in a state folder; test/contract/journal.ts says what every store must do.
 *
 * Every call answers by a promise, so that a store may lie in another process. A write is durable when its promise resolves. One process at a time writes outcomes of an execution (it
 * holds the execution's lock); any process may read, put into the inbox and ask for a cancel.
 */
import type { ExecutionInput, Program, RecordedEvent, RollbackRequest } from '../engine/index.ts';
import type { Json, JsonObject } from '../json.ts';
import type { DamagedExecution } from './errors.ts';

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
  /** Who goes on with it once what it waits for has come, where its runner left because it waits; null: whoever resumes it. */
  readonly leftTo: 'daemon' | null;
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

export interface AlarmSetting {
  readonly name: string;
  /** Goes on where the alarm cannot be read. */
  readonly ignorePollFailure: boolean;
}

export interface ExecutionSettings {
  readonly sandbox: boolean;
  /** The runbook's file, absolute: its attachments lie beside it. Absent in executions of Belay 0.1. */
  readonly runbookFile?: string;
  /** Of the file's text when the execution began, in hex. Absent where the text came from no file, and in executions of Belay 0.1. */
  readonly runbookSha256?: string;
  /** The belay.yaml that was in force; null: none. */
  readonly inventoryFile: string | null;
  /** Parameter name → reference (`env:PGPASSWORD`). Never a value. */
  readonly secrets: Readonly<Record<string, string>>;
  /** By parameter name: whether a value is the one that the execution began with. Absent in executions of Belay 0.1. */
  readonly secretPrints?: Readonly<Record<string, { readonly salt: string; readonly print: string }>>;
  /** The operating-system user. */
  readonly startedBy: string;
  /** The user behind sudo, where root started it. */
  readonly startedFor?: string;
  /** AWS_PROFILE of whoever started it; absent where there was none, and in executions of Belay 0.1. */
  readonly awsProfile?: string;
  /** Who had logged in, by the kernel's word. Absent where nobody had. */
  readonly loginUser?: string;
  /** Who runs runbooks that steps name: Belay, Systems Manager, or Belay where it has them (`auto`, where nothing is said). */
  readonly children?: 'local' | 'ssm' | 'auto';
  /** An alarm of CloudWatch that stops the execution. */
  readonly alarm?: AlarmSetting;
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

/** What a journal says last of an execution. */
export interface LastRecord {
  /** Of the outcome recorded last; 0: there is none, or an earlier version recorded it. */
  readonly position: number;
  /** When a call of it or of those that are open below it last began or ended, in ms since 1970; 0: none did. */
  readonly at: number;
  /** Of the latest event; 0: there is none. */
  readonly seq: number;
}

export interface InboxEntry {
  readonly id: number;
  readonly at: number;
  readonly value: Json;
}

/** What was said to an execution and no activity has taken yet. */
export interface UntakenEntry extends InboxEntry {
  readonly name: string;
  /** Who said it; null: nobody knows. */
  readonly by: string | null;
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

/** What an execution waits for that its runner has left. */
export interface Left {
  readonly waits: readonly LeftWait[];
  readonly to: 'daemon' | null;
}

export interface LeftWait {
  /** The root, or one below it. */
  readonly execution: string;
  /** A word of a person under this name; null: only a time. */
  readonly name: string | null;
  /** When the waiting is over in any case, in ms since 1970. */
  readonly until: number;
}

/** What executions wait for that nobody runs meanwhile: asked by whoever runs them again, so that no process has to stay for that. */
export interface Waits {
  /** Roots for which something has come: a word that they wait for, the end of a time, a cancel. The oldest first. */
  woken(now: number): Promise<{ readonly id: string; readonly leftTo: 'daemon' | null }[]>;
  /** When after that time alone wakes another one, in ms since 1970; null: never. */
  nextWakeAt(now: number): Promise<number | null>;
  /** Whether its last runner left because it waits. */
  isLeft(root: string): Promise<boolean>;
}

/** Executions and what people have said of them as a whole. */
export interface Executions {
  /** False when the id is taken; nothing is written then. */
  create(execution: NewExecution): Promise<boolean>;
  /** Throws DamagedExecution. */
  execution(id: string): Promise<ExecutionRow | undefined>;
  /** Ids of roots, newest first. */
  executionIds(): Promise<string[]>;
  /** Ids of the children that an execution started, in the order in which it did. */
  childIds(id: string): Promise<string[]>;
  /** Ids of all that are below the root, in the order in which they were started. */
  idsBelow(root: string): Promise<string[]>;
  /** Of those, the ones whose call has not ended: they go on, or wait, or were cut off. */
  openBelow(root: string): Promise<string[]>;
  /** How many roots there are. */
  count(): Promise<number>;
  /** The newest roots without what is large about them; `countMax` null: all. Those that cannot be read come as their failure. */
  listed(countMax: number | null): Promise<(ListedRow | DamagedExecution)[]>;
  /** The same of all below a root, in the order in which they were started. */
  listedBelow(root: string): Promise<(ListedRow | DamagedExecution)[]>;
  /** The same of one, root or child; undefined: there is none. Throws DamagedExecution. */
  listedRow(id: string): Promise<ListedRow | undefined>;
  /** Null: the runner left of its own will. */
  setRunner(id: string, runner: Runner | null): Promise<void>;
  /** The runner leaves the execution, root or child, of its own will: what a list is to tell of it now, and what it waits for. */
  leave(id: string, summary: Summary, left?: Left): Promise<void>;
  addRollbackRequest(id: string, request: RollbackRequest): Promise<void>;
  /** The first one stays. False: there is one already. */
  setClosing(id: string, closing: Closing): Promise<boolean>;
  /** Removes everything about an execution and those below it. */
  remove(id: string): Promise<void>;
}

/** Where something is kept for the undo of an execution. */
export interface Kept {
  /** Notes, before anything is begun there, that the host may keep something for the execution's undo. */
  addKeptOn(id: string, host: string): Promise<void>;
  /** Hosts that may keep something for it; null: an earlier version wrote none down. */
  keptOn(id: string): Promise<string[] | null>;
  /** From now on nothing of it may run: what was kept for it goes. `hosts` is where that is. */
  beginForgetting(id: string, at: number, hosts: readonly string[]): Promise<void>;
  /** The host keeps nothing for it any more. */
  dropKeptOn(id: string, host: string): Promise<void>;
}

/**
 * What a runner has on record of the interpreter's calls. A promise resolves when what it stands for is durable; what is
 * asked for at the same time is made durable together, in the order in which it was asked.
 */
export interface Outcomes {
  activity(id: string, activity: string): Promise<ActivityRow | undefined>;
  lastRecord(id: string): Promise<LastRecord>;
  /** Records that the activity began, before its effect, together with the events given. Keeps the first time when it began before. */
  begin(id: string, activity: string, at: number, events: readonly RecordedEvent[]): Promise<ActivityRow>;
  /** Records the outcome together with the events given. */
  end(
    id: string,
    activity: string,
    outcome: RecordedOutcome,
    events: readonly RecordedEvent[],
  ): Promise<void>;
  /** Records, in one write, the outcome of an activity that took the entry of the inbox. */
  take(
    id: string,
    entry: InboxEntry,
    activity: string,
    outcome: RecordedOutcome,
    events: readonly RecordedEvent[],
  ): Promise<void>;
  /** Records that the call began, together with the child that it starts. Harmless to do again. */
  beginChild(child: NewChild, at: number, events: readonly RecordedEvent[]): Promise<ActivityRow>;
  /** Records that the call of the parent began, together with the rollback that it asks of the child. Harmless to do again. */
  beginChildRollback(
    child: string,
    call: string,
    request: RollbackRequest,
    at: number,
    events: readonly RecordedEvent[],
  ): Promise<ActivityRow>;
  /** Appends events; those whose seq is known already are left as they are. */
  append(id: string, events: readonly RecordedEvent[]): Promise<void>;
}

/** What has happened, for people and other programs. */
export interface Events {
  /** Events with a greater seq, in order. Throws DamagedExecution. */
  events(id: string, afterSeq: number): Promise<RecordedEvent[]>;
  lastSeq(id: string): Promise<number>;
  /** Of every root, 0 where nothing has happened yet; the newest first. */
  lastSeqs(): Promise<ReadonlyMap<string, number>>;
}

/** What other processes say to an execution. */
export interface Inbox {
  /** Appends to the inbox under a name; an entry with the same dedupe key is not added again. False then. */
  signal(
    id: string,
    name: string,
    value: Json,
    dedupe: string,
    at: number,
    by?: string | null,
  ): Promise<boolean>;
  /** All that no activity has taken, in the order in which it was said. */
  untaken(id: string): Promise<UntakenEntry[]>;
  /** The oldest entry under the name that no activity has taken. */
  peek(id: string, name: string): Promise<InboxEntry | undefined>;
  requestCancel(id: string): Promise<void>;
  isCancelRequested(id: string): Promise<boolean>;
  /** Changes when another process has written anything, and when this one has put something into an inbox, cancelled, or left. */
  version(): Promise<number>;
  /** Changes when there is something new for the root or those below it: a cancel, an entry of an inbox. */
  mark(root: string): Promise<string>;
}

/** Who holds what alone. */
export interface Locks {
  /** Names this journal to other machines; made with it. */
  folderId(): Promise<string>;
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
  ): Promise<LockRow | undefined>;
  /** All that are held, by name; of one execution only where it is given. */
  locks(executionId?: string): Promise<LockRow[]>;
  /** Whether the target has an entry for it. */
  markLock(lock: LockRow, hasEntry: boolean): Promise<void>;
  /** The execution has all that it asked for. */
  confirmLocks(executionId: string): Promise<void>;
  dropLocks(locks: readonly LockRow[]): Promise<void>;
}

/** What an execution has learnt of the machines that answered it. */
export interface Machines {
  /** The latest of what was noted under the name: `machine:db1`. */
  machine(id: string, name: string): Promise<MachineNote | undefined>;
  /** Notes it beside what was noted before. */
  noteMachine(id: string, name: string, note: MachineNote): Promise<void>;
}

export interface MachineNote {
  readonly at: number;
  readonly value: JsonObject;
}

/** All of it, in one state folder. */
export interface Journal extends Executions, Kept, Outcomes, Events, Inbox, Waits, Locks, Machines {
  close(): void;
}
