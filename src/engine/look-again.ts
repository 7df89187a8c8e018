/** A rollback of what is undone already: it claims nothing but what it sees now. */
import { sinceBefore } from './drift.ts';
import type { Looked } from './events.ts';
import type { Frame } from './frame.ts';
import { needsUndo } from './needs-undo.ts';
import { observe } from './observe.ts';
import type { RollbackRequest } from './types.ts';

/** Tells of each step that was to be undone how its state differs from the one before it. Does nothing. */
export async function lookAgain(after: Frame, pass: number, request: RollbackRequest): Promise<void> {
  if (request.interpreter === undefined) return;
  const steps: { step: string; found: Looked; difference: string }[] = [];
  for (const record of after.execution.began) {
    if (!needsUndo(record) || (request.step !== undefined && record.path !== request.step)) continue;
    const found = record.descriptor.observes
      ? await observe(after, record, `rollback${pass}/again/${record.path}`)
      : undefined;
    steps.push({ step: record.path, ...sinceBefore(record, found) });
  }
  await after.emit({ type: 'RollbackRepeated', pass, steps });
}
