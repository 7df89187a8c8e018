/** The state that a flow or a rollback leaves behind: journaled after it, for a later rollback to compare with. */
import { knownThen } from './drift.ts';
import { isEqual } from './equality.ts';
import type { Looked } from './events.ts';
import type { Frame } from './frame.ts';
import { hasTouched } from './needs-undo.ts';
import { observe } from './observe.ts';
import { lookAtEach } from './on-hosts.ts';
import type { StepRecord } from './records.ts';

/** Says of each step that acted whether what it may have changed is as it was before it. */
export async function observeLeft(frame: Frame, idPrefix: string): Promise<void> {
  const { began, program } = frame.execution;
  const steps: { step: string; found: Looked }[] = [];
  for (const record of began) {
    if (!record.descriptor.observes || !hasTouched(record) || record.undo === 'undone') continue;
    const looked: Looked[] = [];
    await lookAtEach(frame, record, `${idPrefix}${record.path}`, async (lane, own) => {
      if (!hasTouched(own) || own.undo === 'undone') return;
      own.left = await observe(lane, own, `${idPrefix}${own.path}`);
      looked.push(lookedOf(own));
    });
    steps.push({ step: record.path, found: leastSure(looked) });
  }
  // A journal of an earlier version has no place for this event: its numbers are those of the events that it wrote.
  if (steps.length > 0 && program.interpreter > 1) await frame.emit({ type: 'StateLooked', steps });
}

/** What the worst of several looks found. */
export function leastSure(looked: readonly Looked[]): Looked {
  if (looked.includes('unread')) return 'unread';
  return looked.includes('different') ? 'different' : 'asBefore';
}

function lookedOf({ left, before }: StepRecord): Looked {
  if (left === undefined) return 'unread';
  return isEqual(knownThen(before, left), before) ? 'asBefore' : 'different';
}
