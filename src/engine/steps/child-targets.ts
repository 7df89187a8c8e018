/**
 * One child for each target, several at once: MaxConcurrency of them, and none begun any more once more than MaxErrors have failed.
 * As the service counts, those under way may still fail; with StrictErrors they count as failed until they have come through.
 */
import { embeddedText, shareOf } from '../../document/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { cancelled, flowDone, flowFailed, nothing, type Ending } from '../endings.ts';
import type { Change } from '../events.ts';
import { failureOf, type Failure } from '../failure.ts';
import { findRunbookTimeoutMs } from '../limits.ts';
import { turnOf, type StepRecord } from '../records.ts';
import type { ExecutionEnding } from '../statuses.ts';
import type { StepRun } from '../step-run.ts';
import { failed, failureIn, fitParameters, runChild, type Local } from './child-call.ts';
import { Lanes } from './lanes.ts';

/** How many children there are at once where nothing is said, as AWS has it. */
const maxConcurrencyDefault = 10;

export function hasTargets({ inputs }: StepRecord): boolean {
  return inputs?.['Targets'] !== undefined || inputs?.['TargetMaps'] !== undefined;
}

interface Target {
  readonly name: string;
  readonly parameters: JsonObject;
}

interface Limits {
  readonly concurrency: number;
  readonly errors: number;
  /** Those under way count as failed. */
  readonly isStrict: boolean;
}

interface Tally {
  readonly succeeded: string[];
  readonly failed: string[];
  readonly executions: string[];
  readonly changes: Change[];
  /** Why the latest of them failed. */
  last: Failure | null;
}

export async function overTargets(run: StepRun, local: Local): Promise<Ending> {
  const { record } = run;
  if (turnOf(record) !== null)
    return flowFailed(
      'NESTING',
      `${record.path} has targets and stands in a rolling, which takes turns already`,
    );
  const targets = await targetsOf(run);
  if (!Array.isArray(targets)) return targets as Ending;
  const limits = limitsOf(record.inputs ?? {}, targets.length);
  if (typeof limits === 'string') return flowFailed('INVALID_INPUT', `${record.path}: ${limits}`);
  const tally: Tally = { succeeded: [], failed: [], executions: [], changes: [], last: null };
  const isCancelled = await launch(run, local, targets as readonly Target[], limits, tally);
  const ending = endingOf(record, targets as readonly Target[], limits, tally);
  return isCancelled ? cancelled(1, ending.result) : ending;
}

/** Whether a person cancelled it meanwhile. */
async function launch(
  { frame, record, id, timeoutSeconds }: StepRun,
  local: Local,
  targets: readonly Target[],
  limits: Limits,
  tally: Tally,
): Promise<boolean> {
  const lanes = new Lanes(frame.runtime, id, { inStep: false });
  let launched = 0;
  let inFlight = 0;
  let isCancelled = false;
  const mayLaunch = (): boolean => {
    const errors = tally.failed.length + (limits.isStrict ? inFlight : 0);
    return !isCancelled && inFlight < limits.concurrency && errors <= limits.errors;
  };
  const begin = (target: Target, number: number): Promise<void> =>
    lanes.start(async (runtime) => {
      const lane = frame.with({ runtime });
      const of = { step: record.path, target: target.name, number, of: targets.length };
      await lane.emit({ type: 'TurnStarted', ...of });
      const call = `${id}@${target.name}:child`;
      const ended = await turn(
        { frame: lane, record, call, target: target.name, timeoutSeconds },
        local,
        target,
        tally,
      );
      await lane.emit({ type: 'TurnEnded', ...of, ...ended });
      isCancelled ||= ended.status === 'Cancelled';
      if (ended.status === 'Success') tally.succeeded.push(target.name);
      else if (ended.status !== 'Cancelled') tally.failed.push(target.name);
      tally.last = ended.failure ?? tally.last;
      inFlight -= 1;
    });
  for (;;) {
    for (let next = targets[launched]; next !== undefined && mayLaunch(); next = targets[launched]) {
      launched += 1;
      inFlight += 1;
      await begin(next, launched);
    }
    if (inFlight === 0) return isCancelled;
    await lanes.untilOneEnds();
  }
}

async function turn(
  calling: Parameters<typeof runChild>[0],
  local: Local,
  { parameters: given }: Target,
  { executions, changes }: Tally,
): Promise<{ readonly status: ExecutionEnding; readonly failure: Failure | null }> {
  const parameters = await fitParameters(calling, local, given);
  if ('status' in parameters)
    return parameters.status === 'Cancelled'
      ? { status: 'Cancelled', failure: null }
      : { status: 'Failed', failure: 'failure' in parameters ? parameters.failure : null };
  const outcome = await runChild(calling, local, parameters.value);
  if (outcome.status === 'cancelled') return { status: 'Cancelled', failure: null };
  const { result, executionId, isTimedOut } = outcome;
  executions.push(executionId);
  changes.push(...(result.changes ?? []));
  if (result.status === 'Success') return { status: 'Success', failure: null };
  if (result.status === 'Cancelled' && !isTimedOut) return { status: 'Cancelled', failure: null };
  const failure = failureIn(result, local.runbook, executionId);
  return { status: isTimedOut ? 'TimedOut' : result.status, failure };
}

