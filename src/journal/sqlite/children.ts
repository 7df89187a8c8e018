/** Rows of children, below those of the executions that started them. */
import { createHash } from 'node:crypto';
import type { RollbackRequest } from '../../engine/index.ts';
import type { ChildPlace, NewChild } from '../journal.ts';
import { text, type Statements } from '../statements.ts';

type Row = Readonly<Record<string, unknown>>;

/** Once: the same call starts the same child. To be called within a transaction. */
export function insertChild(rows: Statements, execution: NewChild): void {
  const { id, runbook, file, program, input, settings, createdAt, child } = execution;
  const stored = JSON.stringify(program);
  const sha256 = createHash('sha256').update(stored).digest('hex');
  rows.run(`INSERT OR IGNORE INTO programs (sha256, program) VALUES (?, ?)`, [sha256, stored]);
  rows.run(
    `INSERT OR IGNORE INTO executions (id, runbook, file, program, sha256, input, settings, created_at, kept_on_known,
       root, parent, call, step, target) VALUES (?, ?, ?, '', ?, ?, ?, ?, 1, ?, ?, ?, ?, ?)`,
    [
      id,
      runbook,
      file,
      sha256,
      JSON.stringify(input),
      JSON.stringify(settings),
      createdAt,
      child.root,
      child.parent,
      child.call,
      child.step,
      child.target,
    ],
  );
}

/** Once for each call. */
export function insertRollbackRequest(rows: Statements, id: string, request: RollbackRequest): void {
  rows.run(
    `UPDATE executions SET input = json_insert(input, '$.rollbackRequests[#]', json(?)) WHERE id = ?
       AND NOT EXISTS (SELECT 1 FROM json_each(input, '$.rollbackRequests') WHERE value ->> '$.call' = ?)`,
    [JSON.stringify(request), id, request.call ?? null],
  );
}

/** The text of the row's program. */
export function programOf(rows: Statements, row: Row): string {
  if (row['root'] === null) return text(row['program']);
  return text(rows.get(`SELECT program FROM programs WHERE sha256 = ?`, [text(row['sha256'])])?.['program']);
}

export function childOf(row: Row): ChildPlace | null {
  if (typeof row['root'] !== 'string') return null;
  return {
    root: row['root'],
    parent: text(row['parent']),
    call: text(row['call']),
    step: text(row['step']),
    target: row['target'] === null ? null : text(row['target']),
  };
}

/** Below the root, with the calls that run them under way. */
export function openBelow(rows: Statements, root: string): string[] {
  return rows
    .all(
      `SELECT child.id AS id FROM executions AS child JOIN activities AS call ON call.execution = child.parent
         AND call.outcome IS NULL AND call.id = coalesce(
           CASE WHEN json_valid(child.input) THEN child.input ->> '$.rollbackRequests[#-1].call' END, child.call)
       WHERE child.root = ? ORDER BY child.rowid`,
      [root],
    )
    .map((row) => text(row['id']));
}

/** When a call last began or ended, of the execution or of those that are open below it; 0: none did. In ms since 1970. */
export function lastCallAt(rows: Statements, id: string): number {
  const own = rows.get(
    `SELECT max(coalesce(json_extract(outcome, '$.endedAt'), started_at)) AS at FROM activities WHERE execution = ?`,
    [id],
  );
  // What happened below an open call of its own happened while somebody ran it.
  const below = rows
    .all(
      `SELECT child.id AS id FROM executions AS child JOIN activities AS call ON call.execution = child.parent
         AND call.id = coalesce(child.input ->> '$.rollbackRequests[#-1].call', child.call) AND call.outcome IS NULL
       WHERE child.parent = ?`,
      [id],
    )
    .map((row) => lastCallAt(rows, text(row['id'])));
  return Math.max(Number(own?.['at'] ?? 0), ...below);
}
