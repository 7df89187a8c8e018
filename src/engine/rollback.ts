/**
 * Rollback: undoes every step that began, last first, in a scope that no cancel reaches, with its own budget of time.
 * It goes on when one undo fails, because every step that comes back is one less to put right by hand.
 */
import { changedSince, driftOf, driftText, isEqual, observe, type Drift } from './drift.ts';
import type { Looked } from './events.ts';
import { forward, type Execution, type Mode, type StepRecord } from './execution.ts';
import { isOfEarlierVersion } from './earlier-rollback.ts';
import { hasTouched, isClean, Judgement, needsUndo, withRestorePointsLast } from './restore-points.ts';
import type { RollbackStatus } from './statuses.ts';
import type { RollbackRequest } from './types.ts';
import { RollbackGates } from './rollback-gates.ts';
import { unmetNeed } from './undo-needs.ts';
import { leftAlone, notUndone, undoStep, type UndoEnding } from './undo-step.ts';

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
    const ending = closed === null ? await undone(execution, record, pass, mode) : notUndone(closed);
    record.undo = ending.result;
    if (ending.result !== 'nothingToDo' && ending.result !== 'kept') judgement?.forget();
    await execution.emit({ type: 'UndoEnded', step: record.path, ...ending });
  }
  await observeLeft(execution, `${idPrefix}left/`, mode);
  await execution.emit({ type: 'RollbackEnded', pass, status: rollbackStatus(execution) });
}

/** A rollback that starts by itself has asked nobody: what somebody else has changed since is left alone. */
async function undone(
  execution: Execution,
  record: StepRecord,
  pass: number,
  mode: Mode,
): Promise<UndoEnding> {
  const drift = pass === 0 ? await changedSince(execution, record, mode) : null;
  return drift === null ? undoStep(execution, record, mode) : leftAlone(driftText(drift));
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

/**
 * Journals the state that the flow leaves behind, so that a later rollback can tell whether somebody changed it since, and
 * says where it is as it was before the step.
 */
export async function observeLeft(execution: Execution, idPrefix: string, mode: Mode): Promise<void> {
  const steps: { step: string; found: Looked }[] = [];
  for (const record of execution.began) {
    if (!record.descriptor.observes || !hasTouched(record) || record.undo === 'undone') continue;
    record.left = await observe(execution, record, `${idPrefix}${record.path}`, mode);
    steps.push({ step: record.path, found: lookedOf(record) });
  }
  if (steps.length > 0 && isAccountedFor(execution)) await execution.emit({ type: 'StateLooked', steps });
}

/** A journal of an earlier version has no place for this event: its numbers are those of the events that it wrote. */
const isAccountedFor = ({ program }: Execution): boolean => program.interpreter > 1;

function lookedOf({ left, before }: StepRecord): Looked {
  if (left === undefined) return 'unread';
  return isEqual(left, before) ? 'asBefore' : 'different';
}

async function refusedForDrift(
  execution: Execution,
  records: readonly StepRecord[],
  pass: number,
  mode: Mode,
): Promise<boolean> {
  const drift: Drift[] = [];
  for (const record of records) {
    if (record.left === undefined && record.after === undefined) continue;
    const found = await observe(execution, record, `${mode.idPrefix}drift/${record.path}`, mode);
    const drifted = driftOf(execution, record, found);
    if (drifted !== null) drift.push(drifted);
  }
  if (drift.length === 0) return false;
  await execution.emit({ type: 'RollbackRefused', pass, drift });
  return true;
}
