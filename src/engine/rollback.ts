/**
 * Rollback: undoes every step that began, last first, in a scope that no cancel reaches, with its own budget of time.
 * It goes on when one undo fails, because every step that comes back is one less to put right by hand.
 */
import { StartingAgain } from './again.ts';
import { climbDown, type Descent, type Undo, type Undoing } from './climb-down.ts';
import { changedNothing, changedSince, refusedForDrift } from './drift.ts';
import { driftText } from './drift-text.ts';
import { isOfEarlierVersion } from './earlier-rollback.ts';
import type { Execution } from './execution.ts';
import type { Failure } from './failure.ts';
import { deadlineAfter, type Frame } from './frame.ts';
import { observeLeft } from './left.ts';
import { allActing } from './on-hosts.ts';
import { lookForOutdated, outdatedOf } from './outdated.ts';
import { UnmetNeeds } from './undo-needs.ts';
import { turnOf, type StepRecord } from './records.ts';
import { rollbackState, withRestorePointsLast } from './restore-points.ts';
import { RollbackGates } from './rollback-gates.ts';
import type { RollbackStatus, UndoResult } from './statuses.ts';
import { Traces } from './traces.ts';
import type { Program, RollbackRequest } from './types.ts';
import { isClean, needsUndo, removalOf } from './needs-undo.ts';
import { undoOnHosts } from './undo-on-hosts.ts';
import { leftAlone, nothingOfIt, notUndone, undoStep, type UndoEnding } from './undo-step.ts';
import { SecondLook } from './second-look.ts';
import { seen } from './seen-again.ts';

/** Steps whose undo is still owed, last first. */
export function owed(execution: Execution, only?: string): StepRecord[] {
  const records = execution.began
    .filter((record) => needsUndo(record) && record.undo !== 'undone' && record.undo !== 'nothingToDo')
    .filter((record) => only === undefined || record.path === only)
    .toReversed();
  // What by its author's word needs nothing is told beside other undos, and is not a rollback by itself.
  return records.every(({ step }) => step.undo.kind === 'none') ? [] : records;
}

/** `start`: the frame of the main steps. */
export async function rollback(start: Frame, pass: number, request: RollbackRequest): Promise<void> {
  const { execution } = start;
  const isEarlier = isOfEarlierVersion(execution, request);
  const owing = owed(execution, request.step);
  if (owing.length === 0) return;
  const parts = isEarlier ? owing : partsOf(execution, owing);
  const records = parts.flatMap((part) =>
    isDescents(part) ? part.flatMap(({ records: own }) => own) : [part],
  );
  const idPrefix = `rollback${pass}/`;
  const startedAt = await start.with({ idPrefix }).now(`${idPrefix}start`);
  const budgetSeconds = execution.program.document.rollback.timeoutSeconds;
  const frame = start.with({
    idPrefix,
    ignoreCancel: true,
    deadline: deadlineAfter(execution, startedAt, budgetSeconds * 1000),
    rollback: isEarlier ? null : rollbackState(execution, pass > 0 && request.force),
  });
  const traces = new Traces(execution.began);
  if (pass > 0 && !request.force && (await refusedForDrift(frame, traces, records, pass))) return;
  const steps = records.map(({ path }) => path);
  await frame.emit({ type: 'RollbackStarted', pass, steps, budgetSeconds });
  const needs = new UnmetNeeds(execution.began);
  const keepIn = (at: Frame, record: StepRecord, result: UndoResult): void =>
    keep([frame, at], record, result);
  const starting = request.step === undefined ? new StartingAgain(execution, records, keepIn) : null;
  const second = new SecondLook();
  const undo: Undo = async (at, record, { enter, leave }) => {
    await at.emit({ type: 'UndoStarted', step: record.path, action: record.step.action });
    const closed = (await enter()) ?? needs.of(record);
    const ending = closed === null ? await undone(at, traces, record, pass) : notBegun(record, closed);
    keepIn(at, record, ending.result);
    needs.tried(record);
    await at.emit({ type: 'UndoEnded', step: record.path, ...ending });
    second.undone(record, ending);
    await starting?.undone(at, record, ending);
    await leave();
  };
  // An earlier version asked the gates between the steps, one target after the other.
  const gates = new RollbackGates(frame);
  const leave = (): Promise<void> => Promise.resolve();
  for (const part of parts) {
    if (isDescents(part)) {
      const unmet = part[0] === undefined ? null : needs.of(part[0].turn.of);
      if (unmet === null) await climbDown(frame, part, undo);
      else
        for (const record of part.flatMap((each) => each.records)) await undo(frame, record, refusing(unmet));
      await starting?.passed(
        frame,
        part.flatMap(({ records: own }) => own),
      );
    } else {
      await undo(frame, part, { enter: () => gates.entering(part), leave });
      await starting?.passed(frame, [part]);
    }
  }
  await second.atTheEnd(frame, traces);
  await lookForOutdated(frame, idPrefix);
  await observeLeft(frame, `${idPrefix}left/`);
  await frame.emit({ type: 'RollbackEnded', pass, status: rollbackStatus(execution) });
}

