/** What executions wait for that nobody runs meanwhile. */
import type { LeftWait, Waits } from '../journal.ts';
import { text, type Statements } from '../statements.ts';

export function waitsIn(rows: Statements): Waits {
  return {
    isLeft: async (root) => rows.get(`SELECT 1 FROM waits WHERE root = ? LIMIT 1`, [root]) !== undefined,
    woken: async (now) =>
      rows
        .all(
          `SELECT id, left_to FROM executions WHERE runner IS NULL AND closing IS NULL AND forgotten_at IS NULL AND id IN (
             SELECT root FROM waits WHERE until <= ?
             UNION SELECT waits.root FROM inbox JOIN waits ON waits.execution = inbox.execution AND waits.name = inbox.name
               WHERE inbox.taken_by IS NULL
             UNION SELECT waits.root FROM executions AS cancelled JOIN waits ON waits.root = cancelled.id
               WHERE cancelled.cancel_requested = 1)
           ORDER BY created_at, id`,
          [now],
        )
        .map((row) => ({ id: text(row['id']), leftTo: row['left_to'] === 'daemon' ? 'daemon' : null })),
    nextWakeAt: async (now) => {
      const until = rows.get(`SELECT min(until) AS until FROM waits WHERE until > ?`, [now])?.['until'];
      return typeof until === 'number' ? until : null;
    },
  };
}

/** In the place of what it waited for before. To be called within a transaction. */
export function replaceWaits(rows: Statements, root: string, waits: readonly LeftWait[]): void {
  rows.run(`DELETE FROM waits WHERE root = ?`, [root]);
  for (const { execution, name, until } of waits)
    rows.run(`INSERT INTO waits (root, execution, name, until) VALUES (?, ?, ?, ?)`, [
      root,
      execution,
      name,
      until,
    ]);
}
