/** One task of an occurrence: its invocations as the world has them, those that must stop, and those that may start. */
import type { Effect, Facts } from './facts.ts';
import { fits } from './fit.ts';
import {
  isEnded,
  worst,
  type Ended,
  type Invocation,
  type Occurrence,
  type OccurrenceStatus,
  type Reason,
  type ReasonCode,
  type TaskRun,
} from './occurrence.ts';
import { countOf } from './read-share.ts';
import { changeOf } from './task-content.ts';

export interface Moment {
  readonly occurrence: Occurrence;
  readonly facts: Facts;
  readonly now: number;
  readonly isCancelled: boolean;
  /** Whether a task of its priority may start something. */
  readonly isTurn: boolean;
}

export interface AdvancedTask {
  readonly run: TaskRun;
  readonly effects: readonly Effect[];
}

export function advanceTask(run: TaskRun, moment: Moment): AdvancedTask {
  if (isEnded(run.status)) return { run, effects: [] };
  const effects: Effect[] = [];
  const invocations = run.invocations.map((invocation) => {
    const known = asWorldHasIt(invocation, moment.facts);
    if (isEnded(known.status)) return known;
    const reason = reasonToStop(run, known, moment);
    if (reason !== null) {
      effects.push({ kind: 'cancel', executionId: known.executionId, reason });
      return {
        ...known,
        status: 'CANCELLING' as const,
        reason,
        cancelledAt: known.cancelledAt ?? moment.now,
      };
    }
    // Written down, and nobody knows whether it began: starting it again under its id is harmless.
    if (moment.facts.execution(known.executionId) === undefined)
      effects.push(start(run, known, moment.occurrence));
    return known;
  });
  const launched = launch({ ...run, invocations }, moment);
  effects.push(...launched.effects);
  return { run: launched.run, effects };
}

const start = (run: TaskRun, { target, executionId }: Invocation, { id }: Occurrence): Effect => ({
  kind: 'start',
  occurrence: id,
  task: run.task,
  target,
  executionId,
});

const endings: Readonly<Record<'Success' | 'Failed' | 'TimedOut' | 'Cancelled', Ended>> = {
  Success: 'SUCCESS',
  Failed: 'FAILED',
  TimedOut: 'TIMED_OUT',
  Cancelled: 'CANCELLED',
};

/** Reasons for which the clock, and no person, has stopped a run. */
const cuts: ReadonlySet<ReasonCode> = new Set(['WINDOW_ENDED', 'RESERVE_SPENT', 'AFTER_CUTOFF']);

function asWorldHasIt(invocation: Invocation, facts: Facts): Invocation {
  if (isEnded(invocation.status)) return invocation;
  const fact = facts.execution(invocation.executionId);
  if (fact === undefined || fact.kind === 'runs') return invocation;
  if (fact.kind === 'refused') {
    return { ...invocation, status: 'FAILED', reason: { code: 'NOT_STARTED', message: fact.message } };
  }
  // One that was cut is late, not cancelled by somebody.
  const isCut = invocation.reason !== undefined && cuts.has(invocation.reason.code);
  const status = isCut && fact.status === 'Cancelled' ? 'TIMED_OUT' : endings[fact.status];
  const { at, rollbackStatus, reason = invocation.reason, undone = [], left = [] } = fact;
  return {
    ...invocation,
    status,
    endedAt: at,
    rollbackStatus,
    ...(reason === undefined ? {} : { reason }),
    ...(undone.length === 0 ? {} : { undone }),
    ...(left.length === 0 ? {} : { left }),
  };
}

function reasonToStop(run: TaskRun, invocation: Invocation, moment: Moment): Reason | null {
  // What is being cancelled already is cancelled again: the word may have been lost.
  if (invocation.status === 'CANCELLING') return invocation.reason ?? cancelled;
  if (moment.isCancelled) return cancelled;
  const { task } = run;
  if (task.reserveMs !== undefined && moment.now >= invocation.plannedAt + task.reserveMs) {
    return {
      code: 'RESERVE_SPENT',
      message: `it ran longer than its Reserve of ${minutes(task.reserveMs)} min`,
    };
  }
  if (
    task.cutoffBehavior === 'CANCEL_TASK' &&
    task.taskType === 'RUN_COMMAND' &&
    moment.now > moment.occurrence.cutoffAt
  ) {
    return { code: 'AFTER_CUTOFF', message: 'the cut-off has come, and CANCEL_TASK cancels commands' };
  }
  if (task.cutoffBehavior === 'CLIMB_DOWN' && moment.now >= moment.occurrence.endAt - invocation.rollbackMs) {
    return {
      code: 'WINDOW_ENDED',
      message: `the window ends in ${minutes(moment.occurrence.endAt - moment.now)} min, and its rollback may take ${minutes(invocation.rollbackMs)}`,
    };
  }
  return null;
}

const cancelled: Reason = { code: 'CANCELLED', message: 'somebody has cancelled it' };
const minutes = (ms: number): number => Math.round(ms / 60_000);

