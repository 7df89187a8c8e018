/** What SQLite and the file system say, in sentences that a tired person can act on. */
import { JournalFailure } from './errors.ts';

/** Runs, and turns whatever SQLite or the file system throws into a JournalFailure. */
export function asJournalFailure<T>(stateDir: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw journalFailure(stateDir, error);
  }
}

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html). */
const sqliteFull = 13;
const sqliteCorrupt = 11;
const sqliteNotADatabase = 26;

function journalFailure(stateDir: string, error: unknown): unknown {
  if (error instanceof JournalFailure || !(error instanceof Error)) return error;
  const primary = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
  const system = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (primary === sqliteFull || system === 'ENOSPC' || system === 'EDQUOT') {
    return new JournalFailure(
      'DISK_FULL',
      `no room is left in the state folder ${stateDir}. Nothing further was begun. Make room, then: belay resume`,
      error,
    );
  }
  if (primary === sqliteCorrupt || primary === sqliteNotADatabase || error instanceof SyntaxError) {
    return new JournalFailure(
      'JOURNAL_CORRUPT',
      `the journal ${stateDir}/journal.db is damaged (${error.message}). Nothing was begun and the file was not changed. Copy the folder, restore it from a backup, or start afresh with another --state.`,
      error,
    );
  }
  if (primary === undefined && system === '') return error;
  return new JournalFailure(
    'JOURNAL_UNUSABLE',
    `the state folder ${stateDir} cannot be used: ${error.message}`,
    error,
  );
}
