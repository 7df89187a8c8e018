/**
 * TargetLocations of a runbook that is run here: one child for each account and region, which acts with the role that it has there.
 * As the service counts, each entry has a concurrency and an error budget of its own; entries are gone through in their order.
 */
import { errorBudgetOf, type ErrorBudget } from '../../document/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { cancelled, flowFailed, type Ending } from '../endings.ts';
import { failureOf } from '../failure.ts';
import { identity } from '../identity.ts';
import { findRunbookTimeoutMs } from '../limits.ts';
import { turnOf } from '../records.ts';
import type { StepRun } from '../step-run.ts';
import type { Location } from '../types.ts';
import { failed, type Local } from './child-call.ts';
import { endingOf, named, turn, type Gathered, type Target } from './child-targets.ts';
import { launch, type Tally } from './launch.ts';

/** Whom the service acts as where nothing is said. Source: TargetLocation of the Systems Manager API. */
const roleDefault = 'AWS-SystemsManager-AutomationExecutionRole';

/** What the entry says of targets there, under the names that a step has for it. */
const targetKeys = {
  Targets: 'Targets',
  TargetsMaxConcurrency: 'MaxConcurrency',
  TargetsMaxErrors: 'MaxErrors',
} as const;

interface LocationTarget extends Target {
  readonly location: Location;
}

interface Group {
  readonly targets: readonly LocationTarget[];
  readonly budget: ErrorBudget;
  readonly over: JsonObject | null;
}

export async function overLocations(run: StepRun, local: Local): Promise<Ending> {
  const { record } = run;
  if (turnOf(record) !== null)
    return flowFailed(
      'NESTING',
      `${record.path} has locations and is in a rolling, which takes turns already`,
    );
  const groups = await groupsOf(run);
  if ('status' in groups) return groups;
  const gathered: Gathered = { executions: [], changes: [] };
  const all: Tally = { succeeded: [], failed: [], failures: [], isCancelled: false };
  let allowed: number | null = null;
  for (const [index, group] of groups.entries()) {
    const runbook = group.over === null ? local : await overTargetsThere(run, local, group.over, index);
    if ('status' in runbook) return runbook;
    const tally = await launchAt({ ...run, id: `${run.id}:locations${index + 1}` }, group, runbook, gathered);
    all.succeeded.push(...tally.succeeded);
    all.failed.push(...tally.failed);
    all.failures.push(...tally.failures);
    all.isCancelled ||= tally.isCancelled;
    if (tally.failed.length > group.budget.errors) allowed = group.budget.errors;
    if (all.isCancelled || allowed !== null || run.frame.isSpent) break;
  }
  const targets = groups.flatMap((group) => group.targets);
  const ending = endingOf(record, targets, allowed, all, gathered);
  return all.isCancelled ? cancelled(1, ending.result) : ending;
}

function launchAt(
  run: StepRun,
  { targets, budget }: Group,
  runbook: Local,
  gathered: Gathered,
): Promise<Tally> {
  const { record, timeoutSeconds } = run;
  return launch(run, {
    targets,
    nameOf: ({ name }) => name,
    budget,
    isStrict: record.inputs?.['StrictErrors'] === true,
    failsWhenCancelled: false,
    tellsStart: true,
    turn: (frame, target) => {
      const { name, location } = target;
      const call = `${run.id}@${name}:child`;
      const calling = { frame, record, call, target: name, timeoutSeconds, location };
      return turn(calling, runbook, target, gathered);
    },
  });
}

/** The runbook of one step that goes over the targets of a location, or an ending: it cannot be made. */
async function overTargetsThere(
  { frame, record, id }: StepRun,
  { file }: Local,
  over: JsonObject,
  index: number,
): Promise<Local | Ending> {
  const outcome = await frame.activity({
    id: `${id}:over${index + 1}`,
    kind: 'findRunbook',
    input: { name: file ?? '', version: null, over },
    step: record.path,
    token: frame.execution.id,
    timeoutMs: frame.within(findRunbookTimeoutMs),
    onLost: 'rerun',
  });
  if (outcome.status === 'cancelled') return cancelled(1);
  if (outcome.status !== 'ok') return failed(failureOf(outcome));
  if (outcome.value.kind === 'service')
    throw new Error(
      `the host was asked for ${file ?? record.path} over targets, and named a runbook of the service`,
    );
  return outcome.value;
}

