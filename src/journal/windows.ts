/**
 * What the scheduler has decided about windows, beside the executions' journal: `windows.db` in the state folder, WAL with
 * synchronous=FULL. One process decides (it holds the daemon's lock); any process may read and leave a word. Every write is durable
 * when the call returns. It stores and returns; what a record means is the windows room's business.
 */
import type { JsonObject } from '../json.ts';
import { instantOr, isInstant, objectIn } from './shape.ts';
import { text, type Statements } from './statements.ts';
import { openStoreFile } from './store-file.ts';

export interface WindowRow {
  readonly name: string;
  /** When a daemon first saw it, in ms. */
  readonly seenAt: number;
  /** Up to when what is due is decided. */
  readonly decidedUntil: number;
}

export interface OccurrenceRow {
  readonly id: string;
  readonly window: string;
  readonly dueAt: number;
  readonly isOpen: boolean;
  /** Null: what stands there is no JSON object. */
  readonly record: JsonObject | null;
}

/** What a person, or the daemon itself, has said of an occurrence, a window or a planned execution. */
export interface WordRow {
  readonly kind: WordKind;
  readonly by: string;
  readonly value: string;
  readonly at: number;
}

export type WordKind =
  | 'approve'
  /** What a yes was said to, as JSON. */
  | 'approved-content'
  | 'reject'
  | 'skip'
  | 'cancel'
  | 'force'
  | 'pause'
  | 'run-now'
  | 'refused'
  | 'to-tell'
  | 'told'
  | 'needs-person'
  /** A check ended, with the code that its process gave. */
  | 'checked'
  /** The text of a window file when it was last right. */
  | 'sound'
  /** When the daemon last removed what `keep:` no longer keeps. */
  | 'pruned';

export interface WindowStore {
  /** The row of a window that a daemon has seen. */
  known(name: string): WindowRow | undefined;
  /** The row of a window; made when it is new. */
  see(name: string, at: number): WindowRow;
  /** Writes what is decided together with how far: all or nothing. An occurrence that is known already is left as it is. */
  decide(name: string, decidedUntil: number, occurrences: readonly OccurrenceRow[]): void;
  save(occurrence: OccurrenceRow): void;
  /** One whose record is damaged; the record stays as it is. */
  closeDamaged(id: string): void;
  occurrence(id: string): OccurrenceRow | undefined;
  /** In the order in which they were due. */
  open(): OccurrenceRow[];
  /** Latest first. */
  history(window: string, countMax: number): OccurrenceRow[];
  /** False when the same has been said about it by the same before. */
  say(about: string, word: WordRow): boolean;
  /** The same, in the place of what was said before. */
  sayAgain(about: string, word: WordRow): void;
  unsay(about: string, kind: WordKind): void;
  words(about: string): WordRow[];
  /** All that is said of one kind, by what it is about. */
  wordsOf(kind: WordKind): ReadonlyMap<string, WordRow>;
  /** Removes occurrences that ended and were due before, and what was said of them and their runs; how many. */
  forget(dueBefore: number): number;
  /** Occurrences by status, as their records have it. */
  countByStatus(): ReadonlyMap<string, number>;
  /** Changes when another process has written. */
  version(): number;
  close(): void;
}

const formatVersion = 1;
const tables = `
  CREATE TABLE windows (
    name TEXT PRIMARY KEY,
    seen_at INTEGER NOT NULL,
    decided_until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE occurrences (
    id TEXT PRIMARY KEY,
    window TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    open INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX occurrences_by_window ON occurrences (window, due_at);
  CREATE INDEX occurrences_open ON occurrences (due_at) WHERE open = 1;
  CREATE TABLE words (
    about TEXT NOT NULL,
    kind TEXT NOT NULL,
    said_by TEXT NOT NULL,
    value TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (about, kind, said_by)
  ) STRICT, WITHOUT ROWID;`;

/** Opens or makes it. Throws JournalFailure. */
export function openWindowStore(stateDir: string): WindowStore {
  return new SqliteWindowStore(openStoreFile(stateDir, { name: 'windows.db', formatVersion, tables }));
}

class SqliteWindowStore implements WindowStore {
  readonly #rows: Statements;

  constructor(rows: Statements) {
    this.#rows = rows;
  }

