/** What SQLite and the file system say about the state folder, in sentences that a tired person can act on. */
import { accessSync, constants, statSync, statfsSync } from 'node:fs';
import { DamagedExecution, JournalFailure } from './errors.ts';

/** Runs, and turns whatever SQLite or the file system throws into a JournalFailure. */
export function asJournalFailure<T>(stateDir: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw journalFailure(stateDir, error);
  }
}

/** Runs what reads the rows of one execution: what does not fit is its damage, and not the journal's. Throws JournalFailure. */
export function readingExecution<T>(executionId: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof JournalFailure && !isOfRow(error.cause)) throw error;
    const cause: unknown = error instanceof JournalFailure ? error.cause : error;
    throw new DamagedExecution(executionId, cause instanceof Error ? cause.message : String(cause), error);
  }
}

/** SQLite's own word for a column that is not JSON; everything else that it says is of the whole file. */
function isOfRow(cause: unknown): boolean {
  return cause instanceof SyntaxError || (cause instanceof Error && cause.message.includes('malformed JSON'));
}

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html). */
const sqliteFull = 13;
const sqliteCorrupt = 11;
const sqliteNotADatabase = 26;
/** What a full disk can look like where SQLite maps its shared index or opens its log: I/O error, cannot open. */
const sqliteMayBeFull = [10, 14];
/** Less free than this and SQLite cannot add a page to its log: what it then calls an I/O error is a full disk. */
const roomBytesMin = 64 * 1024;

/** A JournalFailure for trouble that SQLite or the file system has with the state folder; any other error as it is. */
export function journalFailure(stateDir: string, error: unknown): unknown {
  if (error instanceof JournalFailure || !(error instanceof Error)) return error;
  const primary = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
  const system = systemCode(error) ?? systemCode(error.cause) ?? '';
  if (primary === sqliteCorrupt || primary === sqliteNotADatabase || error instanceof SyntaxError) {
    return new JournalFailure(
      'JOURNAL_CORRUPT',
      `the journal ${stateDir}/journal.db is damaged (${error.message}). Nothing was begun and the file was not changed. Copy the folder, restore it from a backup, or start afresh with another --state.`,
      error,
    );
  }
  if (primary === undefined && system === '') return error;
  const isFull = primary === sqliteFull || system === 'ENOSPC' || system === 'EDQUOT';
  if (isFull || (primary !== undefined && sqliteMayBeFull.includes(primary) && hasNoRoom(stateDir))) {
    return new JournalFailure(
      'DISK_FULL',
      `no room is left in the state folder ${stateDir}. Nothing further was begun, and what was journaled is safe. Make room; then belay list shows where executions stand, and belay resume ID goes on.`,
      error,
    );
  }
  return new JournalFailure(
    'JOURNAL_UNUSABLE',
    `the state folder ${stateDir} cannot be used: ${whyUnusable(stateDir) ?? error.message}. Nothing further was begun. Put that right, or name another folder with --state or BELAY_STATE.`,
    error,
  );
}

/** `ENOSPC`; Node's own codes (`ERR_…`) say nothing of the disk. */
function systemCode(error: unknown): string | undefined {
  return error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    /^E(?!RR_)/.test(error.code)
    ? error.code
    : undefined;
}

function hasNoRoom(stateDir: string): boolean {
  try {
    const { bavail, bsize, blocks } = statfsSync(stateDir);
    return blocks > 0 && bavail * bsize < roomBytesMin;
  } catch {
    return false;
  }
}

/** What the file system says of the folder, where SQLite only says that it cannot open or write its file. */
function whyUnusable(stateDir: string): string | undefined {
  try {
    if (!statSync(stateDir).isDirectory()) return 'it is a file, and a folder is wanted';
    accessSync(stateDir, constants.R_OK | constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    switch (systemCode(error)) {
      case 'EROFS':
        return 'it is on a read-only file system';
      case 'EACCES':
        return 'this user may not write there';
      case 'ENOTDIR':
        return 'a part of its path is a file';
      default:
        return undefined;
    }
  }
}
