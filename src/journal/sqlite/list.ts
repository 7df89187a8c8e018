/** Rows of executions without what is large about them, so that ten thousand are read in one go. */
import type { Closing, ExecutionRow, ExecutionSettings, ListedRow, Runner, Summary } from '../journal.ts';
import { childOf } from './children.ts';
import { text, type Statements } from '../statements.ts';

type Row = Readonly<Record<string, unknown>>;

/** The newest first. */
export function listed(rows: Statements, countMax: number | null): ListedRow[] {
  const found = rows.all(
    `SELECT id, runbook, file, settings, created_at, cancel_requested, runner, closing, forgotten_at,
       summary, json_array_length(input, '$.rollbackRequests') AS requests,
       (SELECT max(seq) FROM events WHERE execution = executions.id) AS seq
     FROM executions WHERE root IS NULL ORDER BY created_at DESC, id DESC LIMIT ?`,
    [countMax ?? -1],
  );
  return rows.read(() =>
    found.map((row) => ({
      ...headOf(row),
      rollbackRequests: Number(row['requests'] ?? 0),
      summary: summaryOf(row),
    })),
  );
}

/** Of every root, the newest first. */
export function lastSeqs(rows: Statements): ReadonlyMap<string, number> {
  const found = rows.all(
    `SELECT id, (SELECT max(seq) FROM events WHERE execution = executions.id) AS seq
     FROM executions WHERE root IS NULL ORDER BY created_at DESC, id DESC`,
    [],
  );
  return new Map(found.map((row) => [text(row['id']), Number(row['seq'] ?? 0)]));
}

/** What every reader of an execution's row gets. */
export function headOf(row: Row): Omit<ExecutionRow, 'program' | 'input' | 'sha256'> {
  return {
    id: text(row['id']),
    runbook: text(row['runbook']),
    file: text(row['file']),
    settings: JSON.parse(text(row['settings'])) as ExecutionSettings,
    createdAt: Number(row['created_at']),
    cancelRequested: row['cancel_requested'] === 1,
    runner: typeof row['runner'] === 'string' ? (JSON.parse(row['runner']) as Runner) : null,
    closing: typeof row['closing'] === 'string' ? (JSON.parse(row['closing']) as Closing) : null,
    forgottenAt: row['forgotten_at'] === null ? null : Number(row['forgotten_at']),
    child: childOf(row),
  };
}

/** A runner that came since, or an event, has made it out of date. */
function summaryOf(row: Row): Summary | null {
  if (typeof row['summary'] !== 'string' || row['runner'] !== null) return null;
  const summary = JSON.parse(row['summary']) as Partial<Summary> | null;
  return summary?.seq === Number(row['seq'] ?? 0) ? (summary as Summary) : null;
}
