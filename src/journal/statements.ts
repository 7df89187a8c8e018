/** The statements of one journal: prepared once, run, and every trouble told in the journal's own words. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { asJournalFailure } from './failure.ts';

type Value = string | number | null;

/** Throws JournalFailure for what SQLite and the file system say against it. */
export class Statements {
  readonly #database: DatabaseSync;
  readonly #stateDir: string;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, stateDir: string) {
    this.#database = database;
    this.#stateDir = stateDir;
  }

  transaction(write: () => void): void {
    asJournalFailure(this.#stateDir, () => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        write();
        this.#database.exec('COMMIT');
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  /** Runs what reads a row. */
  read<T>(make: () => T): T {
    return asJournalFailure(this.#stateDir, make);
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  /** A whole number that JavaScript cannot hold is the nearest one that it can: who reads it says that it is not a time and no count. */
  #reading<T>(sql: string, read: (statement: StatementSync) => T): T {
    const statement = this.#statement(sql);
    try {
      return read(statement);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    statement.setReadBigInts(true);
    try {
      return withNumbers(read(statement)) as T;
    } finally {
      statement.setReadBigInts(false);
    }
  }

  run(sql: string, values: readonly Value[]) {
    return asJournalFailure(this.#stateDir, () => this.#statement(sql).run(...values));
  }

  get(sql: string, values: readonly Value[]) {
    return asJournalFailure(this.#stateDir, () =>
      this.#reading(sql, (statement) => statement.get(...values)),
    );
  }

  all(sql: string, values: readonly Value[]) {
    return asJournalFailure(this.#stateDir, () =>
      this.#reading(sql, (statement) => statement.all(...values)),
    );
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}

export function text(value: unknown): string {
  if (typeof value !== 'string') throw new Error(`the journal holds ${typeof value} where text belongs`);
  return value;
}

function withNumbers(rows: unknown): unknown {
  if (typeof rows === 'bigint') return Number(rows);
  if (Array.isArray(rows)) return rows.map(withNumbers);
  if (typeof rows !== 'object' || rows === null || rows instanceof Uint8Array) return rows;
  return Object.fromEntries(Object.entries(rows).map(([name, cell]) => [name, withNumbers(cell)]));
}