/** The targets, or an ending: there are none that could be begun. */
async function targetsOf(run: StepRun): Promise<readonly Target[] | Ending> {
  const { inputs } = run.record;
  const common = inputs?.['RuntimeParameters'] ?? {};
  if (!isJsonObject(common)) return flowFailed('INVALID_INPUT', 'RuntimeParameters must be a map');
  const maps = inputs?.['TargetMaps'];
  if (maps !== undefined) return named(ofMaps(maps, common), run.record);
  const parameter = inputs?.['TargetParameterName'];
  if (typeof parameter !== 'string' || parameter === '')
    return flowFailed('INVALID_INPUT', `${run.record.path} has Targets and no TargetParameterName`);
  const values = await valuesOf(run, inputs?.['Targets'] ?? null);
  if (!Array.isArray(values)) return values as Ending;
  const targets = (values as readonly string[]).map((value) => ({
    name: value,
    parameters: { ...common, [parameter]: value },
  }));
  return named(targets, run.record);
}

async function valuesOf({ frame, record, id }: StepRun, written: Json): Promise<readonly string[] | Ending> {
  const [target, ...others] = Array.isArray(written) ? (written as readonly Json[]) : [written];
  const { Key: key, Values: list } = isJsonObject(target ?? null) ? (target as JsonObject) : {};
  if (typeof key !== 'string' || others.length > 0)
    return flowFailed('INVALID_INPUT', `Targets of ${record.path} must be one map with Key and Values`);
  const values = (Array.isArray(list) ? (list as readonly Json[]) : [list ?? null])
    .filter((value) => value !== null)
    .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
  if (key === 'ParameterValues') return values;
  const outcome = await frame.activity({
    id: `${id}:targets`,
    kind: 'findTargets',
    input: { key, values },
    step: record.path,
    token: frame.execution.id,
    timeoutMs: frame.within(findRunbookTimeoutMs),
    onLost: 'rerun',
  });
  if (outcome.status === 'ok') return outcome.value;
  return outcome.status === 'cancelled' ? cancelled(1) : failed(failureOf(outcome));
}

/** One child for each map, named by its values. */
function ofMaps(written: Json, common: JsonObject): Target[] {
  return (Array.isArray(written) ? (written as readonly Json[]) : [written]).map((map) => {
    const parameters = isJsonObject(map) ? map : {};
    const name = Object.values(parameters)
      .map((value) =>
        (Array.isArray(value) ? (value as readonly Json[]) : [value]).map(embeddedText).join('+'),
      )
      .join(',');
    return { name, parameters: { ...common, ...parameters } };
  });
}

/** Each once; a name stands in paths, so what would part a path is left out of it. */
function named(targets: readonly Target[], { path }: StepRecord): readonly Target[] | Ending {
  if (targets.length === 0)
    return flowFailed('NO_TARGETS', `${path} found no targets, and nothing was started`);
  const taken = new Set<string>();
  return targets.map((target) => {
    const plain = target.name.replaceAll(/[@/#:]/g, '_').slice(0, 100);
    let name = plain;
    for (let number = 2; taken.has(name); number += 1) name = `${plain}-${number}`;
    taken.add(name);
    return { ...target, name };
  });
}

function limitsOf(inputs: JsonObject, total: number): Limits | string {
  const {
    MaxConcurrency: most = maxConcurrencyDefault,
    MaxErrors: errors = 0,
    StrictErrors: strict,
  } = inputs;
  const concurrency = shareOf(most, total, 1);
  if (concurrency === undefined)
    return `MaxConcurrency is ${JSON.stringify(most)}, and must be a number such as 5 or 10%`;
  const allowed = shareOf(errors, total, 0);
  if (allowed === undefined)
    return `MaxErrors is ${JSON.stringify(errors)}, and must be a number such as 0 or 10%`;
  return { concurrency, errors: allowed, isStrict: strict === true };
}

function endingOf(
  { step }: StepRecord,
  targets: readonly Target[],
  { errors }: Limits,
  { succeeded, failed: bad, executions, changes, last }: Tally,
): Ending {
  const begun = new Set([...succeeded, ...bad]);
  const notStarted = targets.flatMap(({ name }) => (begun.has(name) ? [] : [name]));
  const isTooMany = bad.length > errors;
  const outputs: JsonObject = {
    Output: executions,
    Status: isTooMany ? 'Failed' : 'Success',
    Targets: targets.map(({ name }) => name),
    Succeeded: succeeded,
    Failed: bad,
    NotStarted: notStarted,
  };
  const done = `${succeeded.length} of ${targets.length} targets done`;
  const words =
    bad.length === 0 ? done : `${done}, failed: ${bad.slice(0, 10).join(', ')}${bad.length > 10 ? ' …' : ''}`;
  const result = { ...nothing, outputs, changes, note: words };
  if (!isTooMany) return { ...flowDone(outputs, words), result };
  const rest = notStarted.length === 0 ? '' : `; ${notStarted.length} not begun`;
  const why = last === null ? '' : `: ${last.message}`;
  const message = `${step.name} stopped after more than ${errors} of its targets had failed (${words}${rest})${why}`;
  return {
    ...flowFailed(last?.code ?? 'TARGET_FAILED', message, outputs),
    result: { ...result, note: '' },
  };
}
