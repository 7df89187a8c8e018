/** The story of one step: its inputs, the state before it, its effect with all tries, what it gave. */
import type { Reference } from '../document/index.ts';
import type { Capture } from '../document/types.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { reachOf } from './account/reach.ts';
import type { Execution, Mode, StepRecord } from './execution.ts';
import { approvalTimeoutSecondsDefault, prepareTimeoutMs } from './limits.ts';
import { lockStep } from './locks.ts';
import { failureOf, type Failure } from './failure.ts';
import { resolve } from './scope.ts';
import type { StepEnding } from './statuses.ts';
import { approve } from './steps/approve.ts';
import { attempts, noteTries, timeoutSecondsOf, tokenOf, workOf } from './steps/attempts.ts';
import { branch } from './steps/branch.ts';
import type { FlowEnding } from './steps/flow-ending.ts';
import { pause } from './steps/pause.ts';
import { rolling } from './steps/rolling.ts';
import { sleep } from './steps/sleep.ts';
import type { EffectResult } from './types.ts';

export interface StepResult {
  readonly status: StepEnding;
  readonly failure: Failure | null;
  /** A branch's target. */
  readonly jump: string | null;
  readonly decidedBy: readonly Reference[];
}

interface Ended {
  readonly status: StepEnding;
  readonly failure: Failure | null;
  readonly attempts: number;
  readonly result: EffectResult;
  readonly jump?: string | null;
  readonly decidedBy?: readonly Reference[];
}

const nothing: EffectResult = { outputs: {}, changes: [], restorePoints: [], targets: [], note: '' };

/** Runs one step to its end. Never throws for what a step can do wrong. */
export async function runStep(execution: Execution, record: StepRecord, mode: Mode): Promise<StepResult> {
  const { step, path } = record;
  const ended = simulated(execution, record, await run(execution, record, mode));
  record.status = ended.status;
  record.result = ended.result;
  execution.outputsOf(mode).set(step.name, ended.result.outputs);
  await execution.afterStep(record, mode);
  await execution.emit({
    type: 'StepEnded',
    step: path,
    status: ended.status,
    attempts: ended.attempts,
    ...ended.result,
    failure: ended.failure,
    critical: step.isCritical,
    acted: actedOf(record, ended),
    ...withoutUndo(record, ended.result),
  });
  return {
    status: ended.status,
    failure: ended.failure,
    jump: ended.jump ?? null,
    decidedBy: ended.decidedBy ?? [],
  };
}

/** By the tries that may have acted; what ran to its end is known to have, whatever it said. */
function actedOf({ attempts, hasEnded }: StepRecord, { status }: Ended): 'no' | 'yes' | 'unknown' {
  if (attempts.length === 0) return 'no';
  return status === 'Success' || hasEnded ? 'yes' : 'unknown';
}

/** Of a step that has no undo and cannot tell what it changed, nobody may say that nothing was changed. */
function withoutUndo(
  { step, descriptor, attempts }: StepRecord,
  { changes }: EffectResult,
): { readonly untold?: string; readonly noUndo?: string } {
  if (attempts.length === 0 || step.undo.kind === 'steps') return {};
  const isTold = changes.length > 0;
  // Its author knows better than the action.
  if (step.undo.kind === 'none') return isTold ? { noUndo: step.undo.reason } : {};
  const { undo } = descriptor;
  if (undo.kind !== 'none' || !undo.leavesChange) return {};
  return isTold ? { noUndo: undo.reason } : { untold: undo.reason };
}

async function run(execution: Execution, record: StepRecord, mode: Mode): Promise<Ended> {
  const { step, path, descriptor } = record;
  const id = `${mode.idPrefix}${path}`;
  const isBranch = descriptor.flow === 'branch';
  const inputs = isBranch
    ? { ok: true as const, value: step.inputs }
    : await resolve(execution, step.inputs, id, mode);
  const shown = inputs.ok && isJsonObject(inputs.value) ? inputs.value : step.inputs;
  await execution.emit({
    type: 'StepStarted',
    step: path,
    action: step.action,
    inputs: shown,
    reach: reachOf(step, descriptor),
  });
  if (!inputs.ok) return failed(inputs.failure);
  record.inputs = shown;
  const limit = await resolve(execution, step.timeoutSeconds ?? null, `${id}:limit`, mode);
  const timeoutSeconds = limit.ok ? timeoutSecondsOf(record, limit.value) : null;
  if (timeoutSeconds === null) {
    return failed({
      code: 'INVALID_INPUT',
      message: `timeoutSeconds of ${path} is no positive number`,
      retryable: false,
    });
  }
  if (execution.within(mode, 1) === 0) {
    return {
      status: 'TimedOut',
      failure: { code: 'TIMED_OUT', message: `no time was left for ${path}`, retryable: false },
      attempts: 0,
      result: nothing,
    };
  }
  const locks = await lockStep(execution, record, mode);
  if (locks.kind === 'refused') return failed(locks.failure);
  if (locks.kind === 'cancelled') return { status: 'Cancelled', failure: null, attempts: 0, result: nothing };
  if (descriptor.flow !== null) {
    const seconds = limit.ok && limit.value !== null ? timeoutSeconds : approvalTimeoutSecondsDefault;
    return flowEnded(await runFlowStep(execution, record, shown, seconds, mode));
  }
  const unprepared = await prepare(execution, record, mode);
  if (unprepared !== null) return unprepared;
  const { ending, attempts: tries } = await attempts(execution, {
    id,
    path,
    work: workOf(record),
    isBegun: descriptor.effect === 'begun',
    triesMax: step.maxAttempts,
    timeoutMs: timeoutSeconds * 1000,
    mode,
    tried: noteTries(record),
  });
  switch (ending.status) {
    case 'Success':
      return { status: 'Success', failure: null, attempts: tries, result: ending.result };
    case 'Failed':
    case 'TimedOut':
      return {
        status: ending.status,
        failure: ending.failure,
        attempts: tries,
        result: record.result ?? nothing,
      };
    case 'Cancelled':
      return { status: 'Cancelled', failure: null, attempts: tries, result: record.result ?? nothing };
    default:
      return ending satisfies never;
  }
}

