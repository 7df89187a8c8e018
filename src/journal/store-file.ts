/**
 * A store of one subject beside the executions' journal: one SQLite file in the state folder, WAL with synchronous=FULL, for its owner
 * only. Several processes may make it at once; one of them does.
 */
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { JournalFailure } from './errors.ts';
import { asJournalFailure } from './failure.ts';
import { Statements } from './statements.ts';

/** How long a writer waits for another one, in ms. */
const busyTimeoutMs = 10_000;

export interface StoreFile {
  /** `windows.db`. */
  readonly name: string;
  /** 1 and up; a file of a greater one is refused. */
  readonly formatVersion: number;
  /** SQL that makes the tables of that format. */
  readonly tables: string;
  /** SQL by the format that it makes the next one of. */
  readonly upgrades?: Readonly<Record<number, string>>;
  /** Writes what is in it from the first moment on, in the transaction that makes the tables. */
  readonly fill?: (database: DatabaseSync) => void;
}

/** Opens or makes it. Throws JournalFailure. */
export function openStoreFile(
  stateDir: string,
  { name, formatVersion, tables, upgrades = {}, fill }: StoreFile,
): Statements {
  return asJournalFailure(stateDir, () => {
    const file = join(stateDir, name);
    const database = openDatabase(stateDir, name);
    const version = (): number =>
      Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    try {
      if (version() > formatVersion) {
        throw new JournalFailure(
          'JOURNAL_NEWER',
          `${file} was written by a newer Belay (format ${version()}, this one reads up to ${formatVersion}). Use that version, or another --state.`,
        );
      }
      if (version() < formatVersion) {
        database.exec('BEGIN IMMEDIATE');
        // Another process may have been faster.
        if (version() === 0) {
          database.exec(`${tables}\nPRAGMA user_version = ${formatVersion};`);
          fill?.(database);
        }
        for (let from = version(); from < formatVersion; from += 1)
          database.exec(`${upgrades[from] ?? ''}\nPRAGMA user_version = ${from + 1};`);
        database.exec('COMMIT');
      }
    } catch (error) {
      database.close();
      throw error;
    }
    return new Statements(database, stateDir);
  });
}

/** The database as every store here uses it. SQLite gives its log and index the mode of the database, whatever the folder allows. */
export function openDatabase(stateDir: string, name: string): DatabaseSync {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const file = join(stateDir, name);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile())
    throw new JournalFailure(
      'JOURNAL_UNUSABLE',
      `${file} is not a file (${found.isFIFO() ? 'a pipe' : found.isDirectory() ? 'a folder' : 'a device or a socket'}). Nothing further was begun. Remove it, or name another folder with --state or BELAY_STATE.`,
    );
  closeSync(openSync(file, 'a', 0o600));
  const database = new DatabaseSync(file);
  database.exec(
    `PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;`,
  );
  return database;
}
