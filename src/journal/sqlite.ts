/** The journal in a state folder: one SQLite database in WAL mode with synchronous=FULL, shared by all processes on it. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { ExecutionInput, Program, RecordedEvent, RollbackRequest } from '../engine/index.ts';
import type { Json } from '../json.ts';
import type {
  ActivityRow,
  Closing,
  ExecutionRow,
  InboxEntry,
  Journal,
  LastRecord,
  ListedRow,
  LockRow,
  NewChild,
  NewExecution,
  NewLock,
  RecordedOutcome,
  Runner,
  Summary,
} from './journal.ts';
import { headOf, listed } from './sqlite-list.ts';
import { insertChild, insertRollbackRequest, lastRecord, programOf } from './sqlite-children.ts';
import { asJournalFailure } from './failure.ts';
import { takeLocks } from './sqlite-locks.ts';
import { lockOf, outcomeOf } from './rows.ts';
import { migrate } from './schema.ts';
import { Statements, text } from './statements.ts';

/** How long a writer waits for another one, in ms. */
const busyTimeoutMs = 10_000;

/** Opens or makes `journal.db` in the folder. Throws JournalFailure. */
export function openSqliteJournal(stateDir: string): Journal {
  return asJournalFailure(stateDir, () => {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const file = join(stateDir, 'journal.db');
    // For its owner only, whatever the folder allows: SQLite gives its log and index the mode of the database.
    closeSync(openSync(file, 'a', 0o600));
    const database = new DatabaseSync(file);
    database.exec(
      `PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;`,
    );
    migrate(database, stateDir);
    return new SqliteJournal(new Statements(database, stateDir));
  });
}

class SqliteJournal implements Journal {
  readonly #rows: Statements;
  /** Counts what this process put into inboxes, and its cancels. */
  #said = 0;

  constructor(rows: Statements) {
    this.#rows = rows;
  }