/** Starts what may start, and ends the task when nothing is left to wait for. */
function launch(run: TaskRun, moment: Moment): AdvancedTask {
  const { now, occurrence, facts } = moment;
  const isRunning = run.invocations.some(({ status }) => !isEnded(status));
  const stop = (status: Ended, reason: Reason): AdvancedTask =>
    isRunning
      ? { run: { ...run, status: 'IN_PROGRESS', reason: run.reason ?? reason }, effects: [] }
      : { run: { ...run, status: ended(run, status), reason: run.reason ?? reason }, effects: [] };
  if (moment.isCancelled) return stop('CANCELLED', cancelled);
  // What was said once holds: a task that was stopped starts nothing more.
  if (run.reason !== undefined)
    return stop(run.reason.code === 'AFTER_CUTOFF' ? 'TIMED_OUT' : 'FAILED', run.reason);
  if (now > occurrence.cutoffAt && !goesOnPastCutoff(run)) {
    const message = 'the cut-off came before all of it had started and ended';
    return stop('TIMED_OUT', { code: 'AFTER_CUTOFF', message });
  }
  if (!moment.isTurn) return { run, effects: [] };
  const changed = changedSince(run, moment);
  if (changed !== null) return stop('FAILED', changed);
  const refusal = isRunning || facts.isForced(occurrence.id) ? null : facts.refusal(run.task, occurrence);
  if (refusal !== null) return stop('FAILED', refusal);
  const found =
    run.targets === null ? facts.targets(run.task) : { kind: 'targets' as const, targets: run.targets };
  if (found.kind === 'unknown') return stop('FAILED', { code: 'NO_TARGETS', message: found.message });
  return launchNext({ ...run, targets: found.targets }, found.targets, moment, stop);
}

/** Who said yes said it to what the task was then. Null: it still is, or nothing more of it is to start. */
function changedSince({ task, targets, invocations }: TaskRun, { occurrence, facts }: Moment): Reason | null {
  const { approved } = occurrence;
  if (approved === undefined || invocations.length === targets?.length) return null;
  const change = changeOf(task.name, approved.contents, facts.contents());
  if (change === null) return null;
  const message = `${approved.by.join(', ')} said yes before it began, and since then ${change}`;
  return { code: 'CHANGED_SINCE_APPROVED', message };
}

/** What has begun and still may: AWS lets a task that goes on start its other targets, too. */
function goesOnPastCutoff(run: TaskRun): boolean {
  const allStarted = run.targets !== null && run.invocations.length === run.targets.length;
  switch (run.task.cutoffBehavior) {
    case 'CONTINUE_TASK':
      return run.invocations.length > 0;
    case 'CLIMB_DOWN':
      return allStarted;
    case 'CANCEL_TASK':
      return allStarted && run.invocations.every(({ status }) => isEnded(status));
    default:
      return run.task.cutoffBehavior satisfies never;
  }
}

function launchNext(
  run: TaskRun,
  targets: readonly string[],
  { occurrence, facts, now }: Moment,
  stop: (status: Ended, reason: Reason) => AdvancedTask,
): AdvancedTask {
  const concurrency = Math.max(1, countOf(run.task.maxConcurrency, targets.length));
  const errorsMax = countOf(run.task.maxErrors, targets.length);
  const errors = run.invocations.filter(({ status }) => status === 'FAILED' || status === 'TIMED_OUT').length;
  const running = run.invocations.filter(({ status }) => !isEnded(status)).length;
  const left = targets.slice(run.invocations.length);
  if (left.length === 0) return settle(run);
  if (errors > errorsMax) {
    return stop('FAILED', {
      code: 'TOO_MANY_ERRORS',
      message: `${errors} failed, and MaxErrors is ${errorsMax}: ${left.length} more were not started`,
    });
  }
  const launches: Invocation[] = [];
  for (const target of left.slice(0, Math.max(0, concurrency - running))) {
    const fit = fits(facts.worstCase(run.task), occurrence.endAt, now);
    // With AWS's own two words a task may go on past the end, so nothing has to fit.
    const mustFit = run.task.cutoffBehavior === 'CLIMB_DOWN' && !facts.isForced(occurrence.id);
    if (fit.kind === 'no' && mustFit) {
      if (launches.length === 0) return stop('FAILED', fit.reason);
      break;
    }
    launches.push({
      target,
      executionId: facts.newExecutionId(),
      status: 'IN_PROGRESS',
      plannedAt: now,
      forwardMs: fit.forwardMs,
      rollbackMs: fit.rollbackMs,
    });
  }
  return {
    run: { ...run, status: 'IN_PROGRESS', invocations: [...run.invocations, ...launches] },
    effects: launches.map((invocation) => start(run, invocation, occurrence)),
  };
}

/** Nothing more is to start: the task ends with its last invocation. */
function settle(run: TaskRun): AdvancedTask {
  const statuses: readonly OccurrenceStatus[] = run.invocations.map(({ status }) => status);
  if (!statuses.every(isEnded)) return { run: { ...run, status: 'IN_PROGRESS' }, effects: [] };
  return { run: { ...run, status: worst(statuses) }, effects: [] };
}

function ended(run: TaskRun, status: Ended): Ended {
  const statuses = run.invocations.map((invocation) => invocation.status).filter(isEnded);
  return worst([...statuses, status]);
}
