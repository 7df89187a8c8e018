/**
 * aws:executeAutomation: runs another runbook as an execution below this one, or has the service run it. The host finds the
 * runbook and fits its parameters; a child that was started is undone by having it climb down.
 */
import { selectOutput } from '../../document/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import type { FoundRunbook } from '../activities.ts';
import type { ChildOutcome } from '../children.ts';
import { cancelled, flowFailed, flowTimedOut, nothing, type Ending } from '../endings.ts';
import { failureOf, type Failure } from '../failure.ts';
import { backoffMs, findRunbookTimeoutMs } from '../limits.ts';
import type { ExecutionResult } from '../result.ts';
import type { Program } from '../types.ts';
import type { RunStep, StepRun } from '../step-run.ts';
import { attempted } from './attempted.ts';

export const child: RunStep = async (run) => {
  const found = await findRunbook(run);
  if ('status' in found) return found;
  if (found.kind === 'service') return attempted(run);
  // The host has made it of a document that it found sound.
  const local: Local = { ...found, program: found.program as unknown as Program };
  const parameters = await fitParameters(run, local);
  if ('status' in parameters) return parameters;
  const { frame, record, id } = run;
  for (let attempt = 1; ; attempt += 1) {
    const ending = await runChild(run, local, parameters.value, `${id}#${attempt}:child`, attempt);
    const isOver = ending.status === 'Success' || ending.status === 'Cancelled';
    if (isOver || attempt >= record.step.maxAttempts || frame.isSpent || !('failure' in ending))
      return ending;
    const { failure } = ending;
    await frame.emit({
      type: 'AttemptFailed',
      step: record.path,
      attempt,
      of: record.step.maxAttempts,
      failure,
    });
    const slept = await frame.sleep(`${id}#${attempt}:backoff`, frame.within(backoffMs(attempt)));
    if (slept === 'cancelled') return cancelled(attempt, ending.result);
  }
};

interface Local {
  readonly runbook: string;
  readonly file: string | null;
  readonly program: Program;
}

/** An ending: there is none that could be run. */
async function findRunbook({ frame, record, id }: StepRun): Promise<FoundRunbook | Ending> {
  const { DocumentName: name, DocumentVersion: version } = record.inputs ?? {};
  if (typeof name !== 'string' || name === '')
    return flowFailed(
      'INVALID_INPUT',
      `DocumentName of ${record.path} is ${JSON.stringify(name ?? null)}, and must be a name`,
    );
  const outcome = await frame.activity({
    id: `${id}:runbook`,
    kind: 'findRunbook',
    input: { name, version: version === undefined || version === null ? null : String(version) },
    step: record.path,
    token: frame.execution.id,
    timeoutMs: frame.within(findRunbookTimeoutMs),
    onLost: 'rerun',
  });
  if (outcome.status === 'ok') return outcome.value;
  return outcome.status === 'cancelled' ? cancelled(1) : failed(failureOf(outcome));
}

async function fitParameters(
  { frame, record, id }: StepRun,
  { runbook, program }: Local,
): Promise<{ readonly value: JsonObject } | Ending> {
  const given = record.inputs?.['RuntimeParameters'] ?? {};
  if (!isJsonObject(given))
    return flowFailed(
      'INVALID_INPUT',
      `RuntimeParameters of ${record.path} is ${JSON.stringify(given)}, and must be a map`,
    );
  const outcome = await frame.activity({
    id: `${id}:parameters`,
    kind: 'fitParameters',
    input: { runbook, document: program.document, given, call: `${id}#1:child` },
    step: record.path,
    token: frame.execution.id,
    timeoutMs: frame.within(findRunbookTimeoutMs),
    onLost: 'rerun',
  });
  if (outcome.status === 'ok') return { value: outcome.value };
  return outcome.status === 'cancelled' ? cancelled(1) : failed(failureOf(outcome));
}

async function runChild(
  run: StepRun,
  { runbook, file, program }: Local,
  parameters: JsonObject,
  call: string,
  attempt: number,
): Promise<Ending> {
  const { frame, record, timeoutSeconds } = run;
  const { input } = frame.execution;
  const ms = timeoutSeconds === null ? Infinity : timeoutSeconds * 1000;
  const allowedMs = frame.within(ms);
  const outcome = await frame.child({
    id: call,
    step: record.path,
    target: null,
    runbook,
    file,
    program,
    input: {
      parameters,
      // A parent that is not to be taken back has no child that is.
      rollbackWhen: input.rollbackWhen === 'never' ? 'never' : program.document.rollback.when,
      ...(input.lockWaitSeconds === undefined ? {} : { lockWaitSeconds: input.lockWaitSeconds }),
    },
    timeoutMs: allowedMs === Infinity ? null : allowedMs,
  });
  if (outcome.status === 'cancelled') return cancelled(attempt - 1);
  const { result, executionId } = outcome;
  record.children = [...(record.children ?? []), { call, executionId, result }];
  if (result.acted !== 'no') record.attempts = [...record.attempts, { token: call, handle: executionId }];
  record.hasEnded = result.acted !== 'unknown';
  const ending = endingOf(run, runbook, outcome, program.document.outputs);
  record.result = ending.result;
  return { ...ending, attempts: attempt };
}

function endingOf(
  { record, timeoutSeconds }: StepRun,
  runbook: string,
  { result, executionId, isTimedOut }: Extract<ChildOutcome, { status: 'ended' }>,
  names: readonly string[],
): Ending {
  const outputs: Record<string, Json> = {
    Output: names.map((name) => textOf(result.outputs[name])),
    ExecutionId: executionId,
    Status: isTimedOut ? 'TimedOut' : result.status,
  };
  const effect = { ...nothing, outputs, changes: result.changes ?? [], note: `${runbook}, ${executionId}` };
  if (isTimedOut) {
    const limit = timeoutSeconds === null ? 'in time' : `within ${timeoutSeconds} s`;
    const ending = flowTimedOut(
      `${runbook} (${executionId}) did not end ${limit} and was cancelled`,
      outputs,
    );
    return { ...ending, result: effect };
  }
  if (result.status === 'Cancelled') return cancelled(1, effect);
  if (result.status !== 'Success')
    return { ...failed(failureIn(result, runbook, executionId)), result: effect };
  const response = { ...outputs, Outputs: result.outputs };
  for (const { Name, Selector, Type } of record.step.outputs) {
    const selection = selectOutput(Selector, Type, response);
    if (selection.kind === 'mismatch') {
      const message = `output ${Name} of ${record.path}: ${selection.message}`;
      return { ...flowFailed('OUTPUT_MISMATCH', message, outputs), result: effect };
    }
    if (selection.kind === 'value') outputs[Name] = selection.value;
  }
  return { status: 'Success', attempts: 1, result: effect, jump: null, decidedBy: [] };
}

/** The output of a step that gave none, as the service words it: each keeps its place in the list. */
const noOutput = 'No output available yet because the step is not successfully executed';

function textOf(value: Json | undefined): string {
  if (value === undefined) return noOutput;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function failureIn(
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

function failed(failure: Failure): Ending {
  return { status: 'Failed', attempts: 1, result: nothing, failure };
}