  create(execution: NewExecution): boolean {
    const { id, runbook, file, program, sha256, input, settings, createdAt } = execution;
    const { changes } = this.#rows.run(
      `INSERT OR IGNORE INTO executions (id, runbook, file, program, sha256, input, settings, created_at, kept_on_known) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)`,
      [
        id,
        runbook,
        file,
        JSON.stringify(program),
        sha256,
        JSON.stringify(input),
        JSON.stringify(settings),
        createdAt,
      ],
    );
    return changes === 1;
  }

  execution(id: string): ExecutionRow | undefined {
    const row = this.#rows.get(`SELECT * FROM executions WHERE id = ?`, [id]);
    if (row === undefined) return undefined;
    return {
      ...headOf(row),
      program: JSON.parse(programOf(this.#rows, row)) as Program,
      sha256: text(row['sha256']),
      input: JSON.parse(text(row['input'])) as ExecutionInput,
    };
  }

  executionIds(): string[] {
    return this.#rows
      .all(`SELECT id FROM executions WHERE root IS NULL ORDER BY created_at DESC, id DESC`, [])
      .map((row) => text(row['id']));
  }

  childIds(id: string): string[] {
    return this.#rows
      .all(`SELECT id FROM executions WHERE parent = ? ORDER BY rowid`, [id])
      .map((row) => text(row['id']));
  }

  idsBelow(root: string): string[] {
    return this.#rows
      .all(`SELECT id FROM executions WHERE root = ? ORDER BY rowid`, [root])
      .map((row) => text(row['id']));
  }

  count(): number {
    return Number(
      this.#rows.get(`SELECT count(*) AS count FROM executions WHERE root IS NULL`, [])?.['count'] ?? 0,
    );
  }

  listed(countMax: number | null): ListedRow[] {
    return listed(this.#rows, countMax);
  }

  leave(id: string, summary: Summary): void {
    this.#rows.run(`UPDATE executions SET runner = NULL, summary = ? WHERE id = ?`, [
      JSON.stringify(summary),
      id,
    ]);
  }

  setRunner(id: string, runner: Runner | null): void {
    this.#rows.run(`UPDATE executions SET runner = ? WHERE id = ?`, [
      runner === null ? null : JSON.stringify(runner),
      id,
    ]);
  }

  addRollbackRequest(id: string, request: RollbackRequest): void {
    this.#rows.run(
      `UPDATE executions SET input = json_insert(input, '$.rollbackRequests[#]', json(?)) WHERE id = ?`,
      [JSON.stringify(request), id],
    );
  }

  setClosing(id: string, closing: Closing): boolean {
    const { changes } = this.#rows.run(`UPDATE executions SET closing = ? WHERE id = ? AND closing IS NULL`, [
      JSON.stringify(closing),
      id,
    ]);
    return changes === 1;
  }

  addKeptOn(id: string, host: string): void {
    this.#rows.run(`INSERT OR IGNORE INTO kept_on (execution, host) VALUES (?, ?)`, [id, host]);
  }

  keptOn(id: string): string[] | null {
    if (this.#rows.get(`SELECT kept_on_known FROM executions WHERE id = ?`, [id])?.['kept_on_known'] !== 1)
      return null;
    return this.#rows
      .all(`SELECT host FROM kept_on WHERE execution = ? ORDER BY host`, [id])
      .map((row) => text(row['host']));
  }

  beginForgetting(id: string, at: number, hosts: readonly string[]): void {
    this.#rows.transaction(() => {
      this.#rows.run(
        `UPDATE executions SET forgotten_at = coalesce(forgotten_at, ?), kept_on_known = 1 WHERE id = ?`,
        [at, id],
      );
      for (const host of hosts) this.addKeptOn(id, host);
    });
  }

  dropKeptOn(id: string, host: string): void {
    this.#rows.run(`DELETE FROM kept_on WHERE execution = ? AND host = ?`, [id, host]);
  }

  remove(id: string): void {
    this.#rows.transaction(() => {
      const ids = this.idsBelow(id);
      for (const each of [...ids, id]) {
        for (const table of ['kept_on', 'locks', 'inbox', 'events', 'activities'])
          this.#rows.run(`DELETE FROM ${table} WHERE execution = ?`, [each]);
        this.#rows.run(`DELETE FROM executions WHERE id = ?`, [each]);
      }
      if (ids.length === 0) return;
      const isUsed = `SELECT 1 FROM executions WHERE executions.sha256 = programs.sha256 AND root IS NOT NULL`;
      this.#rows.run(`DELETE FROM programs WHERE NOT EXISTS (${isUsed})`, []);
    });
  }

  activity(id: string, activity: string): ActivityRow | undefined {
    const row = this.#rows.get(`SELECT started_at, outcome FROM activities WHERE execution = ? AND id = ?`, [
      id,
      activity,
    ]);
    if (row === undefined) return undefined;
    const outcome =
      row['outcome'] === null
        ? null
        : this.#rows.read(() => outcomeOf(JSON.parse(text(row['outcome'])) as Json));
    return { startedAt: Number(row['started_at']), outcome };
  }

  lastRecord(id: string): LastRecord {
    return lastRecord(this.#rows, id);
  }

  begin(id: string, activity: string, at: number, events: readonly RecordedEvent[]): ActivityRow {
    return this.#begin(id, activity, at, () => this.#insertEvents(id, events));
  }

  beginChild(child: NewChild, at: number, events: readonly RecordedEvent[]): ActivityRow {
    const { parent, call } = child.child;
    return this.#begin(parent, call, at, () => {
      this.#insertEvents(parent, events);
      insertChild(this.#rows, child);
    });
  }

  beginChildRollback(
    child: string,
    call: string,
    request: RollbackRequest,
    at: number,
    events: readonly RecordedEvent[],
  ): ActivityRow {
    const parent = this.execution(child)?.child?.parent ?? '';
    return this.#begin(parent, call, at, () => {
      this.#insertEvents(parent, events);
      insertRollbackRequest(this.#rows, child, { ...request, call });
    });
  }

  end(id: string, activity: string, outcome: RecordedOutcome, events: readonly RecordedEvent[]): void {
    this.#rows.transaction(() => {
      this.#insertEvents(id, events);
      this.#recordOutcome(id, activity, outcome);
    });
  }

  append(id: string, events: readonly RecordedEvent[]): void {
    if (events.length === 0) return;
    this.#rows.transaction(() => this.#insertEvents(id, events));
  }

  events(id: string, afterSeq: number): RecordedEvent[] {
    const rows = this.#rows.all(
      `SELECT seq, at, event FROM events WHERE execution = ? AND seq > ? ORDER BY seq`,
      [id, afterSeq],
    );
    return rows.map((row) => ({
      seq: Number(row['seq']),
      at: Number(row['at']),
      event: JSON.parse(text(row['event'])) as RecordedEvent['event'],
    }));
  }

  lastSeq(id: string): number {
    return Number(
      this.#rows.get(`SELECT coalesce(max(seq), 0) AS seq FROM events WHERE execution = ?`, [id])?.['seq'] ??
        0,
    );
  }

  signal(id: string, name: string, value: Json, dedupe: string, at: number): boolean {
    const { changes } = this.#rows.run(
      `INSERT OR IGNORE INTO inbox (execution, name, value, dedupe, at) VALUES (?, ?, ?, ?, ?)`,
      [id, name, JSON.stringify(value), dedupe, at],
    );
    this.#said += 1;
    return changes === 1;
  }

  waitingSignals(id: string): string[] {
    return this.#rows
      .all(`SELECT DISTINCT name FROM inbox WHERE execution = ? AND taken_by IS NULL`, [id])
      .map((row) => text(row['name']));
  }

  peek(id: string, name: string): InboxEntry | undefined {
    const row = this.#rows.get(
      `SELECT id, at, value FROM inbox WHERE execution = ? AND name = ? AND taken_by IS NULL ORDER BY id LIMIT 1`,
      [id, name],
    );
    if (row === undefined) return undefined;
    return { id: Number(row['id']), at: Number(row['at']), value: JSON.parse(text(row['value'])) as Json };
  }

  take(id: string, entry: InboxEntry, activity: string, outcome: RecordedOutcome): void {
    this.#rows.transaction(() => {
      this.#rows.run(`UPDATE inbox SET taken_by = ? WHERE id = ?`, [activity, entry.id]);
      this.#recordOutcome(id, activity, outcome);
    });
  }

  requestCancel(id: string): void {
    this.#rows.run(`UPDATE executions SET cancel_requested = 1 WHERE id = ?`, [id]);
    this.#said += 1;
  }

  isCancelRequested(id: string): boolean {
    return (
      this.#rows.get(`SELECT cancel_requested FROM executions WHERE id = ?`, [id])?.['cancel_requested'] === 1
    );
  }

  get folderId(): string {
    return text(this.#rows.get(`SELECT id FROM folder`, [])?.['id']);
  }

  takeLocks(
    scope: string,
    locks: readonly NewLock[],
    executionId: string,
    at: number,
    over: readonly string[],
  ): LockRow | undefined {
    return takeLocks(this.#rows, { scope, locks, executionId, at, over });
  }

  locks(executionId?: string): LockRow[] {
    const rows =
      executionId === undefined
        ? this.#rows.all(`SELECT * FROM locks ORDER BY scope, name`, [])
        : this.#rows.all(`SELECT * FROM locks WHERE execution = ? ORDER BY scope, name`, [executionId]);
    return rows.map(lockOf);
  }

  markLock({ scope, name, executionId }: LockRow, hasEntry: boolean): void {
    this.#rows.run(`UPDATE locks SET entry = ? WHERE scope = ? AND name = ? AND execution = ?`, [
      hasEntry ? 1 : 0,
      scope,
      name,
      executionId,
    ]);
  }

  confirmLocks(executionId: string): void {
    this.#rows.run(`UPDATE locks SET confirmed = 1 WHERE execution = ?`, [executionId]);
  }

  dropLocks(locks: readonly LockRow[]): void {
    this.#rows.transaction(() => {
      for (const { scope, name, executionId } of locks) {
        this.#rows.run(`DELETE FROM locks WHERE scope = ? AND name = ? AND execution = ?`, [
          scope,
          name,
          executionId,
        ]);
      }
    });
  }

  version(): number {
    return Number(this.#rows.get(`PRAGMA data_version`, [])?.['data_version'] ?? 0) + this.#said;
  }

  mark(root: string): string {
    // Ids of those below begin with the root's and a dot, and a slash follows the dot.
    const row = this.#rows.get(
      `SELECT (SELECT max(id) FROM inbox WHERE execution >= ?1 AND execution < ?1 || '/') AS entry,
         (SELECT cancel_requested FROM executions WHERE id = ?1) AS cancelled`,
      [root],
    );
    return JSON.stringify([row?.['entry'] ?? 0, row?.['cancelled'] ?? 0]);
  }

  close(): void {
    this.#rows.close();
  }

  /** Intent and what belongs to it, in one write. */
  #begin(id: string, activity: string, at: number, more: () => void): ActivityRow {
    this.#rows.transaction(() => {
      more();
      this.#rows.run(`INSERT OR IGNORE INTO activities (execution, id, started_at) VALUES (?, ?, ?)`, [
        id,
        activity,
        at,
      ]);
    });
    return this.activity(id, activity) ?? { startedAt: at, outcome: null };
  }

  #insertEvents(id: string, events: readonly RecordedEvent[]): void {
    for (const { seq, at, event } of events) {
      this.#rows.run(`INSERT OR IGNORE INTO events (execution, seq, at, event) VALUES (?, ?, ?, ?)`, [
        id,
        seq,
        at,
        JSON.stringify(event),
      ]);
    }
  }

  #recordOutcome(id: string, activity: string, outcome: RecordedOutcome): void {
    this.#rows.run(
      `INSERT INTO activities (execution, id, started_at, outcome) VALUES (?, ?, ?, ?)
       ON CONFLICT (execution, id) DO UPDATE SET outcome = excluded.outcome WHERE outcome IS NULL`,
      [id, activity, outcome.startedAt, JSON.stringify(outcome)],
    );
  }
}
