/** The journal in a state folder: one SQLite database in WAL mode with synchronous=FULL, shared by all processes on it. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { asJournalFailure } from '../failure.ts';
import type { Journal } from '../journal.ts';
import { migrate } from '../schema.ts';
import { Statements } from '../statements.ts';
import { Commits } from './commits.ts';
import { eventsIn } from './events.ts';
import { executionsIn } from './executions.ts';
import { inboxIn } from './inbox.ts';
import { keptIn } from './kept.ts';
import { locksIn } from './locks.ts';
import { machinesIn } from './machines.ts';
import { outcomesIn } from './outcomes.ts';

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
    const rows = new Statements(database, stateDir);
    const commits = new Commits(rows);
    return {
      ...executionsIn(rows),
      ...keptIn(rows),
      ...outcomesIn(rows, commits),
      ...eventsIn(rows),
      ...inboxIn(rows),
      ...locksIn(rows),
      ...machinesIn(rows),
      close: () => {
        commits.finish();
        rows.close();
      },
    };
  });
}
