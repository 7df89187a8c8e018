/** The journal in a state folder: one SQLite database in WAL mode with synchronous=FULL, shared by all processes on it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
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
import { lastSeqs } from './list.ts';
import { locksIn } from './locks.ts';
import { machinesIn } from './machines.ts';
import { outcomesIn } from './outcomes.ts';
import { waitsIn } from './waits.ts';

const fileName = 'journal.db';

/** Opens or makes `journal.db` in the folder. Throws JournalFailure. */
export function openSqliteJournal(stateDir: string): Journal {
  return asJournalFailure(stateDir, () => {
    const rows = openRows(stateDir);
    const commits = new Commits(rows);
    const said = { count: 0 };
    return {
      ...executionsIn(rows, commits, said),
      ...keptIn(rows, commits),
      ...outcomesIn(rows, commits),
      ...eventsIn(rows),
      ...inboxIn(rows, said),
      ...waitsIn(rows),
      ...locksIn(rows),
      ...machinesIn(rows, commits),
      close: () => {
        commits.finish();
        rows.close();
      },
    };
  });
}

/** The last event of each root, at once: for a store beside it that begins now. None where there is no journal yet. */
export function lastSeqsIn(stateDir: string): ReadonlyMap<string, number> {
  if (!existsSync(join(stateDir, fileName))) return new Map();
  return asJournalFailure(stateDir, () => {
    const rows = openRows(stateDir);
    try {
      return lastSeqs(rows);
    } finally {
      rows.close();
    }
  });
}

function openRows(stateDir: string): Statements {
  const database = openDatabase(stateDir, fileName);
  migrate(database, stateDir);
  return new Statements(database, stateDir);
}
