/** Rows of executions without what is large about them, so that ten thousand are read in one go. */
import { DamagedExecution } from '../errors.ts';
import { readingExecution } from '../failure.ts';
import type { ExecutionRow, ListedRow, Summary } from '../journal.ts';
import { readClosing, readRunner, readSettings, readSummary } from '../column-shapes.ts';
import { instantOf, parsed } from '../shape.ts';
import { childOf } from './children.ts';
import { text, type Statements } from '../statements.ts';

type Row = Readonly<Record<string, unknown>>;

/** As real numbers: Node refuses the whole answer for one integer that is too large for it. */
const columns = `id, root, parent, call, step, target, runbook, file, settings, CAST(created_at AS REAL) AS created_at,
  cancel_requested = 1 AS cancel_requested, runner, left_to, closing, CAST(forgotten_at AS REAL) AS forgotten_at, summary,
  CASE WHEN json_valid(input) THEN json_array_length(input, '$.rollbackRequests') END AS requests,
  (SELECT CAST(max(seq) AS REAL) FROM events WHERE execution = executions.id) AS seq`;

/** Roots, the newest first. */
export function listed(rows: Statements, countMax: number | null): (ListedRow | DamagedExecution)[] {
  const order = 'ORDER BY executions.created_at DESC, id DESC LIMIT ?';
  return rows
    .all(`SELECT ${columns} FROM executions WHERE root IS NULL ${order}`, [countMax ?? -1])
    .map(listedOrDamaged);
}

export function listedBelow(rows: Statements, root: string): (ListedRow | DamagedExecution)[] {
  return rows
    .all(`SELECT ${columns} FROM executions WHERE root = ? ORDER BY rowid`, [root])
    .map(listedOrDamaged);
}

/** Of a root or a child. Throws DamagedExecution. */
export function listedRow(rows: Statements, id: string): ListedRow | undefined {
  return readingExecution(id, () => {
    const row = rows.get(`SELECT ${columns} FROM executions WHERE id = ?`, [id]);
    return row === undefined ? undefined : listedOf(row);
  });
}

function listedOrDamaged(row: Row): ListedRow | DamagedExecution {
  try {
    return readingExecution(text(row['id']), () => listedOf(row));
  } catch (error) {
    if (error instanceof DamagedExecution) return error;
    throw error;
  }
}

function listedOf(row: Row): ListedRow {
  const { requests } = row;
  if (typeof requests !== 'number') throw new SyntaxError('input has no list of rollbackRequests');
  return { ...headOf(row), rollbackRequests: requests, summary: summaryOf(row) };
}

/** Of every root, the newest first. */
export function lastSeqs(rows: Statements): ReadonlyMap<string, number> {
  const found = rows.all(
    `SELECT id, (SELECT CAST(max(seq) AS REAL) FROM events WHERE execution = executions.id) AS seq
     FROM executions WHERE root IS NULL ORDER BY created_at DESC, id DESC`,
    [],
  );
  return new Map(found.map((row) => [text(row['id']), Number(row['seq'] ?? 0)]));
}

/** What every reader of an execution's row gets. Throws SyntaxError for a column that is not as it was written. */
export function headOf(row: Row): Omit<ExecutionRow, 'program' | 'input' | 'sha256'> {
  return {
    id: text(row['id']),
    runbook: text(row['runbook']),
    file: text(row['file']),
    settings: parsed(readSettings, 'settings', row['settings']),
    createdAt: instantOf('created_at', row['created_at']),
    cancelRequested: row['cancel_requested'] === 1,
    leftTo: row['left_to'] === 'daemon' ? 'daemon' : null,
    runner: row['runner'] === null ? null : parsed(readRunner, 'runner', row['runner']),
    closing: row['closing'] === null ? null : parsed(readClosing, 'closing', row['closing']),
    forgottenAt: row['forgotten_at'] === null ? null : instantOf('forgotten_at', row['forgotten_at']),
    child: childOf(row),
  };
}

/** Null: a runner that came since, or an event, has made it out of date; or another version says it otherwise. The events tell then. */
function summaryOf(row: Row): Summary | null {
  if (typeof row['summary'] !== 'string' || row['runner'] !== null) return null;
  try {
    const summary = parsed(readSummary, 'summary', row['summary']);
    return summary.seq === Number(row['seq'] ?? 0) ? summary : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
