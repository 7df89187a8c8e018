import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { JournalFailure, openSqliteJournal, type Journal } from '../../src/journal/index.ts';
import { journalContract } from '../contract/journal.ts';

function folder(): string {
  return mkdtempSync(join(tmpdir(), 'belay-journal-'));
}

journalContract('sqlite', () => {
  const dir = folder();
  const opened: Journal[] = [];
  const again = (): Journal => {
    const journal = openSqliteJournal(dir);
    opened.push(journal);
    return journal;
  };
  return {
    journal: again(),
    again,
    close: () => {
      for (const journal of opened) journal.close();
      rmSync(dir, { recursive: true });
    },
  };
});

function failureOf(open: () => unknown): JournalFailure {
  try {
    open();
  } catch (error) {
    if (error instanceof JournalFailure) return error;
    throw error;
  }
  throw new Error('it opened');
}

test('a damaged journal is refused with a sentence, and the file stays as it was', () => {
  const dir = folder();
  try {
    writeFileSync(
      join(dir, 'journal.db'),
      'this is no database, and was never one, but it is long enough to be looked at',
    );
    const failure = failureOf(() => openSqliteJournal(dir));
    expect(failure.code).toBe('JOURNAL_CORRUPT');
    expect(failure.message).toContain(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a journal cut short is refused when it is read', () => {
  const dir = folder();
  try {
    const journal = openSqliteJournal(dir);
    journal.close();
    truncateSync(join(dir, 'journal.db'), 4096);
    expect(failureOf(() => openSqliteJournal(dir).executionIds()).code).toBe('JOURNAL_CORRUPT');
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a journal of a newer Belay is refused by name', () => {
  const dir = folder();
  try {
    openSqliteJournal(dir).close();
    const database = new DatabaseSync(join(dir, 'journal.db'));
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(failureOf(() => openSqliteJournal(dir)).code).toBe('JOURNAL_NEWER');
  } finally {
    rmSync(dir, { recursive: true });
  }
});
