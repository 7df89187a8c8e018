/** Whether a task fits its window, and what Reserve to propose where nobody can say. */
import type { WindowStore } from '../../journal/index.ts';
import type { Task, Window } from '../../windows/index.ts';
import type { Belay } from '../belay.ts';
import type { TaskProblem } from './task-problem.ts';
import { soundOnes } from './stored.ts';
import type { TaskLimits } from './worst-case.ts';

const minuteMs = 60_000;
/** A Reserve that is proposed leaves room for a slower day. */
const reserveFactor = 1.5;
const recentRunsMax = 20;
/** How far back runs by hand are looked for. */
const listedMax = 500;

/** Where runs are on record. */
export interface Past {
  readonly store: WindowStore;
  readonly belay: Pick<Belay, 'list' | 'row'>;
}

export async function checkLimits(
  task: Task,
  window: Window,
  { worstCase }: TaskLimits,
  { store, belay }: Past,
): Promise<TaskProblem[]> {
  const problems: TaskProblem[] = [];
  if (task.cutoffBehavior !== 'CLIMB_DOWN') return problems;
  if (worstCase.kind === 'unknown') {
    problems.push({
      code: 'WORST_CASE_UNKNOWN',
      message: worstCase.message,
      hint: `Give the task a Reserve${proposal([...inWindow(task, window, store), ...(await byHand(task, belay))])}${task.check === undefined ? ', or the runbook its own timeoutSeconds' : ''}.`,
    });
    return problems;
  }
  const roomMs = window.durationHours * 60 * minuteMs;
  const overMs = worstCase.forwardMs + worstCase.rollbackMs - roomMs;
  if (overMs > 0) {
    const minutes = (ms: number): number => Math.ceil(ms / minuteMs);
    problems.push({
      code: 'DOES_NOT_FIT',
      message: `it does not fit by ${minutes(overMs)} min: ${minutes(worstCase.forwardMs)} min forward and ${minutes(worstCase.rollbackMs)} min of rollback in a window of ${minutes(roomMs)} min`,
      hint: 'A longer Duration, a smaller Reserve, or a shorter timeoutSeconds of the rollback.',
    });
  }
  return problems;
}

/** From the slowest of its recent runs, rounded up to five minutes. */
function proposal(tookMs: readonly number[]): string {
  if (tookMs.length === 0) return ', as Reserve: PT45M';
  const slowestMs = Math.max(...tookMs);
  const minutes = Math.ceil((slowestMs * reserveFactor) / minuteMs / 5) * 5;
  const runs = tookMs.length === 1 ? 'its last run' : `the slowest of its last ${tookMs.length} runs`;
  return ` (${runs} took ${Math.ceil(slowestMs / minuteMs)} min: Reserve: PT${minutes}M)`;
}

function inWindow(task: Task, window: Window, store: WindowStore): number[] {
  return soundOnes(store.history(window.name, recentRunsMax))
    .flatMap(({ tasks }) => tasks)
    .filter((run) => run.task.name === task.name)
    .flatMap(({ invocations }) =>
      invocations.flatMap(({ plannedAt, endedAt }) => (endedAt === undefined ? [] : [endedAt - plannedAt])),
    );
}

/** What people ran of the same runbook: a window that is new has no past of its own. */
async function byHand({ runbook }: Task, belay: Past['belay']): Promise<number[]> {
  if (runbook === undefined) return [];
  const tookMs: number[] = [];
  for (const { executionId, status, sandbox, startedAt, endedAt } of await belay.list(listedMax)) {
    if (status !== 'Success' || sandbox || startedAt === null || endedAt === null) continue;
    if ((await belay.row(executionId)).file === runbook) tookMs.push(endedAt - startedAt);
    if (tookMs.length === recentRunsMax) break;
  }
  return tookMs;
}
