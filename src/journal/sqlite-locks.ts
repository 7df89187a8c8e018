/** Who holds what, among the executions of one state folder. */
import type { LockRow, NewLock } from './journal.ts';
import { lockOf } from './rows.ts';
import type { Statements } from './statements.ts';

/** All of the locks or none: then the row that is in the way. */
export function takeLocks(
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
      const row = rows.get(`SELECT * FROM locks WHERE scope = ? AND name = ?`, [scope, name]);
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
