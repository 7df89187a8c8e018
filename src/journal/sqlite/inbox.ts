/** What other processes say to executions. */
import type { Json } from '../../json.ts';
import type { Inbox } from '../journal.ts';
import { readingExecution } from '../failure.ts';
import { text, type Statements } from '../statements.ts';

/** Counts what this process said: its own writes do not change what SQLite tells it of others'. */
export interface Said {
  count: number;
}

export function inboxIn(rows: Statements, said: Said): Inbox {
  return {
    signal: async (id, name, value, dedupe, at, by = null) => {
      const { changes } = rows.run(
        `INSERT OR IGNORE INTO inbox (execution, name, value, dedupe, at, said_by) VALUES (?, ?, ?, ?, ?, ?)`,
        [id, name, JSON.stringify(value), dedupe, at, by],
      );
      said.count += 1;
      return changes === 1;
    },
    untaken: async (id) =>
      rows
        .all(
          `SELECT id, name, at, value, said_by FROM inbox WHERE execution = ? AND taken_by IS NULL ORDER BY id`,
          [id],
        )
        .map((row) => ({
          id: Number(row['id']),
          name: text(row['name']),
          at: Number(row['at']),
          value: valueOf(id, row['value']),
          by: row['said_by'] === null ? null : text(row['said_by']),
        })),
    peek: async (id, name) => {
      const row = rows.get(
        `SELECT id, at, value FROM inbox WHERE execution = ? AND name = ? AND taken_by IS NULL ORDER BY id LIMIT 1`,
        [id, name],
      );
      if (row === undefined) return undefined;
      return {
        id: Number(row['id']),
        at: Number(row['at']),
        value: valueOf(id, row['value']),
      };
    },
    requestCancel: async (id) => {
      rows.run(`UPDATE executions SET cancel_requested = 1 WHERE id = ?`, [id]);
      said.count += 1;
    },
    isCancelRequested: async (id) =>
      rows.get(`SELECT cancel_requested FROM executions WHERE id = ?`, [id])?.['cancel_requested'] === 1,
    version: async () => Number(rows.get(`PRAGMA data_version`, [])?.['data_version'] ?? 0) + said.count,
    mark: async (root) => {
      // Ids of those below begin with the root's and a dot, and a slash follows the dot.
      const row = rows.get(
        `SELECT (SELECT max(id) FROM inbox WHERE execution >= ?1 AND execution < ?1 || '/') AS entry,
           (SELECT cancel_requested FROM executions WHERE id = ?1) AS cancelled`,
        [root],
      );
      return JSON.stringify([row?.['entry'] ?? 0, row?.['cancelled'] ?? 0]);
    },
  };
}

/** Throws DamagedExecution. */
function valueOf(id: string, column: unknown): Json {
  return readingExecution(id, () => JSON.parse(text(column)) as Json);
}
