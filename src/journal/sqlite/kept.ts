/** On which hosts something is kept for the undo of an execution. */
import type { Kept } from '../journal.ts';
import { text, type Statements } from '../statements.ts';
import type { Commits } from './commits.ts';

export function keptIn(rows: Statements, commits: Commits): Kept {
  const addKeptOn = (id: string, host: string): void => {
    rows.run(`INSERT OR IGNORE INTO kept_on (execution, host) VALUES (?, ?)`, [id, host]);
  };
  return {
    addKeptOn: (id, host) => commits.write(() => addKeptOn(id, host)),
    keptOn: async (id) => {
      const row = rows.get(`SELECT kept_on_known FROM executions WHERE id = ?`, [id]);
      if (row?.['kept_on_known'] !== 1) return null;
      return rows
        .all(`SELECT host FROM kept_on WHERE execution = ? ORDER BY host`, [id])
        .map(({ host }) => text(host));
    },
    beginForgetting: async (id, at, hosts) =>
      rows.transaction(() => {
        rows.run(
          `UPDATE executions SET forgotten_at = coalesce(forgotten_at, ?), kept_on_known = 1 WHERE id = ?`,
          [at, id],
        );
        for (const host of hosts) addKeptOn(id, host);
      }),
    dropKeptOn: async (id, host) => {
      rows.run(`DELETE FROM kept_on WHERE execution = ? AND host = ?`, [id, host]);
    },
  };
}
