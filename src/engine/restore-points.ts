/**
 * When a restore point may be removed: only after every later undo ended clean, when none put it back into use, and,
 * in an undo list of the author's, with a verdict on the data (design.md section 2).
 */
import type { Reference } from '../document/index.ts';
import type { JsonObject } from '../json.ts';
import type { Execution, StepRecord } from './execution.ts';
import type { UndoResult } from './statuses.ts';

const cleanResults: readonly (UndoResult | null)[] = ['undone', 'nothingToDo', 'kept'];

/** Whether the step may have changed the world. */
export function hasTouched(record: StepRecord): boolean {
  return record.attempts.length > 0;
}

/**
 * Whether undoing the step needs anything at all. What cannot be taken back and leaves the world as it was, an alert
 * that was sent or a datum that was counted, needs nothing: a run that only spoke has nothing to roll back.
 */
export function needsUndo(record: StepRecord): boolean {
  if (record.step.undo.kind === 'steps' && record.descriptor.effect === 'read')
    return record.status === 'Success';
  if (record.step.undo.kind === 'steps') return hasTouched(record);
  const { undo } = record.descriptor;
  const isNoChange = undo.kind === 'notNeeded' || (undo.kind === 'none' && !undo.leavesChange);
  return hasTouched(record) && !isNoChange;
}

/** Why the restore points of `record` stay; null when they may go. */
export function reasonToKeep(execution: Execution, record: StepRecord): string | null {
  const later = execution.began.slice(execution.began.indexOf(record) + 1);
  const unclean = later.find((other) => needsUndo(other) && !cleanResults.includes(other.undo));
  if (unclean !== undefined) return `the undo of ${unclean.path} did not end clean`;
  if (record.used.length > 0) return `${record.used.join(', ')} was put back into use`;
  return null;
}

/**
 * Whether anything has judged the data since the step: an action that gives verdicts said it is sound, or a branch of
 * the undo list took a choice because of what a later step had put out.
 */
export function hasVerdict(
  execution: Execution,
  record: StepRecord,
  decidedBy: readonly Reference[],
): boolean {
  const later = execution.began.slice(execution.began.indexOf(record) + 1);
  const judged = later.some(
    ({ descriptor, result }) => descriptor.verdict !== null && result?.outputs[descriptor.verdict] === true,
  );
  const names = new Set<string>(later.map(({ step }) => step.name));
  return judged || decidedBy.some((reference) => reference.kind === 'output' && names.has(reference.step));
}

/** Whether an action that gives verdicts has said anything of the data since the step. */
export function isJudged(execution: Execution, record: StepRecord): boolean {
  const later = execution.began.slice(execution.began.indexOf(record) + 1);
  return later.some(
    ({ descriptor, result }) =>
      descriptor.verdict !== null && typeof result?.outputs[descriptor.verdict] === 'boolean',
  );
}

export function idsIn(inputs: JsonObject | null, key: string | null): string[] {
  const value = key === null ? undefined : inputs?.[key];
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((id) => typeof id === 'string') : [];
}

/** Remembers, at the step that made them, which restore points were put back into use. */
export function markUsed(execution: Execution, ids: readonly string[]): void {
  for (const record of execution.began) {
    for (const { id } of record.result?.restorePoints ?? []) {
      if (ids.includes(id) && !record.used.includes(id)) record.used.push(id);
    }
  }
}
