/** The journal in a state folder: one SQLite database in WAL mode with synchronous=FULL, shared by all processes on it. */
import { asJournalFailure } from '../failure.ts';
import type { Journal } from '../journal.ts';
import { migrate } from '../schema.ts';
import { openDatabase } from '../store-file.ts';
import { Statements } from '../statements.ts';
import { Commits } from './commits.ts';
import { eventsIn } from './events.ts';
import { executionsIn } from './executions.ts';
import { inboxIn } from './inbox.ts';
import { keptIn } from './kept.ts';
import { locksIn } from './locks.ts';
import { machinesIn } from './machines.ts';
import { outcomesIn } from './outcomes.ts';

/** Opens or makes `journal.db` in the folder. Throws JournalFailure. */
export function openSqliteJournal(stateDir: string): Journal {
  return asJournalFailure(stateDir, () => {
    const database = openDatabase(stateDir, 'journal.db');
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
