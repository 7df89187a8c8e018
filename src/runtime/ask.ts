/** What a person asks of an execution as a whole: to stop, to climb down. It is written down, whether or not anybody runs it. */
import { completeSignal, nextStepSignal, type RollbackRequest } from '../engine/index.ts';
import type { ExecutionRow, Journal } from '../journal/index.ts';
import { isClimbingDown, type ExecutionView } from './execution-view.ts';
import { Refusal } from './refusal.ts';
import { refuseChild } from './refuse-child.ts';
import { refuseClosed } from './retention/closing.ts';

/** Throws Refusal. */
export async function cancel(
  journal: Journal,
  row: ExecutionRow,
  view: ExecutionView,
  by: string,
  now: number,
): Promise<void> {
  const { id } = row;
  const asksItself = view.waiting?.kind === 'rollbackDecision';
  // Only what it asks itself is answered by its own id: whether to climb down.
  if (row.child !== null && asksItself) {
    await journal.signal(id, 'rollback', 'no', 'cancel', now, by);
    return;
  }
  refuseChild(row);
  refuseClosed(row);
  if (view.endedAt !== null) throw new Refusal('refused', 'ALREADY_ENDED', `${id} has ended: ${view.status}`);
  if (asksItself) await journal.signal(id, 'rollback', 'no', 'cancel', now, by);
  else if (isClimbingDown(view)) {
    throw new Refusal('refused', 'ROLLING_BACK', `${id} is climbing down already, and no cancel stops that`, {
      hint: view.isLive ? `belay logs -f ${id} follows it` : `belay resume ${id} goes on with it`,
    });
  }
  await journal.requestCancel(id);
}

/** SSM's stop type Complete: what is under way comes to its end, and no further step begins. Throws Refusal. */
export async function complete(
  journal: Journal,
  row: ExecutionRow,
  view: ExecutionView,
  by: string,
  now: number,
): Promise<void> {
  const { id } = row;
  refuseChild(row);
  refuseClosed(row);
  if (view.endedAt !== null) throw new Refusal('refused', 'ALREADY_ENDED', `${id} has ended: ${view.status}`);
  if (view.cancelRequested || view.rollbackStatus !== 'notRequested')
    throw new Refusal('refused', 'ENDING_ALREADY', `${id} begins no further step: it is ending already`, {
      hint: `belay show ${id}`,
    });
  await journal.signal(id, completeSignal, true, completeSignal, now, by);
  await journal.signal(id, nextStepSignal, { complete: true }, completeSignal, now, by);
}

/** Throws Refusal. */
export async function requestRollback(
  journal: Journal,
  row: ExecutionRow,
  view: ExecutionView,
  request: RollbackRequest,
  by: string,
  now: number,
): Promise<void> {
  const { id } = row;
  if (view.waiting?.kind === 'rollbackDecision' && row.closing === null) {
    await journal.signal(id, 'rollback', 'yes', 'rollback', now, by);
    return;
  }
  refuseChild(row);
  refuseClosed(row);
  if (view.endedAt === null) {
    throw new Refusal('refused', 'NOT_ENDED', `${id} has not ended (${view.status})`, {
      hint: hintForOpen(view),
    });
  }
  if (request.step !== undefined && !view.steps.some(({ name }) => name === request.step)) {
    throw new Refusal('usage', 'UNKNOWN_STEP', `${id} has no step ${request.step}`, {
      hint: `it has ${view.steps.map(({ name }) => name).join(', ')}`,
    });
  }
  await journal.addRollbackRequest(id, { ...request, interpreter: 2 });
}

/** What is to be done with an execution that is open, where somebody wants it taken back. */
function hintForOpen(view: ExecutionView): string {
  const { executionId: id, isLive, cancelRequested } = view;
  if (isClimbingDown(view))
    return `it is climbing down already; ${isLive ? `belay logs -f ${id} follows it` : `belay resume ${id} goes on with that`}`;
  return cancelRequested
    ? `its cancel is noted already; belay resume ${id} goes on climbing down`
    : `belay cancel ${id} stops it and climbs down; belay resume ${id} goes on`;
}
