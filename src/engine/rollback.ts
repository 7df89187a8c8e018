/**
 * Rollback: undoes every step that began, last first, in a scope that no cancel reaches, with its own budget of time.
 * It goes on when one undo fails, because every step that comes back is one less to put right by hand.
 */
import type { Json } from '../json.ts';
import { forward, type Execution, type Mode, type StepRecord } from './execution.ts';
import { observeTimeoutMs } from './limits.ts';
import { isOfEarlierVersion } from './earlier-rollback.ts';
import { hasTouched, isClean, Judgement, needsUndo, withRestorePointsLast } from './restore-points.ts';
import type { RollbackStatus } from './statuses.ts';
import { tokenOf, workOf } from './steps/attempts.ts';
import type { RollbackRequest } from './types.ts';
import { RollbackGates } from './rollback-gates.ts';
import { unmetNeed } from './undo-needs.ts';
import { notUndone, undoStep } from './undo-step.ts';

/** Steps whose undo is still owed, last first. */
export function owed(execution: Execution, only?: string): StepRecord[] {
  const records = execution.began
    .filter((record) => needsUndo(record) && record.undo !== 'undone' && record.undo !== 'nothingToDo')
    .filter((record) => only === undefined || record.path === only)
    .toReversed();
  // What by its author's word needs nothing is told beside other undos, and is no rollback by itself.
  return records.every(({ step }) => step.undo.kind === 'none') ? [] : records;
}

export async function rollback(execution: Execution, pass: number, request: RollbackRequest): Promise<void> {
  const isEarlier = isOfEarlierVersion(execution, request);
  const owing = owed(execution, request.step);
  if (owing.length === 0) return;
  const records = isEarlier ? owing : withRestorePointsLast(execution, owing);
  const idPrefix = `rollback${pass}/`;
  const judgement = isEarlier ? null : new Judgement();
  const mode = { ...(await rollbackMode(execution, idPrefix)), judgement };
  if (pass > 0 && !request.force && (await refusedForDrift(execution, records, pass, mode))) return;
  const budgetSeconds = execution.program.document.rollback.timeoutSeconds;
  await execution.emit({
    type: 'RollbackStarted',
    pass,
    steps: records.map(({ path }) => path),
    budgetSeconds,
  });
  const gates = new RollbackGates(execution, mode);
  for (const record of records) {
    await execution.emit({ type: 'UndoStarted', step: record.path, action: record.step.action });
    const closed = (await gates.entering(record)) ?? unmetNeed(execution, record);
    const ending = closed === null ? await undoStep(execution, record, mode) : notUndone(closed);
    record.undo = ending.result;
    if (ending.result !== 'nothingToDo' && ending.result !== 'kept') judgement?.forget();
    await execution.emit({ type: 'UndoEnded', step: record.path, ...ending });
  }
  await observeLeft(execution, `${idPrefix}left/`, mode);
  await execution.emit({ type: 'RollbackEnded', pass, status: rollbackStatus(execution) });
}

async function rollbackMode(execution: Execution, idPrefix: string): Promise<Mode> {
  const startedAt = await execution.now(`${idPrefix}start`);
  const budgetMs = execution.program.document.rollback.timeoutSeconds * 1000;
  return { ...forward, idPrefix, ignoreCancel: true, deadline: execution.deadline(startedAt, budgetMs) };
}

/** The rollback as a whole, from the latest word on every step's undo. */
export function rollbackStatus(execution: Execution): RollbackStatus {
  const results = execution.began.filter(needsUndo).map(({ undo }) => undo);
  const tried = results.filter((result) => result !== null);
  if (tried.length === 0) return 'notRequested';
  if (results.every(isClean)) return 'clean';
  return tried.includes('undone') ? 'partial' : tried.includes('failed') ? 'failed' : 'partial';
}

/** Journals the state that the flow leaves behind, so that a later rollback can tell whether somebody changed it since. */
export async function observeLeft(execution: Execution, idPrefix: string, mode: Mode): Promise<void> {
  for (const record of execution.began) {
    if (!record.descriptor.observes || !hasTouched(record) || record.undo === 'undone') continue;
    record.left = await observe(execution, record, `${idPrefix}${record.path}`, mode);
  }
}

/** Undefined: it could not be read. */
async function observe(
  execution: Execution,
  record: StepRecord,
  id: string,
  mode: Mode,
): Promise<Json | undefined> {
  const outcome = await execution.activity({
    id: `${id}:observe`,
    kind: 'observe',
    input: workOf(record),
    step: record.path,
    token: tokenOf(execution, mode, record.path, 0),
    timeoutMs: observeTimeoutMs,
    onLost: 'rerun',
    ignoreCancel: true,
  });
  return outcome.status === 'ok' ? outcome.value : undefined;
}

async function refusedForDrift(
  execution: Execution,
  records: readonly StepRecord[],
  pass: number,
  mode: Mode,
): Promise<boolean> {
  const drift: { step: string; left: Json; found: Json }[] = [];
  for (const record of records) {
    if (record.left === undefined) continue;
    const found = await observe(execution, record, `${mode.idPrefix}drift/${record.path}`, mode);
    if (found === undefined || isEqual(found, record.left)) continue;
    drift.push({ step: record.path, left: record.left, found });
  }
  if (drift.length === 0) return false;
  await execution.emit({ type: 'RollbackRefused', pass, drift });
  return true;
}

/** Deep equality of JSON, whatever the order of keys. */
export function isEqual(left: Json, right: Json): boolean {
  return canonical(left) === canonical(right);
}

function canonical(value: Json): string {
  return JSON.stringify(value, (_key, member: Json) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([left], [right]) => (left < right ? -1 : 1)))
      : member,
  );
}