/** Or an ending: there is nothing that could be begun. */
async function groupsOf(run: StepRun): Promise<readonly Group[] | Ending> {
  const { record, frame } = run;
  const written = record.inputs?.['TargetLocations'];
  const entries = Array.isArray(written) ? (written as readonly Json[]) : [written ?? null];
  const caller = await identity(frame);
  if ('failure' in caller) return failed(caller.failure);
  const common = record.inputs?.['RuntimeParameters'] ?? {};
  if (!isJsonObject(common)) return flowFailed('INVALID_INPUT', 'RuntimeParameters must be a map');
  const { account, region, partition } = caller.value;
  const { assumeRole, input } = frame.execution;
  const before = input.location?.roles ?? (assumeRole === undefined ? [] : [assumeRole]);
  const found: LocationTarget[] = [];
  const rest: Omit<Group, 'targets'>[] = [];
  const counts: number[] = [];
  for (const entry of entries) {
    if (!isJsonObject(entry)) return flowFailed('INVALID_INPUT', 'an entry of TargetLocations must be a map');
    const refused = refusedIn(entry);
    if (refused !== null) return flowFailed('NOT_LOCAL', `${record.path}: ${refused}`);
    const excluded = new Set(textsOf(entry['ExcludeAccounts']));
    const role = textsOf(entry['ExecutionRoleName'])[0] ?? roleDefault;
    const targets = orElse(textsOf(entry['Accounts']), account)
      .filter((id) => !excluded.has(id))
      .flatMap((id) =>
        orElse(textsOf(entry['Regions']), region).map((there): LocationTarget => {
          const roles = [...before, `arn:${partition}:iam::${id}:role/${role}`];
          return { name: `${id}_${there}`, parameters: common, location: { roles, region: there } };
        }),
      );
    const { TargetLocationMaxConcurrency: most = 1, TargetLocationMaxErrors: errors = 0 } = entry;
    const budget = errorBudgetOf(
      { name: 'TargetLocationMaxConcurrency', value: most },
      { name: 'TargetLocationMaxErrors', value: errors },
      targets.length,
    );
    if (typeof budget === 'string') return flowFailed('INVALID_INPUT', `${record.path}: ${budget}`);
    rest.push({ budget, over: overOf(record.inputs ?? {}, entry) });
    counts.push(targets.length);
    found.push(...targets);
  }
  const targets = named(found, record);
  if ('status' in targets) return targets;
  let from = 0;
  return rest.map((group, index) => {
    const until = from + (counts[index] ?? 0);
    const own = targets.slice(from, until);
    from = until;
    return { ...group, targets: own };
  });
}

/** What only Systems Manager does. */
function refusedIn(entry: JsonObject): string | null {
  const unit = textsOf(entry['Accounts']).find((id) => !/^\d{12}$/.test(id));
  if (unit !== undefined)
    return `${unit} is not an account of 12 digits. Organizational units are looked up by Systems Manager alone: name the accounts of the unit`;
  if ((entry['TargetLocationAlarmConfiguration'] ?? null) !== null)
    return 'TargetLocationAlarmConfiguration is looked at by Systems Manager alone: run it with --alarm';
  return null;
}

/** Inputs of the step that goes over targets in the location; null: there are none. The entry's own win. */
function overOf(inputs: JsonObject, entry: JsonObject): JsonObject | null {
  const { Targets, TargetMaps, TargetParameterName, MaxConcurrency, MaxErrors, StrictErrors } = inputs;
  const own = Object.fromEntries(
    Object.entries(targetKeys).flatMap(([key, name]) => {
      const value = entry[key] ?? null;
      return value === null ? [] : [[name, value]];
    }),
  );
  const step = { Targets, TargetMaps, TargetParameterName, MaxConcurrency, MaxErrors, StrictErrors, ...own };
  if ('Targets' in own) step.TargetMaps = undefined;
  const given = Object.entries(step).flatMap(([name, value]): [string, Json][] =>
    value === undefined || value === null ? [] : [[name, value]],
  );
  const over = Object.fromEntries(given);
  return 'Targets' in over || 'TargetMaps' in over
    ? { ...over, Given: Object.keys(inputs['RuntimeParameters'] ?? {}) }
    : null;
}

function textsOf(value: Json | undefined): readonly string[] {
  const list = Array.isArray(value) ? (value as readonly Json[]) : [value ?? null];
  return list.flatMap((item) =>
    item === null ? [] : [typeof item === 'string' ? item : JSON.stringify(item)],
  );
}

const orElse = (list: readonly string[], own: string): readonly string[] =>
  list.length === 0 ? [own] : list;
