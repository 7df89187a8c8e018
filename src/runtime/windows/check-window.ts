/** Would every task of a window start, act as whom it should, and end inside it? Looks, and changes nothing. */
import { existsSync } from 'node:fs';
import { checkArguments, type Document } from '../../document/index.ts';
import { resolveTargets } from '../../inventory/index.ts';
import type { WindowStore } from '../../journal/index.ts';
import {
  withPseudoParameters,
  type CheckTask,
  type RunbookTask,
  type Task,
  type Window,
} from '../../windows/index.ts';
import type { Belay } from '../belay.ts';
import { readRuleFile, soundRuleSets } from '../compliance/rule-files.ts';
import { findConfiguration } from '../configuration.ts';
import { channelsOf, unknownOf } from '../notify/known-channels.ts';
import { Refusal } from '../refusal.ts';
import { FreezeCalendars } from './freeze-calendars.ts';
import { checkLimits } from './check-limits.ts';
import { tryCheckTask, tryRunbookTask } from './identity.ts';
import { readerOf } from './read-runbook.ts';
import type { TaskProblem } from './task-problem.ts';
import { runbooksOf } from './task-runbooks.ts';
import { unattended, type Unattended } from './unattended.ts';
import { knownParameters, limitsOf, limitsOfCheck } from './worst-case.ts';

export interface CheckedTask {
  readonly task: Task;
  /** Null: nobody can say. */
  readonly limits: { readonly forwardMs: number; readonly rollbackMs: number } | null;
  readonly problems: readonly TaskProblem[];
  /** What the window's approval lets happen. */
  readonly said?: Unattended['said'];
}

export interface CheckOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly store: WindowStore;
  readonly now: () => number;
  /** Hosts, secrets and AWS are not asked. */
  readonly offline: boolean;
}

export async function checkWindow(
  window: Window,
  belay: Belay,
  options: CheckOptions,
): Promise<CheckedTask[]> {
  const freeze = await new FreezeCalendars().of(window, options.now());
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
  const checked: CheckedTask[] = [];
  for (const [index, task] of window.tasks.entries()) {
    const one = await checkTask(task, window, belay, options);
    checked.push(index === 0 ? { ...one, problems: [...frozen, ...untold, ...one.problems] } : one);
  }
  return checked;
}

function checkTask(task: Task, window: Window, belay: Belay, options: CheckOptions): Promise<CheckedTask> {
  return task.check === undefined
    ? checkRunbookTask(task, window, belay, options)
    : checkCheckTask(task, window, belay, options);
}

async function checkCheckTask(
  task: CheckTask,
  window: Window,
  belay: Belay,
  { store, cwd, env, offline, now }: CheckOptions,
): Promise<CheckedTask> {
  const problems: TaskProblem[] = [];
  try {
    const [ruleSet] = soundRuleSets([readRuleFile(task.check)]);
    const { inventory } = findConfiguration(cwd, env);
    if (ruleSet !== undefined && !offline)
      problems.push(
        ...(await tryCheckTask(task, ruleSet, { stateDir: belay.stateDir, env, inventory, now })),
      );
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const [first] = error.diagnostics;
    const message =
      first === undefined ? error.message : `${first.file}:${first.start.line}: ${first.message}`;
    problems.push({ code: 'BAD_CHECK', message, hint: error.hint ?? '' });
  }
  const limits = limitsOfCheck(task);
  problems.push(...(await checkLimits(task, window, limits, { store, belay })));
  return { task, limits: limits.worstCase.kind === 'known' ? limits.worstCase : null, problems };
}

async function checkRunbookTask(
  task: RunbookTask,
  window: Window,
  belay: Belay,
  { cwd, env, store, offline, now }: CheckOptions,
): Promise<CheckedTask> {
  const reader = readerOf(belay);
  const found = reader(task.runbook);
  if ('problem' in found) {
    const hint = existsSync(task.runbook) ? `belay validate ${task.runbook}` : '';
    return { task, limits: null, problems: [{ code: 'BAD_RUNBOOK', message: found.problem, hint }] };
  }
  const read = found.document;
  const { inventory } = findConfiguration(cwd, env);
  const problems = [...checkParameters(task, read), ...checkSecrets(task, read)];
  if (task.targets.length > 0) {
    const hosts = resolveTargets(inventory, task.targets);
    if (hosts.kind === 'problem') problems.push({ code: 'NO_TARGETS', message: hosts.message, hint: '' });
  }
  const parameters = knownParameters(task, read);
  const { approval } = window;
  const { said, problems: unanswered } = unattended(task, read, {
    approval,
    inventory,
    parameters,
    read: reader,
  });
  const limits = limitsOf(task, read, inventory);
  problems.push(...unanswered, ...(await checkLimits(task, window, limits, { store, belay })));
  // Where its parameters are wrong, nobody knows what it would reach.
  if (!offline && problems.every(({ code }) => !isOfParameters(code))) {
    const options = { stateDir: belay.stateDir, env, inventory, now };
    const { runbooks } = runbooksOf(
      { file: task.runbook, document: read, parameters },
      { read: reader, folders: inventory?.runbookFolders ?? [] },
    );
    problems.push(...(await tryRunbookTask(task, runbooks, options)));
  }
  const { worstCase } = limits;
  return { task, limits: worstCase.kind === 'known' ? worstCase : null, problems, said };
}

const isOfParameters = (code: string): boolean => code.endsWith('_PARAMETER') || code === 'NO_TARGETS';

function checkParameters(task: RunbookTask, document: Document): TaskProblem[] {
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

function checkSecrets({ identity }: RunbookTask, { parameters }: Document): TaskProblem[] {
  return Object.keys(identity.secrets).flatMap((name) =>
    parameters[name]?.secret === true
      ? []
      : [{ code: 'UNKNOWN_SECRET', message: `the runbook has no secret parameter ${name}`, hint: '' }],
  );
}
