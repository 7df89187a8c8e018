/** Who holds what, among the executions of one state folder. */
import type { LockRow, Locks, NewLock } from '../journal.ts';
import { lockOf } from './rows.ts';
import { text, type Statements } from '../statements.ts';

/** The time as a real number: Node refuses the whole answer for one integer that is too large for it. */
const columns = 'scope, name, execution, asked, CAST(since AS REAL) AS since, host, entry, confirmed';

export function locksIn(rows: Statements): Locks {
  return {
    folderId: async () => text(rows.get(`SELECT id FROM folder`, [])?.['id']),
    takeLocks: async (scope, locks, executionId, at, over) =>
      takeLocks(rows, { scope, locks, executionId, at, over }),
    locks: async (executionId) => {
      const found =
        executionId === undefined
          ? rows.all(`SELECT ${columns} FROM locks ORDER BY scope, name`, [])
          : rows.all(`SELECT ${columns} FROM locks WHERE execution = ? ORDER BY scope, name`, [executionId]);
      return found.map(lockOf);
    },
    markLock: async ({ scope, name, executionId }, hasEntry) => {
      const values = [hasEntry ? 1 : 0, scope, name, executionId];
      rows.run(`UPDATE locks SET entry = ? WHERE scope = ? AND name = ? AND execution = ?`, values);
    },
    confirmLocks: async (executionId) => {
      rows.run(`UPDATE locks SET confirmed = 1 WHERE execution = ?`, [executionId]);
    },
    dropLocks: async (locks) =>
      rows.transaction(() => {
        for (const { scope, name, executionId } of locks) {
          const values = [scope, name, executionId];
          rows.run(`DELETE FROM locks WHERE scope = ? AND name = ? AND execution = ?`, values);
        }
      }),
  };
}

/** All of the locks or none: then the row that is in the way. */
function takeLocks(
  rows: Statements,
  asked: {
    readonly scope: string;
    readonly locks: readonly NewLock[];
    readonly executionId: string;
    readonly at: number;
    readonly over: readonly string[];
  },
): LockRow | undefined {
  const { scope, locks, executionId, at, over } = asked;
  let inTheWay: LockRow | undefined;
  rows.transaction(() => {
    const held = locks.flatMap(({ name }) => {
      const row = rows.get(`SELECT ${columns} FROM locks WHERE scope = ? AND name = ?`, [scope, name]);
      return row === undefined ? [] : [lockOf(row)];
    });
    inTheWay = held.find((row) => row.executionId !== executionId && !over.includes(row.executionId));
    if (inTheWay !== undefined) return;
    for (const { name, asked, host } of locks) {
      rows.run(
        `INSERT INTO locks (scope, name, execution, asked, since, host, entry) VALUES (?, ?, ?, ?, ?, ?, 0)
         ON CONFLICT (scope, name) DO UPDATE SET execution = excluded.execution, asked = excluded.asked,
           since = excluded.since, host = excluded.host, entry = 0, confirmed = 0
         WHERE execution <> excluded.execution`,
        [scope, name, executionId, asked, at, host],
      );
    }
  });
  return inTheWay;
}
