/**
 * Rollback: undoes every step that began, last first, in a scope that no cancel reaches, with its own budget of time.
 * It goes on when one undo fails, because every step that comes back is one less to put right by hand.
 */
import { StartingAgain } from './again.ts';
import { changedSince, driftText, refusedForDrift } from './drift.ts';
import { isOfEarlierVersion } from './earlier-rollback.ts';
import type { Execution } from './execution.ts';
import { deadlineAfter, type Frame } from './frame.ts';
import { observeLeft } from './left.ts';
import { UnmetNeeds } from './undo-needs.ts';
import { turnOf, type StepRecord, type TurnScope } from './records.ts';
import { rollbackState, withRestorePointsLast } from './restore-points.ts';
import { RollbackGates } from './rollback-gates.ts';
import type { RollbackStatus, UndoResult } from './statuses.ts';
import { Traces } from './traces.ts';
import type { RollbackRequest } from './types.ts';
import { isClean, needsUndo, removalOf } from './needs-undo.ts';
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

/** `start`: the frame of the main steps. */
export async function rollback(start: Frame, pass: number, request: RollbackRequest): Promise<void> {
  const { execution } = start;
  const isEarlier = isOfEarlierVersion(execution, request);
  const owing = owed(execution, request.step);
  if (owing.length === 0) return;
  const records = isEarlier ? owing : inOrder(execution, owing);
  const idPrefix = `rollback${pass}/`;
  const startedAt = await start.with({ idPrefix }).now(`${idPrefix}start`);
  const budgetSeconds = execution.program.document.rollback.timeoutSeconds;
  const frame = start.with({
    idPrefix,
    ignoreCancel: true,
    deadline: deadlineAfter(execution, startedAt, budgetSeconds * 1000),
    rollback: isEarlier ? null : rollbackState(execution),
  });
  const traces = new Traces(execution.began);
  if (pass > 0 && !request.force && (await refusedForDrift(frame, traces, records, pass))) return;
  const steps = records.map(({ path }) => path);
  await frame.emit({ type: 'RollbackStarted', pass, steps, budgetSeconds });
  const gates = new RollbackGates(frame);
  const needs = new UnmetNeeds(execution.began);
  const starting =
    request.step === undefined
      ? new StartingAgain(frame, records, (record, result) => keep(frame, record, result))
      : null;
  for (const record of records) {
    await frame.emit({ type: 'UndoStarted', step: record.path, action: record.step.action });
    const closed = (await gates.entering(record)) ?? needs.of(record);
    const ending = closed === null ? await undone(frame, traces, record, pass) : notUndone(closed);
    keep(frame, record, ending.result);
    needs.tried(record);
    await frame.emit({ type: 'UndoEnded', step: record.path, ...ending });
    await starting?.undone(record, ending);
  }
  await observeLeft(frame, `${idPrefix}left/`);
  await frame.emit({ type: 'RollbackEnded', pass, status: rollbackStatus(execution) });
}

/** Of a turn's steps, what may remove restore points goes last of the turn, before the next target is touched. */
function inOrder({ program }: Execution, records: readonly StepRecord[]): readonly StepRecord[] {
  const byTurn = Map.groupBy(records, turnOf);
  const lastOf = new Map<TurnScope | null, StepRecord>(records.map((record) => [turnOf(record), record]));
  const removersLast = new Map(
    [...byTurn].map(([turn, own]) => {
      const ordered = withRestorePointsLast(program, own);
      const others = own.filter((record) => removalOf(program, record) === null);
      return [turn, ordered.slice(others.length)] as const;
    }),
  );
  const ordered = records.flatMap((record) => {
    const turn = turnOf(record);
    const isLastOfTurn = turn !== null && lastOf.get(turn) === record;
    return [
      ...(removalOf(program, record) === null ? [record] : []),
      ...(isLastOfTurn ? (removersLast.get(turn) ?? []) : []),
    ];
  });
  return [...ordered, ...(removersLast.get(null) ?? [])];
}

/** A rollback that starts by itself has asked nobody: what somebody else has changed since is left alone. */
async function undone(frame: Frame, traces: Traces, record: StepRecord, pass: number): Promise<UndoEnding> {
  const drift = pass === 0 ? await changedSince(frame, traces, record) : null;
  return drift === null ? undoStep(frame, record) : leftAlone(driftText(drift));
}

function keep({ rollback: state }: Frame, record: StepRecord, result: UndoResult): void {
  record.undo = result;
  const turn = turnOf(record);
  if (turn !== null) {
    turn.isTouched = true;
    turn.failedUndos.delete(record);
    if (result === 'failed') turn.failedUndos.add(record);
  }
  state?.owed.tried(record);
  if (result !== 'nothingToDo' && result !== 'kept') state?.judgement.forget();
}

/** The rollback as a whole, from the latest word on every step's undo. */
export function rollbackStatus(execution: Execution): RollbackStatus {
  const results = execution.began.filter(needsUndo).map(({ undo }) => undo);
  const tried = results.filter((result) => result !== null);
  if (tried.length === 0) return 'notRequested';
  if (results.every(isClean)) return 'clean';
  return tried.includes('undone') ? 'partial' : tried.includes('failed') ? 'failed' : 'partial';
}
