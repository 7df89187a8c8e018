/** The state that a flow or a rollback leaves behind: journaled after it, for a later rollback to compare with. */
import { knownThen } from './drift.ts';
import { isEqual } from './equality.ts';
import type { Looked } from './events.ts';
import type { Frame } from './frame.ts';
import { hasTouched } from './needs-undo.ts';
import { observe } from './observe.ts';
import type { StepRecord } from './records.ts';

/** Says of each step that acted whether what it may have changed is as it was before it. */
export async function observeLeft(frame: Frame, idPrefix: string): Promise<void> {
  const { began, program } = frame.execution;
  const steps: { step: string; found: Looked }[] = [];
  for (const record of began) {
    if (!record.descriptor.observes || !hasTouched(record) || record.undo === 'undone') continue;
    record.left = await observe(frame, record, `${idPrefix}${record.path}`);
    steps.push({ step: record.path, found: lookedOf(record) });
  }
  // A journal of an earlier version has no place for this event: its numbers are those of the events that it wrote.
  if (steps.length > 0 && program.interpreter > 1) await frame.emit({ type: 'StateLooked', steps });
}

function lookedOf({ left, before }: StepRecord): Looked {
  if (left === undefined) return 'unread';
  return isEqual(knownThen(before, left), before) ? 'asBefore' : 'different';
}
