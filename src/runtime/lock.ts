/**
 * One runner per execution, by an operating-system lock: SQLite's exclusive lock on a small file beside the
 * execution's logs. It goes with the process, however the process ends, so a dead runner is known at once; children
 * of the process do not inherit it.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { asJournalFailure } from '../journal/index.ts';
import { executionDir } from './state-dir.ts';

/** Covers the moment in which somebody else merely looks whether the lock is held. */
const acquireTimeoutMs = 500;
const lockFile = 'lock.db';

export interface ExecutionLock {
  release(): void;
}

/** Undefined: another process, or this one, holds it. Throws JournalFailure where the state folder cannot be used. */
export function acquireLock(stateDir: string, executionId: string): ExecutionLock | undefined {
  return asJournalFailure(stateDir, () => acquire(executionDir(stateDir, executionId)));
}

/** One daemon per state folder, by the same kind of lock. Undefined: another one leads. Throws JournalFailure. */
export function acquireDaemonLock(stateDir: string): ExecutionLock | undefined {
  return asJournalFailure(stateDir, () => acquire(daemonDir(stateDir)));
}

/** One check of a compliance file at a time. Undefined: another one goes on. Throws JournalFailure. */
export function acquireCheckLock(stateDir: string, ruleSet: string): ExecutionLock | undefined {
  return asJournalFailure(stateDir, () => acquire(join(stateDir, 'compliance', ruleSet)));
}

/** One process at a time delivers to a channel. Undefined: another one does. Throws JournalFailure. */
export function acquireNotifyLock(stateDir: string, channel: string): ExecutionLock | undefined {
  return asJournalFailure(stateDir, () => acquire(join(stateDir, 'notify', channel)));
}

/** Whether a daemon leads this state folder now. */
export function isDaemonAlive(stateDir: string): boolean {
  const file = join(daemonDir(stateDir), lockFile);
  return existsSync(file) && asJournalFailure(stateDir, () => isHeld(file));
}

const daemonDir = (stateDir: string): string => join(stateDir, 'daemon');

function acquire(dir: string): ExecutionLock | undefined {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const database = open(join(dir, lockFile), acquireTimeoutMs, false);
  try {
    database.exec('BEGIN EXCLUSIVE');
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
}

/** Whether a live runner holds the execution. Looks and writes nothing. Throws JournalFailure. */
export function isLocked(stateDir: string, executionId: string): boolean {
  const file = join(executionDir(stateDir, executionId), lockFile);
  return existsSync(file) && asJournalFailure(stateDir, () => isHeld(file));
}

function isHeld(file: string): boolean {
  const database = open(file, 0, true);
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  } finally {
    database.close();
  }
}

function open(file: string, busyTimeoutMs: number, readOnly: boolean): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly });
  database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  return database;
}

/** SQLITE_BUSY (https://www.sqlite.org/rescode.html#busy). */
function isBusy(error: unknown): boolean {
  return (
    error instanceof Error &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    (error.errcode & 0xff) === 5
  );
}
