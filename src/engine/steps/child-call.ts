/** One child of a step: its parameters, its run, and what it came to. */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import type { FoundRunbook } from '../activities.ts';
import type { ChildOutcome } from '../children.ts';
import { cancelled, flowFailed, nothing, type Ending } from '../endings.ts';
import { failureOf, type Failure } from '../failure.ts';
import type { Frame } from '../frame.ts';
import { findRunbookTimeoutMs } from '../limits.ts';
import type { StepRecord } from '../records.ts';
import type { ExecutionResult } from '../result.ts';
import type { Location } from '../types.ts';

/** A runbook that was found, and can be run here. */
export type Local = Extract<FoundRunbook, { kind: 'runbook' }>;

/** The step, and where this child of it runs. */
export interface Calling {
  readonly frame: Frame;
  readonly record: StepRecord;
  /** Of the call, unique in the execution: `Patch#1:child`, `PatchAll@db1:child`. */
  readonly call: string;
  /** What the child works on; null: the step has no targets. */
  readonly target: string | null;
  /** Seconds for the child; null: no limit. */
  readonly timeoutSeconds: number | null;
  /** Where it acts; absent: where the execution does. */
  readonly location?: Location;
}

/** An ending: the runbook cannot have these. */
export async function fitParameters(
  { frame, record, call, location }: Calling,
  { runbook, program }: Local,
  given: Json,
): Promise<{ readonly value: JsonObject } | Ending> {
  if (!isJsonObject(given))
    return flowFailed(
      'INVALID_INPUT',
      `RuntimeParameters of ${record.path} is ${JSON.stringify(given)}, and must be a map`,
    );
  const outcome = await frame.activity({
    id: `${call}:parameters`,
    kind: 'fitParameters',
    input: { runbook, document: program.document, given, call },
    step: record.path,
    token: frame.execution.id,
    timeoutMs: frame.within(findRunbookTimeoutMs),
    onLost: 'rerun',
    ...(location === undefined ? {} : { location }),
  });
  if (outcome.status === 'ok') return { value: outcome.value };
  return outcome.status === 'cancelled' ? cancelled(1) : failed(failureOf(outcome));
}

/** Runs the child to its end. What it left is in the step's record then. */
export async function runChild(
  { frame, record, call, target, timeoutSeconds, location = frame.execution.input.location }: Calling,
  { runbook, file, program }: Local,
  parameters: JsonObject,
): Promise<ChildOutcome> {
  const { input } = frame.execution;
  const allowedMs = frame.within(timeoutSeconds === null ? Infinity : timeoutSeconds * 1000);
  const outcome = await frame.child({
    id: call,
    step: record.path,
    target,
    runbook,
    file,
    program,
    input: {
      parameters,
      // A parent that is not to be taken back has no child that is.
      rollbackWhen: input.rollbackWhen === 'never' ? 'never' : program.document.rollback.when,
      ...(location === undefined ? {} : { location }),
      ...(input.lockWaitSeconds === undefined ? {} : { lockWaitSeconds: input.lockWaitSeconds }),
    },
    timeoutMs: allowedMs === Infinity ? null : allowedMs,
  });
  if (outcome.status === 'cancelled') return outcome;
  const { executionId, result } = outcome;
  const { owed, acted, byWord } = result;
  const children = (record.children ??= []);
  children.push({ call, executionId, owed, acted, byWord });
  if (acted !== 'no') record.attempts = [{ token: record.path, handle: null }];
  record.hasEnded = children.every((each) => each.acted !== 'unknown');
  return outcome;
}

/** Why a child did not end well. */
export function failureIn(
  { status, failedStep, failure }: ExecutionResult,
  runbook: string,
  executionId: string,
): Failure {
  const where = failedStep === null ? '' : ` at ${failedStep}`;
  const why = failure === null ? '' : `: ${failure.message}`;
  const how = status === 'TimedOut' ? 'timed out' : 'failed';
  return {
    code: failure?.code ?? 'CHILD_FAILED',
    message: `${runbook} (${executionId}) ${how}${where}${why}`,
    retryable: failure?.retryable ?? false,
  };
}

export function failed(failure: Failure): Ending {
  return { status: 'Failed', attempts: 1, result: nothing, failure };
}