  see(name: string, at: number): WindowRow {
    const known = this.known(name);
    if (known !== undefined) return known;
    this.#rows.run('INSERT OR REPLACE INTO windows (name, seen_at, decided_until) VALUES (?, ?, ?)', [
      name,
      at,
      at,
    ]);
    return { name, seenAt: at, decidedUntil: at };
  }

  known(name: string): WindowRow | undefined {
    const row = this.#rows.get('SELECT * FROM windows WHERE name = ?', [name]);
    if (row === undefined) return undefined;
    const [seenAt, decidedUntil] = [Number(row['seen_at']), Number(row['decided_until'])];
    // A row of times that are none is like none: nothing is made up for, and nothing runs twice.
    return isInstant(seenAt) && isInstant(decidedUntil) ? { name, seenAt, decidedUntil } : undefined;
  }

  decide(name: string, decidedUntil: number, occurrences: readonly OccurrenceRow[]): void {
    this.#rows.transaction(() => {
      for (const { id, window, dueAt, isOpen, record } of occurrences) {
        this.#rows.run(
          'INSERT OR IGNORE INTO occurrences (id, window, due_at, open, record) VALUES (?, ?, ?, ?, ?)',
          [id, window, dueAt, isOpen ? 1 : 0, JSON.stringify(record)],
        );
      }
      this.#rows.run('UPDATE windows SET decided_until = max(decided_until, ?) WHERE name = ?', [
        decidedUntil,
        name,
      ]);
    });
  }

  save({ id, isOpen, record }: OccurrenceRow): void {
    this.#rows.run('UPDATE occurrences SET open = ?, record = ? WHERE id = ?', [
      isOpen ? 1 : 0,
      JSON.stringify(record),
      id,
    ]);
  }

  closeDamaged(id: string): void {
    this.#rows.run('UPDATE occurrences SET open = 0 WHERE id = ?', [id]);
  }

  occurrence(id: string): OccurrenceRow | undefined {
    const row = this.#rows.get('SELECT * FROM occurrences WHERE id = ?', [id]);
    return row === undefined ? undefined : this.#rows.read(() => occurrenceRow(row));
  }

  open(): OccurrenceRow[] {
    const rows = this.#rows.all('SELECT * FROM occurrences WHERE open = 1 ORDER BY due_at, id', []);
    return this.#rows.read(() => rows.map(occurrenceRow));
  }

  history(window: string, countMax: number): OccurrenceRow[] {
    const rows = this.#rows.all(
      'SELECT * FROM occurrences WHERE window = ? ORDER BY due_at DESC, id LIMIT ?',
      [window, countMax],
    );
    return this.#rows.read(() => rows.map(occurrenceRow));
  }

  say(about: string, { kind, by, value, at }: WordRow): boolean {
    const { changes } = this.#rows.run(
      'INSERT OR IGNORE INTO words (about, kind, said_by, value, at) VALUES (?, ?, ?, ?, ?)',
      [about, kind, by, value, at],
    );
    return changes === 1;
  }

  sayAgain(about: string, { kind, by, value, at }: WordRow): void {
    this.#rows.run('INSERT OR REPLACE INTO words (about, kind, said_by, value, at) VALUES (?, ?, ?, ?, ?)', [
      about,
      kind,
      by,
      value,
      at,
    ]);
  }

  unsay(about: string, kind: WordKind): void {
    this.#rows.run('DELETE FROM words WHERE about = ? AND kind = ?', [about, kind]);
  }

  words(about: string): WordRow[] {
    return this.#rows.all('SELECT * FROM words WHERE about = ? ORDER BY at, kind', [about]).map(wordRow);
  }

  wordsOf(kind: WordKind): ReadonlyMap<string, WordRow> {
    const rows = this.#rows.all('SELECT * FROM words WHERE kind = ? ORDER BY at', [kind]);
    return new Map(rows.map((row) => [text(row['about']), wordRow(row)]));
  }

  forget(dueBefore: number): number {
    let count = 0;
    this.#rows.transaction(() => {
      const old = 'SELECT id FROM occurrences WHERE open = 0 AND due_at < ?';
      const runs = `SELECT json_extract(run.value, '$.executionId') FROM occurrences, json_each(${soundRecord}, '$.tasks') AS task,
        json_each(task.value, '$.invocations') AS run WHERE open = 0 AND due_at < ?`;
      this.#rows.run(`DELETE FROM words WHERE about IN (${old}) OR about IN (${runs})`, [
        dueBefore,
        dueBefore,
      ]);
      const { changes } = this.#rows.run('DELETE FROM occurrences WHERE open = 0 AND due_at < ?', [
        dueBefore,
      ]);
      count = Number(changes);
    });
    return count;
  }

  countByStatus(): ReadonlyMap<string, number> {
    const rows = this.#rows.all(
      `SELECT coalesce(json_extract(${soundRecord}, '$.status'), 'DAMAGED') AS status, count(*) AS count FROM occurrences GROUP BY 1`,
      [],
    );
    return new Map(rows.map((row) => [String(row['status']), Number(row['count'])]));
  }

  version(): number {
    return Number(this.#rows.get('PRAGMA data_version', [])?.['data_version'] ?? 0);
  }

  close(): void {
    this.#rows.close();
  }
}

type Row = Readonly<Record<string, unknown>>;

/** SQL: the record, where it is JSON. */
const soundRecord = `(CASE WHEN json_valid(record) THEN record ELSE '{}' END)`;

function occurrenceRow(row: Row): OccurrenceRow {
  return {
    id: text(row['id']),
    window: text(row['window']),
    dueAt: Number(row['due_at']),
    isOpen: row['open'] === 1,
    record: objectIn(row['record']),
  };
}

function wordRow(row: Row): WordRow {
  return {
    kind: text(row['kind']) as WordKind,
    by: text(row['said_by']),
    value: text(row['value']),
    at: instantOr(row['at'], 0),
  };
}
