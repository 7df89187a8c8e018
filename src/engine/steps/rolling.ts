/**
 * belay:rolling: runs its nested steps for one target after another, or for several side by side. The gate must hold before and after each turn; the
 * error budget is looked at before each launch. A turn that began is undone with everything else, newest first.
 */
import { isJsonObject, type JsonObject } from '../../json.ts';
import type { Execution, Mode, StepRecord, Turn } from '../execution.ts';
import { prepareTimeoutMs } from '../limits.ts';
import { failureOf, type Failure } from '../failure.ts';
import { runFlow } from '../run-flow.ts';
import type { ExecutionEnding } from '../statuses.ts';
import { tokenOf, workOf } from './attempts.ts';
import { flowDone, flowFailed, type FlowEnding } from './flow-ending.ts';
import { runGate } from './gate.ts';
import { Lanes } from './lanes.ts';

type TurnEnding = { readonly status: ExecutionEnding; readonly failure: Failure | null };

/** How the rolling stands, and what it gives in the end. */
interface Tally {
  readonly targets: readonly string[];
  readonly succeeded: string[];
  readonly failed: string[];
  /** Why the latest of them failed. */
  last: Failure | null;
}

export async function rolling(
  execution: Execution,
  record: StepRecord,
  inputs: JsonObject,
  mode: Mode,
): Promise<FlowEnding> {
  const resolved = await resolveTargets(execution, record, mode);
  if ('status' in resolved) return resolved;
  const tally: Tally = { targets: ordered(resolved.targets, inputs), succeeded: [], failed: [], last: null };
  const { runtime } = execution;
  const lanes = new Lanes(runtime);
  execution.runtime = lanes;
  const isCancelled = await takeTurns(execution, record, inputs, mode, tally, lanes);
  execution.runtime = runtime;
  return isCancelled ? { status: 'Cancelled' } : endingOf(record, tally, maxErrorsOf(inputs));
}

/** Whether a person cancelled it meanwhile. Those in flight count as failed until they have come through. */
async function takeTurns(
  execution: Execution,
  record: StepRecord,
  inputs: JsonObject,
  mode: Mode,
  tally: Tally,
  lanes: Lanes,
): Promise<boolean> {
  const { targets, succeeded, failed } = tally;
  const maxUnavailable = Number(inputs['MaxUnavailable'] ?? 1);
  let launched = 0;
  let inFlight = 0;
  let isCancelled = false;
  const mayLaunch = (): boolean =>
    !isCancelled && inFlight < maxUnavailable && failed.length + inFlight <= maxErrorsOf(inputs);
  const takeOne = async (turn: Turn, number: number): Promise<void> => {
    const of = { step: record.path, target: turn.target, number, of: targets.length };
    await execution.emit({ type: 'TurnStarted', ...of });
    const ending = await takeTurn(execution, turn, inputs, mode);
    await execution.emit({ type: 'TurnEnded', ...of, ...ending });
    isCancelled ||= ending.status === 'Cancelled';
    turn.isDone = ending.status === 'Success';
    (turn.isDone ? succeeded : failed).push(turn.target);
    tally.last = ending.failure ?? tally.last;
    if (turn.isDone && launched < targets.length)
      isCancelled ||= (await bake(execution, record, turn.target, inputs, mode)) === 'cancelled';
    inFlight -= 1;
  };
  for (;;) {
    for (let target = targets[launched]; target !== undefined && mayLaunch(); target = targets[launched]) {
      launched += 1;
      inFlight += 1;
      const [turn, number] = [turnOf(record, target, targets), launched];
      await lanes.start(() => takeOne(turn, number));
    }
    if (inFlight === 0) return isCancelled;
    await lanes.untilOneEnds();
  }
}

const maxErrorsOf = (inputs: JsonObject): number => Number(inputs['MaxErrors'] ?? 0);

