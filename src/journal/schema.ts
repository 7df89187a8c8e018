/** The journal's tables. Journals of earlier versions are carried forward; later ones are refused, never guessed at. */
import type { DatabaseSync } from 'node:sqlite';
import { JournalFailure } from './errors.ts';

/** Step n brings a journal of version n to version n + 1. Never edited once released, only appended to. */
const steps: readonly string[] = [
  `CREATE TABLE executions (
     id TEXT PRIMARY KEY,
     runbook TEXT NOT NULL,
     file TEXT NOT NULL,
     program TEXT NOT NULL,
     sha256 TEXT NOT NULL,
     input TEXT NOT NULL,
     settings TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     cancel_requested INTEGER NOT NULL DEFAULT 0,
     runner TEXT
   ) STRICT;
   CREATE TABLE activities (
     execution TEXT NOT NULL REFERENCES executions (id),
     id TEXT NOT NULL,
     started_at INTEGER NOT NULL,
     outcome TEXT,
     PRIMARY KEY (execution, id)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE events (
     execution TEXT NOT NULL REFERENCES executions (id),
     seq INTEGER NOT NULL,
     at INTEGER NOT NULL,
     event TEXT NOT NULL,
     PRIMARY KEY (execution, seq)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE inbox (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     execution TEXT NOT NULL REFERENCES executions (id),
     name TEXT NOT NULL,
     value TEXT NOT NULL,
     dedupe TEXT NOT NULL,
     at INTEGER NOT NULL,
     taken_by TEXT,
     UNIQUE (execution, name, dedupe)
   ) STRICT;`,
  // scope: empty for the real world, else the sandbox that the lock belongs to.
  `CREATE TABLE locks (
     scope TEXT NOT NULL,
     name TEXT NOT NULL,
     execution TEXT NOT NULL REFERENCES executions (id),
     asked TEXT NOT NULL,
     since INTEGER NOT NULL,
     host TEXT,
     entry INTEGER NOT NULL,
     confirmed INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (scope, name)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE folder (id TEXT NOT NULL) STRICT;
   INSERT INTO folder VALUES (lower(hex(randomblob(10))));`,
  // closing: a person's last word on it. forgotten_at: since when what was kept for it is being removed.
  // kept_on_known: whether kept_on names every host that may keep something for it; of earlier executions nobody knows.
  `ALTER TABLE executions ADD COLUMN closing TEXT;
   ALTER TABLE executions ADD COLUMN forgotten_at INTEGER;
   ALTER TABLE executions ADD COLUMN kept_on_known INTEGER NOT NULL DEFAULT 0;
   CREATE TABLE kept_on (
     execution TEXT NOT NULL REFERENCES executions (id),
     host TEXT NOT NULL,
     PRIMARY KEY (execution, host)
   ) STRICT, WITHOUT ROWID;`,
  // Children: the execution at the top, the one above, and the call, step and target of that one. A child's program is in a table
  // of its own, under its hash: many children have one program.
  `ALTER TABLE executions ADD COLUMN root TEXT;
   ALTER TABLE executions ADD COLUMN parent TEXT;
   ALTER TABLE executions ADD COLUMN call TEXT;
   ALTER TABLE executions ADD COLUMN step TEXT;
   ALTER TABLE executions ADD COLUMN target TEXT;
   CREATE INDEX executions_by_parent ON executions (parent) WHERE parent IS NOT NULL;
   CREATE INDEX executions_by_root ON executions (root) WHERE root IS NOT NULL;
   CREATE INDEX executions_of_program ON executions (sha256) WHERE root IS NOT NULL;
   CREATE TABLE programs (sha256 TEXT PRIMARY KEY, program TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
  // What a list tells of it, as it was when its last runner left of its own will; null: nobody has, or an earlier version did.
  `ALTER TABLE executions ADD COLUMN summary TEXT;
   CREATE INDEX executions_by_age ON executions (created_at DESC, id DESC) WHERE root IS NULL;`,
  // Which machines answered: until now among the activities, under ids such as @machine:db1#2.
  `CREATE TABLE machines (
     execution TEXT NOT NULL REFERENCES executions (id),
     name TEXT NOT NULL,
     number INTEGER NOT NULL,
     at INTEGER NOT NULL,
     value TEXT NOT NULL,
     PRIMARY KEY (execution, name, number)
   ) STRICT, WITHOUT ROWID;
   INSERT OR IGNORE INTO machines (execution, name, number, at, value)
     SELECT execution, substr(head, 2, length(head) - 2), CAST(substr(id, length(head) + 1) AS INTEGER), at, value
     FROM (SELECT execution, id, rtrim(id, '0123456789') AS head, outcome ->> '$.endedAt' AS at, outcome -> '$.value' AS value
           FROM activities WHERE id LIKE '@%#%' AND outcome IS NOT NULL)
     WHERE at IS NOT NULL AND value IS NOT NULL;
   DELETE FROM activities WHERE id LIKE '@%';`,
  // What an execution waits for that its runner has left: a word under a name, or (name null) only a time. left_to: who goes on then.
  `CREATE TABLE waits (
     root TEXT NOT NULL REFERENCES executions (id),
     execution TEXT NOT NULL,
     name TEXT,
     until INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX waits_by_root ON waits (root);
   CREATE INDEX waits_by_time ON waits (until);
   CREATE INDEX waits_by_name ON waits (execution, name);
   CREATE INDEX inbox_untaken ON inbox (execution, name) WHERE taken_by IS NULL;
   CREATE INDEX executions_cancelled ON executions (id) WHERE cancel_requested = 1;
   ALTER TABLE executions ADD COLUMN left_to TEXT;`,
  // Who said it; null: nobody knows, or an earlier version wrote it down.
  `ALTER TABLE inbox ADD COLUMN said_by TEXT;`,
];

export function migrate(database: DatabaseSync, stateDir: string): void {
  if (versionOf(database) === steps.length) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = versionOf(database);
    if (version > steps.length) {
      throw new JournalFailure(
        'JOURNAL_NEWER',
        `the journal in ${stateDir} was written by a newer Belay (format ${version}, this one reads up to ${steps.length}). Use that version, or another --state.`,
      );
    }
    for (const step of steps.slice(version)) database.exec(step);
    database.exec(`PRAGMA user_version = ${steps.length}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}