/** Checks the inputs and journals the state before the effect; null when all is well. */
async function prepare(execution: Execution, record: StepRecord, mode: Mode): Promise<Ended | null> {
  const { step, path, descriptor } = record;
  const captures =
    Object.keys(step.capture).length > 0 ? await resolveCaptures(execution, record, mode) : null;
  if (captures !== null && !captures.ok) return failed(captures.failure);
  if (!descriptor.observes && captures === null) return null;
  const outcome = await execution.activity({
    id: `${mode.idPrefix}${path}:prepare`,
    kind: 'prepare',
    input: { ...workOf(record), ...(captures === null ? {} : { captures: captures.value }) },
    step: path,
    token: tokenOf(execution, mode, path, 0),
    timeoutMs: execution.within(mode, prepareTimeoutMs),
    onLost: 'rerun',
    ignoreCancel: mode.ignoreCancel,
  });
  if (outcome.status === 'ok') {
    record.before = outcome.value.observed;
    record.captures = outcome.value.captures;
    return null;
  }
  if (outcome.status === 'cancelled')
    return { status: 'Cancelled', failure: null, attempts: 0, result: nothing };
  const failure = failureOf(outcome);
  return failed({ ...failure, message: `before ${path}: ${failure.message}` });
}

/** Commands of captures are never resolved: a value must not become shell text. */
async function resolveCaptures(execution: Execution, record: StepRecord, mode: Mode) {
  const captures: Record<string, Capture> = {};
  for (const [name, capture] of Object.entries(record.step.capture)) {
    captures[name] = capture;
    if (capture.kind === 'command') continue;
    const id = `${mode.idPrefix}${record.path}:capture:${name}`;
    const inputs = await resolve(execution, capture.inputs, id, mode);
    if (!inputs.ok) return inputs;
    captures[name] = { ...capture, inputs: isJsonObject(inputs.value) ? inputs.value : {} };
  }
  return { ok: true as const, value: captures };
}

async function runFlowStep(
  execution: Execution,
  record: StepRecord,
  inputs: JsonObject,
  seconds: number,
  mode: Mode,
): Promise<FlowEnding> {
  switch (record.descriptor.flow) {
    case 'branch':
      return branch(execution, record, mode);
    case 'sleep':
      return sleep(execution, record, inputs, mode);
    case 'pause':
      return pause(execution, record, inputs, seconds, mode);
    case 'approve':
      return approve(execution, record, inputs, seconds, mode);
    case 'rolling':
      return rolling(execution, record, inputs, mode);
    case null:
      throw new Error(`${record.path} is no flow step`);
    default:
      return record.descriptor.flow satisfies never;
  }
}

function flowEnded(ending: FlowEnding): Ended {
  if (ending.status === 'Cancelled')
    return { status: 'Cancelled', failure: null, attempts: 1, result: nothing };
  if (ending.status !== 'Success') {
    return {
      status: ending.status,
      failure: ending.failure,
      attempts: 1,
      result: { ...nothing, outputs: ending.outputs },
    };
  }
  const result = { ...nothing, outputs: ending.outputs, note: ending.note };
  return {
    status: 'Success',
    failure: null,
    attempts: 1,
    result,
    jump: ending.jump,
    decidedBy: ending.decidedBy,
  };
}

function failed(failure: Failure): Ended {
  return { status: 'Failed', failure, attempts: 0, result: nothing };
}

/** `--fail-at`: the step has acted; now it counts as failed and gives nothing. */
function simulated(execution: Execution, record: StepRecord, ended: Ended): Ended {
  if (execution.input.failAt !== record.path || ended.status !== 'Success') return ended;
  const failure = {
    code: 'SIMULATED',
    message: `${record.path} was made to fail by --fail-at`,
    retryable: false,
  };
  return {
    status: 'Failed',
    failure,
    attempts: ended.attempts,
    result: { ...ended.result, outputs: {}, note: '' },
  };
}
