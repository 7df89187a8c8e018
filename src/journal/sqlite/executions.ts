/** Executions, root or child, and what people have said of them as a whole. */
import { readingExecution } from '../failure.ts';
import type { Executions } from '../journal.ts';
import { readInput, readProgram } from '../column-shapes.ts';
import { parsed } from '../shape.ts';
import { text, type Statements } from '../statements.ts';
import { openBelow, programOf } from './children.ts';
import type { Commits } from './commits.ts';
import type { Said } from './inbox.ts';
import { headOf, listed, listedBelow, listedRow } from './list.ts';
import { replaceWaits } from './waits.ts';

/** Of each execution; the last is its own row. */
const tables = ['kept_on', 'machines', 'locks', 'inbox', 'waits', 'events', 'activities'];

export function executionsIn(rows: Statements, commits: Commits, said: Said): Executions {
  const ids = (sql: string, ...values: readonly string[]): string[] =>
    rows.all(sql, values).map((row) => text(row['id']));
  const idsBelow = (root: string): string[] =>
    ids(`SELECT id FROM executions WHERE root = ? ORDER BY rowid`, root);
  return {
    create: async ({ id, runbook, file, program, sha256, input, settings, createdAt }) => {
      const { changes } = rows.run(
        `INSERT OR IGNORE INTO executions (id, runbook, file, program, sha256, input, settings, created_at, kept_on_known) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)`,
        [
          id,
          runbook,
          file,
          JSON.stringify(program),
          sha256,
          JSON.stringify(input),
          JSON.stringify(settings),
          createdAt,
        ],
      );
      return changes === 1;
    },
    execution: async (id) =>
      readingExecution(id, () => {
        const row = rows.get(`SELECT * FROM executions WHERE id = ?`, [id]);
        if (row === undefined) return undefined;
        return {
          ...headOf(row),
          program: parsed(readProgram, 'program', programOf(rows, row)),
          sha256: text(row['sha256']),
          input: parsed(readInput, 'input', row['input']),
        };
      }),
    executionIds: async () =>
      ids(`SELECT id FROM executions WHERE root IS NULL ORDER BY created_at DESC, id DESC`),
    childIds: async (id) => ids(`SELECT id FROM executions WHERE parent = ? ORDER BY rowid`, id),
    idsBelow: async (root) => idsBelow(root),
    openBelow: async (root) => openBelow(rows, root),
    count: async () =>
      Number(rows.get(`SELECT count(*) AS count FROM executions WHERE root IS NULL`, [])?.['count'] ?? 0),
    listed: async (countMax) => listed(rows, countMax),
    listedBelow: async (root) => listedBelow(rows, root),
    listedRow: async (id) => listedRow(rows, id),
    setRunner: async (id, runner) => {
      const value = runner === null ? null : JSON.stringify(runner);
      rows.transaction(() => {
        rows.run(`UPDATE executions SET runner = ?, left_to = NULL WHERE id = ?`, [value, id]);
        replaceWaits(rows, id, []);
      });
    },
    leave: async (id, summary, { waits, to } = { waits: [], to: null }) => {
      const value = JSON.stringify(summary);
      await commits.write(() => {
        rows.run(`UPDATE executions SET runner = NULL, left_to = ?, summary = ? WHERE id = ?`, [
          to,
          value,
          id,
        ]);
        replaceWaits(rows, id, waits);
      });
      said.count += 1;
    },
    addRollbackRequest: async (id, request) =>
      readingExecution(id, () => {
        rows.run(
          `UPDATE executions SET input = json_insert(input, '$.rollbackRequests[#]', json(?)) WHERE id = ?`,
          [JSON.stringify(request), id],
        );
      }),
    setClosing: async (id, closing) => {
      const value = JSON.stringify(closing);
      const { changes } = rows.run(`UPDATE executions SET closing = ? WHERE id = ? AND closing IS NULL`, [
        value,
        id,
      ]);
      return changes === 1;
    },
    remove: async (id) =>
      rows.transaction(() => {
        const below = idsBelow(id);
        for (const each of [...below, id]) {
          for (const table of tables) rows.run(`DELETE FROM ${table} WHERE execution = ?`, [each]);
          rows.run(`DELETE FROM executions WHERE id = ?`, [each]);
        }
        if (below.length === 0) return;
        const isUsed = `SELECT 1 FROM executions WHERE executions.sha256 = programs.sha256 AND root IS NOT NULL`;
        rows.run(`DELETE FROM programs WHERE NOT EXISTS (${isUsed})`, []);
      }),
  };
}