/** Journaled, so that a resumed rolling goes on with the targets that it began with. */
async function resolveTargets(
  execution: Execution,
  record: StepRecord,
  mode: Mode,
): Promise<FlowEnding | { readonly targets: readonly string[] }> {
  const outcome = await execution.activity({
    id: `${mode.idPrefix}${record.path}:prepare`,
    kind: 'prepare',
    input: workOf(record),
    step: record.path,
    token: tokenOf(execution, mode, record.path, 0),
    timeoutMs: execution.within(mode, prepareTimeoutMs),
    onLost: 'rerun',
    ignoreCancel: mode.ignoreCancel,
  });
  if (outcome.status === 'cancelled') return { status: 'Cancelled' };
  if (outcome.status !== 'ok') {
    const { code, message } = failureOf(outcome);
    return flowFailed(code, message);
  }
  const { observed } = outcome.value;
  const found = isJsonObject(observed) ? observed['Targets'] : undefined;
  return { targets: Array.isArray(found) ? found.map(String) : [] };
}

function ordered(targets: readonly string[], inputs: JsonObject): readonly string[] {
  return inputs['Order'] === 'reversed' ? targets.toReversed() : targets;
}

function turnOf(record: StepRecord, target: string, targets: readonly string[]): Turn {
  const others = targets.filter((other) => other !== target);
  const own: JsonObject = { Target: target, Others: others, Targets: targets };
  return { of: record, target, outputs: new Map([[record.step.name, own]]), isDone: false };
}

async function takeTurn(
  execution: Execution,
  turn: Turn,
  inputs: JsonObject,
  mode: Mode,
): Promise<TurnEnding> {
  const turnMode: Mode = { ...mode, turn };
  const before = await runGate(execution, turn, 'gate-before', turnMode);
  if (before.status !== 'Success') return before;
  let failure: Failure | null = null;
  const flow = await runFlow(
    execution,
    {
      steps: turn.of.step.nested?.['Steps'] ?? [],
      path: `${turn.of.path}@${turn.target}/`,
      planPath: `${turn.of.planPath}/Steps/`,
    },
    turnMode,
    {
      ended: (record, result) => {
        if (result.status === 'Success') return;
        const { code, message, retryable } = result.failure ?? { code: '', message: '', retryable: false };
        failure = { code, message: `${record.step.name}: ${message}`, retryable };
      },
    },
  );
  if (flow.status !== 'Success') return { status: flow.status, failure };
  return runGate(execution, turn, 'gate-after', turnMode);
}

/** The time in which a target shows whether it holds, before the next one is touched. */
async function bake(
  execution: Execution,
  record: StepRecord,
  target: string,
  inputs: JsonObject,
  mode: Mode,
): Promise<'elapsed' | 'cancelled'> {
  const seconds = Number(inputs['BakeSeconds'] ?? 0);
  if (seconds <= 0) return 'elapsed';
  await execution.emit({ type: 'StepWaiting', step: record.path, waiting: { kind: 'sleep', seconds } });
  return execution.runtime.sleep(
    `${mode.idPrefix}${record.path}@${target}:bake`,
    execution.within(mode, seconds * 1000),
    { ignoreCancel: mode.ignoreCancel },
  );
}

function endingOf(
  record: StepRecord,
  { targets, succeeded, failed, last }: Tally,
  maxErrors: number,
): FlowEnding {
  const notStarted = targets.slice(succeeded.length + failed.length);
  const outputs: JsonObject = {
    Targets: targets,
    Succeeded: succeeded,
    Failed: failed,
    NotStarted: notStarted,
  };
  const done = `${succeeded.length} of ${targets.length} targets done`;
  const words = failed.length === 0 ? done : `${done}, failed: ${failed.join(', ')}`;
  if (failed.length <= maxErrors) return flowDone(outputs, words);
  const untouched = notStarted.length === 0 ? '' : `; not begun: ${notStarted.join(', ')}`;
  const what = last === null ? '' : `: ${last.message}`;
  const message = `${record.step.name} failed at ${failed.at(-1) ?? '?'}${what} (${words}${untouched})`;
  return flowFailed(last?.code ?? 'TARGET_FAILED', message, outputs);
}
