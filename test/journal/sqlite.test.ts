import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
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
      'this is not a database, and was never one, but it is long enough to be looked at',
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

test('who answered is carried forward from where earlier versions wrote it, and is not an activity any more', async () => {
  const dir = folder();
  try {
    const history = join(import.meta.dirname, '..', 'histories', '2026-11-27', 'journal.sql');
    const database = new DatabaseSync(join(dir, 'journal.db'));
    database.exec(readFileSync(history, 'utf8'));
    const id = String(database.prepare('SELECT min(id) AS id FROM executions').get()?.['id']);
    const note = database.prepare(
      'INSERT INTO activities (execution, id, started_at, outcome) VALUES (?, ?, 1, ?)',
    );
    for (const [number, bootId] of ['one', 'two'].entries()) {
      const outcome = { startedAt: 1, endedAt: 10 + number, status: 'ok', value: { bootId } };
      note.run(id, `@machine:db-1#${number + 1}`, JSON.stringify(outcome));
    }
    note.run(
      id,
      '@root-replaced:i-0abc#1',
      JSON.stringify({ startedAt: 1, endedAt: 12, status: 'ok', value: {} }),
    );
    database.close();
    const journal = openSqliteJournal(dir);
    expect(await journal.machine(id, 'machine:db-1')).toEqual({ at: 11, value: { bootId: 'two' } });
    expect(await journal.machine(id, 'root-replaced:i-0abc')).toEqual({ at: 12, value: {} });
    expect(await journal.activity(id, '@machine:db-1#1')).toBeUndefined();
    await journal.noteMachine(id, 'machine:db-1', { at: 20, value: { bootId: 'three' } });
    expect((await journal.machine(id, 'machine:db-1'))?.value).toEqual({ bootId: 'three' });
    expect((await journal.execution(id))?.child).toBeNull();
    journal.close();
  } finally {
    rmSync(dir, { recursive: true });
  }
});