/** What a whole rolling builds on was not undone: then no gate has to be asked. */
const refusing = (unmet: Failure): Undoing => ({
  enter: () => Promise.resolve(unmet),
  leave: () => Promise.resolve(),
});

/** A step of its own, or the targets of a rolling. */
type Part = StepRecord | readonly Descent[];

const isDescents = (part: Part): part is readonly Descent[] => Array.isArray(part);

/** What may remove restore points goes last: of a turn's steps at the end of the turn, of the others at the very end. */
function partsOf({ program }: Execution, records: readonly StepRecord[]): readonly Part[] {
  const isRemover = (record: StepRecord): boolean => removalOf(program, record) !== null;
  const main = records.filter((record) => turnOf(record) === null);
  const ofRolling = Map.groupBy(records, (record) => turnOf(record)?.of);
  const parts = records.flatMap((record): Part[] => {
    const of = turnOf(record)?.of;
    if (of === undefined) return isRemover(record) ? [] : [record];
    const own = ofRolling.get(of) ?? [];
    return own[0] === record ? [descentsOf(program, own)] : [];
  });
  return [...parts, ...withRestorePointsLast(program, main.filter(isRemover))];
}

function descentsOf(program: Program, records: readonly StepRecord[]): readonly Descent[] {
  return [...Map.groupBy(records, turnOf)].flatMap(([turn, own]) =>
    turn === null ? [] : [{ turn, records: withRestorePointsLast(program, own) }],
  );
}

/**
 * A rollback that starts by itself has asked nobody: what somebody else has changed since is left alone. Where the step had
 * changed nothing, there is nothing of it to take back, in any rollback.
 */
async function undone(frame: Frame, traces: Traces, record: StepRecord, pass: number): Promise<UndoEnding> {
  if (record.onHosts !== undefined)
    return undoOnHosts(frame, record, (lane, own) => undone(lane, traces, own, pass));
  const isOthers = changedNothing(traces, record);
  const drift = pass === 0 || isOthers ? await changedSince(frame, traces, record) : null;
  if (drift === null) return seen(frame, record, await undoStep(frame, record));
  return isOthers ? nothingOfIt() : leftAlone(driftText(drift));
}

/** On none of its hosts. */
function notBegun(record: StepRecord, why: Failure): UndoEnding {
  for (const own of record.onHosts ?? []) if (needsUndo(own) && !isClean(own.undo)) own.undo = 'failed';
  return notUndone(why);
}

/** `frames`: of the whole rollback, and of the part that it happened in. */
function keep(frames: readonly Frame[], record: StepRecord, result: UndoResult): void {
  record.undo = result;
  const turn = turnOf(record);
  if (turn !== null) {
    turn.isTouched = true;
    turn.failedUndos.delete(record);
    if (result === 'failed') turn.failedUndos.add(record);
  }
  for (const { rollback: state } of frames) {
    state?.owed.tried(record);
    if (result !== 'nothingToDo' && result !== 'kept') state?.judgement.forget();
  }
}

/** The rollback as a whole, from the latest word on every step's undo. */
export function rollbackStatus(execution: Execution): RollbackStatus {
  const results = allActing(execution.began)
    .filter(needsUndo)
    .map(({ undo }) => undo);
  const tried = results.filter((result) => result !== null);
  if (tried.length === 0) return 'notRequested';
  if (results.every(isClean)) return outdatedOf(execution).length === 0 ? 'clean' : 'partial';
  return tried.includes('undone') ? 'partial' : tried.includes('failed') ? 'failed' : 'partial';
}
