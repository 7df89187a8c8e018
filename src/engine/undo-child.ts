/** Undoes a step that started executions below this one: each of them climbs down, the newest first. */
import type { Failure } from './failure.ts';
import type { Frame } from './frame.ts';
import type { StepRecord } from './records.ts';
import type { UndoResult } from './statuses.ts';

export interface ChildUndone {
  readonly result: Extract<UndoResult, 'undone' | 'nothingToDo' | 'failed'>;
  readonly reason: string;
  readonly failure: Failure | null;
}

export async function undoChildren(frame: Frame, record: StepRecord): Promise<ChildUndone> {
  let didAnything = false;
  const left: string[] = [];
  for (const [index, { call, executionId, owed }] of [...(record.children ?? []).entries()].toReversed()) {
    if (owed === 0) continue;
    const outcome = await frame.rollbackChild({
      id: `${frame.idOf(record)}/undo#${index + 1}`,
      child: call,
      request: { force: frame.rollback?.force ?? false, interpreter: 2 },
    });
    didAnything = true;
    if (outcome.status === 'cancelled' || outcome.result.owed > 0) left.push(executionId);
  }
  if (left.length > 0) {
    const message = `${left.join(', ')} did not climb down as a whole: belay show ${left[0] ?? ''} says what is left`;
    return { result: 'failed', reason: '', failure: { code: 'CHILD_NOT_UNDONE', message, retryable: true } };
  }
  if (didAnything) return { result: 'undone', reason: '', failure: null };
  return { result: 'nothingToDo', reason: 'nothing of it is left to undo', failure: null };
}
