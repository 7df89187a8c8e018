/**
 * aws:executeAutomation: runs another runbook as an execution below this one, or as one for each target, or has the service run it.
 * The host finds the runbook and fits its parameters; a child that was started is undone by having it climb down.
 */
import { embeddedText, isRunbookFile, selectOutput } from '../../document/index.ts';
import type { Json } from '../../json.ts';
import type { FoundRunbook } from '../activities.ts';
import type { ChildOutcome } from '../children.ts';
import { cancelled, flowFailed, flowTimedOut, nothing, type Ending } from '../endings.ts';
import { failureOf } from '../failure.ts';
import { backoffMs, findRunbookTimeoutMs } from '../limits.ts';
import type { RunStep, StepRun } from '../step-run.ts';
import { attempted } from './attempted.ts';
import { failed, failureIn, fitParameters, runChild, type Calling, type Local } from './child-call.ts';
import { overLocations } from './child-locations.ts';
import { hasTargets, overTargets } from './child-targets.ts';

export const child: RunStep = async (run) => {
  const { TargetLocations: locations = null, DocumentName: name } = run.record.inputs ?? {};
  // Other accounts and regions: what the service has it runs there, and a file is run from here.
  if (locations !== null && !isRunbookFile(name)) return attempted(run);
  const found = await findRunbook(run);
  if ('status' in found) return found;
  if (found.kind === 'service') return attempted(run);
  if (locations !== null) return overLocations(run, found);
  return hasTargets(run.record) ? overTargets(run, found) : one(run, found);
};

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
    input: { name, version: version === undefined || version === null ? null : embeddedText(version) },
    step: record.path,
    token: frame.execution.id,
    timeoutMs: frame.within(findRunbookTimeoutMs),
    onLost: 'rerun',
  });
  if (outcome.status === 'ok') return outcome.value;
  return outcome.status === 'cancelled' ? cancelled(1) : failed(failureOf(outcome));
}

async function one({ frame, record, id, timeoutSeconds }: StepRun, local: Local): Promise<Ending> {
  const { maxAttempts } = record.step;
  for (let attempt = 1; ; attempt += 1) {
    const calling = { frame, record, call: `${id}#${attempt}:child`, target: null, timeoutSeconds };
    const ending = { ...(await attemptOf(calling, local)), attempts: attempt };
    const isOver = ending.status === 'Success' || ending.status === 'Cancelled' || !('failure' in ending);
    if (isOver || attempt >= maxAttempts || frame.isSpent) return ending;
    const { failure } = ending;
    await frame.emit({ type: 'AttemptFailed', step: record.path, attempt, of: maxAttempts, failure });
    const slept = await frame.sleep(`${id}#${attempt}:backoff`, frame.within(backoffMs(attempt)));
    if (slept === 'cancelled') return cancelled(attempt, ending.result);
  }
}

async function attemptOf(calling: Calling, local: Local): Promise<Ending> {
  const { record } = calling;
  const parameters = await fitParameters(calling, local, record.inputs?.['RuntimeParameters'] ?? {});
  if ('status' in parameters) return parameters;
  const outcome = await runChild(calling, local, parameters.value);
  if (outcome.status === 'cancelled') return cancelled(1);
  const ending = endingOf(calling, local, outcome);
  record.result = ending.result;
  return ending;
}

function endingOf(
  { record, timeoutSeconds }: Calling,
  { runbook, program }: Local,
  { result, executionId, isTimedOut }: Extract<ChildOutcome, { status: 'ended' }>,
): Ending {
  const outputs: Record<string, Json> = {
    Output: program.document.outputs.map((name) => textOf(result.outputs[name])),
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
