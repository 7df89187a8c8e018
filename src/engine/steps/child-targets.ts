/**
 * One child for each target, several at once: MaxConcurrency of them, and none begun any more once more than MaxErrors have failed.
 * As the service counts, those under way may still fail; with StrictErrors they count as failed until they have come through.
 */
import { embeddedText, errorBudgetOf, type ErrorBudget } from '../../document/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { cancelled, flowDone, flowFailed, nothing, type Ending } from '../endings.ts';
import type { Change } from '../events.ts';
import { failureOf } from '../failure.ts';
import { findRunbookTimeoutMs } from '../limits.ts';
import { turnOf, type StepRecord } from '../records.ts';
import type { StepRun } from '../step-run.ts';
import { failed, failureIn, fitParameters, runChild, type Local } from './child-call.ts';
import { launch, type Tally } from './launch.ts';
import type { TurnEnding } from './turn.ts';

/** How many children there are at once where nothing is said, as AWS has it. */
const maxConcurrencyDefault = 10;

export function hasTargets({ inputs }: StepRecord): boolean {
  return inputs?.['Targets'] !== undefined || inputs?.['TargetMaps'] !== undefined;
}

export interface Target {
  readonly name: string;
  readonly parameters: JsonObject;
}

/** What the children came to, beside how many succeeded. */
export interface Gathered {
  readonly executions: string[];
  readonly changes: Change[];
}

export async function overTargets(run: StepRun, local: Local): Promise<Ending> {
  const { record } = run;
  if (turnOf(record) !== null)
    return flowFailed('NESTING', `${record.path} has targets and is in a rolling, which takes turns already`);
  const targets = await targetsOf(run);
  if ('status' in targets) return targets;
  const budget = budgetOf(record.inputs ?? {}, targets.length);
  if (typeof budget === 'string') return flowFailed('INVALID_INPUT', `${record.path}: ${budget}`);
  const gathered: Gathered = { executions: [], changes: [] };
  const tally = await launch(run, {
    targets,
    nameOf: ({ name }) => name,
    budget,
    isStrict: record.inputs?.['StrictErrors'] === true,
    failsWhenCancelled: false,
    tellsStart: true,
    turn: (frame, target) => {
      const call = `${run.id}@${target.name}:child`;
      const calling = { frame, record, call, target: target.name, timeoutSeconds: run.timeoutSeconds };
      return turn(calling, local, target, gathered);
    },
  });
  const allowed = tally.failed.length > budget.errors ? budget.errors : null;
  const ending = endingOf(record, targets, allowed, tally, gathered);
  return tally.isCancelled ? cancelled(1, ending.result) : ending;
}

/** One target's child to its end, and what it came to as a turn. */
export async function turn(
  calling: Parameters<typeof runChild>[0],
  local: Local,
  { parameters: given }: Target,
  { executions, changes }: Gathered,
): Promise<TurnEnding> {
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
  if ('status' in values) return values;
  const targets = values.map((value) => ({
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
export function named<T extends Target>(targets: readonly T[], { path }: StepRecord): readonly T[] | Ending {
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

function budgetOf(inputs: JsonObject, total: number): ErrorBudget | string {
  const { MaxConcurrency: most = maxConcurrencyDefault, MaxErrors: errors = 0 } = inputs;
  return errorBudgetOf({ name: 'MaxConcurrency', value: most }, { name: 'MaxErrors', value: errors }, total);
}

/** `allowed`: the errors that were allowed, and there were more; null: there were not. */
export function endingOf(
  { step }: StepRecord,
  targets: readonly Target[],
  allowed: number | null,
  { succeeded, failed: bad, failures }: Tally,
  { executions, changes }: Gathered,
): Ending {
  const last = failures.findLast(({ failure }) => failure !== null)?.failure ?? null;
  const begun = new Set([...succeeded, ...bad]);
  const notStarted = targets.flatMap(({ name }) => (begun.has(name) ? [] : [name]));
  const outputs: JsonObject = {
    Output: executions,
    Status: allowed === null ? 'Success' : 'Failed',
    Targets: targets.map(({ name }) => name),
    Succeeded: succeeded,
    Failed: bad,
    NotStarted: notStarted,
  };
  const done = `${succeeded.length} of ${targets.length} targets done`;
  const words =
    bad.length === 0 ? done : `${done}, failed: ${bad.slice(0, 10).join(', ')}${bad.length > 10 ? ' …' : ''}`;
  const result = { ...nothing, outputs, changes, note: words };
  if (allowed === null) return { ...flowDone(outputs, words), result };
  const rest = notStarted.length === 0 ? '' : `; ${notStarted.length} not begun`;
  const why = last === null ? '' : `: ${last.message}`;
  const message = `${step.name} stopped after more than ${allowed} of its targets had failed (${words}${rest})${why}`;
  return {
    ...flowFailed(last?.code ?? 'TARGET_FAILED', message, outputs),
    result: { ...result, note: '' },
  };
}
