/** Would every task of a window start, and end inside it? Looks at runbooks, parameters, targets, limits and references. */
import { accessSync, constants } from 'node:fs';
import { checkArguments, type Document } from '../../document/index.ts';
import { resolveTargets } from '../../inventory/index.ts';
import type { WindowStore } from '../../journal/index.ts';
import { withPseudoParameters, type Task, type Window } from '../../windows/index.ts';
import type { Belay } from '../belay.ts';
import { findConfiguration } from '../configuration.ts';
import { channelsOf, unknownOf } from '../notify/known-channels.ts';
import { FreezeCalendars } from './freeze-calendars.ts';
import { occurrenceOf } from './scheduler.ts';
import { limitsOf, type TaskLimits } from './worst-case.ts';

export interface TaskProblem {
  readonly code: string;
  readonly message: string;
  /** What to do; empty where nobody knows. */
  readonly hint: string;
}

export interface CheckedTask {
  readonly task: Task;
  /** Null: nobody can say. */
  readonly limits: { readonly forwardMs: number; readonly rollbackMs: number } | null;
  readonly problems: readonly TaskProblem[];
}

export interface CheckOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly store: WindowStore;
}

const minuteMs = 60_000;
/** A Reserve that is proposed leaves room for a slower day. */
const reserveFactor = 1.5;
const recentRunsMax = 20;

export async function checkWindow(
  window: Window,
  belay: Belay,
  options: CheckOptions,
): Promise<CheckedTask[]> {
  const freeze = await new FreezeCalendars().of(window, Date.now());
  const frozen =
    freeze.kind === 'known'
      ? []
      : [
          {
            code: 'BAD_FREEZE',
            message: freeze.message,
            hint: 'While it cannot be read, the window does not run.',
          },
        ];
  const untold = unknownOf(
    window.notifyChannels ?? [],
    channelsOf(findConfiguration(options.cwd, options.env)),
  ).map((each) => ({ code: 'UNKNOWN_CHANNEL', ...each }));
  return window.tasks.map((task, index) => {
    const checked = checkTask(task, window, belay, options);
    return index === 0 ? { ...checked, problems: [...frozen, ...untold, ...checked.problems] } : checked;
  });
}

function checkTask(task: Task, window: Window, belay: Belay, { cwd, env, store }: CheckOptions): CheckedTask {
  let document: Document | undefined;
  const problems: TaskProblem[] = [];
  try {
    const checked = belay.check(task.runbook, { strictSsm: false });
    document = checked.document;
    if (document === undefined) {
      problems.push({
        code: 'BAD_RUNBOOK',
        message: `${task.runbook} is not right`,
        hint: `belay validate ${task.runbook}`,
      });
    }
  } catch (error) {
    problems.push({
      code: 'BAD_RUNBOOK',
      message: error instanceof Error ? error.message : String(error),
      hint: '',
    });
  }
  if (document === undefined) return { task, limits: null, problems };
  const { inventory } = findConfiguration(cwd, env);
  problems.push(...checkParameters(task, document), ...checkSecrets(task, document, env));
  if (task.targets.length > 0) {
    const found = resolveTargets(inventory, task.targets);
    if (found.kind === 'problem') problems.push({ code: 'NO_TARGETS', message: found.message, hint: '' });
  }
  const limits = limitsOf(task, document, inventory);
  problems.push(...checkLimits(task, window, limits, store));
  const { worstCase } = limits;
  return { task, limits: worstCase.kind === 'known' ? worstCase : null, problems };
}

function checkParameters(task: Task, document: Document): TaskProblem[] {
  const example = {
    WINDOW_ID: 'w',
    WINDOW_TASK_ID: 't',
    WINDOW_EXECUTION_ID: 'e',
    TASK_EXECUTION_ID: 'e',
    INVOCATION_ID: 'i',
    TARGET_TYPE: 'INSTANCE',
    TARGET_ID: 't',
    RESOURCE_ID: 't',
    WINDOW_TARGET_ID: 't',
  };
  const given = withPseudoParameters(task.parameters, example);
  const secrets = Object.fromEntries(Object.keys(task.identity.secrets).map((name) => [name, 'x']));
  return checkArguments(document, { ...given, ...secrets })
    .filter(({ parameter }) => !Object.hasOwn(secrets, parameter))
    .map(({ code, message, hint }) => ({ code, message, hint: hint ?? '' }));
}

/** A reference that nobody can read at night fails the task before its first step; now somebody is awake. */
function checkSecrets(task: Task, document: Document, env: NodeJS.ProcessEnv): TaskProblem[] {
  const problems: TaskProblem[] = [];
  for (const [name, reference] of Object.entries(task.identity.secrets)) {
    if (document.parameters[name]?.secret !== true) {
      problems.push({
        code: 'UNKNOWN_SECRET',
        message: `the runbook has no secret parameter ${name}`,
        hint: '',
      });
    } else if (reference.startsWith('env:') && env[reference.slice('env:'.length)] === undefined) {
      problems.push({
        code: 'MISSING_SECRET',
        message: `secret ${name}: ${reference} is not set here`,
        hint: 'The daemon needs it in its environment.',
      });
    } else if (reference.startsWith('file:')) {
      try {
        accessSync(reference.slice('file:'.length), constants.R_OK);
      } catch {
        problems.push({
          code: 'MISSING_SECRET',
          message: `secret ${name}: ${reference.slice('file:'.length)} cannot be read`,
          hint: '',
        });
      }
    }
  }
  return problems;
}

function checkLimits(
  task: Task,
  window: Window,
  { worstCase, people }: TaskLimits,
  store: WindowStore,
): TaskProblem[] {
  const problems: TaskProblem[] = [];
  if (people.length > 0 && window.approval === null) {
    problems.push({
      code: 'WAITS_FOR_A_PERSON',
      message: `${people.join(', ')} waits for a person, and nobody is there at night`,
      hint: 'Give the window an Approval, so that it is said before it begins.',
    });
  }
  if (task.cutoffBehavior !== 'CLIMB_DOWN') return problems;
  if (worstCase.kind === 'unknown') {
    problems.push({
      code: 'WORST_CASE_UNKNOWN',
      message: worstCase.message,
      hint: `Give the task a Reserve${proposal(task, window, store)}, or the runbook its own timeoutSeconds.`,
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

/** From the slowest of its recent runs, rounded up to five minutes; empty where it never ran. */
function proposal(task: Task, window: Window, store: WindowStore): string {
  const took = store
    .history(window.name, recentRunsMax)
    .flatMap((row) => occurrenceOf(row).tasks)
    .filter((run) => run.task.name === task.name)
    .flatMap(({ invocations }) =>
      invocations.flatMap(({ plannedAt, endedAt }) => (endedAt === undefined ? [] : [endedAt - plannedAt])),
    );
  if (took.length === 0) return ', as Reserve: PT45M';
  const minutes = Math.ceil((Math.max(...took) * reserveFactor) / minuteMs / 5) * 5;
  return ` (the slowest of its last ${took.length} runs took ${Math.ceil(Math.max(...took) / minuteMs)} min: Reserve: PT${minutes}M)`;
}
