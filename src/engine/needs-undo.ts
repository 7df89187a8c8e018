/** What of an execution needs undoing, and how the undo of a step may remove a restore point. */
import type { StepRecord } from './records.ts';
import type { UndoResult } from './statuses.ts';
import type { Program } from './types.ts';

export const isClean = (result: UndoResult | null): boolean =>
  result === 'undone' || result === 'nothingToDo' || result === 'kept';

/** Whether the step may have changed the world. */
export function hasTouched(record: StepRecord): boolean {
  if (record.onHosts !== undefined) return record.onHosts.some(hasTouched);
  return record.attempts.length > 0;
}

/**
 * Whether undoing the step needs anything at all. What cannot be taken back and leaves the world as it was, an alert
 * that was sent or a datum that was counted, needs nothing: a run that only spoke has nothing to roll back.
 */
export function needsUndo(record: StepRecord): boolean {
  if (record.onHosts !== undefined) return record.onHosts.some(needsUndo);
  if (record.step.undo.kind === 'steps' && record.descriptor.effect === 'read')
    return record.status === 'Success';
  if (record.step.undo.kind === 'steps') return hasTouched(record);
  const { undo } = record.descriptor;
  const isNoChange = undo.kind === 'notNeeded' || (undo.kind === 'none' && !undo.leavesChange);
  return hasTouched(record) && !isNoChange;
}

/** By its author's list, by what its action knows, or not at all. */
export function removalOf(
  { descriptors }: Program,
  { step, planPath, descriptor }: StepRecord,
): 'list' | 'action' | null {
  if (step.undo.kind === 'auto') return descriptor.undo.kind === 'restorePoint' ? 'action' : null;
  if (step.undo.kind === 'none') return null;
  const removes = step.undo.steps.some(
    ({ name }) => (descriptors[`${planPath}/undo/${name}`]?.removesRestorePoints ?? null) !== null,
  );
  return removes ? 'list' : null;
}
