/** The interpreter: runs a program forward, climbs back down where its policy says so, and ends with both statuses. */
import type { Json, JsonObject } from '../json.ts';
import { betweenSteps } from './between-steps.ts';
import { Execution } from './execution.ts';
import { deadlineAfter, Frame, type ListResult } from './frame.ts';
import { decisionTimeoutSeconds } from './limits.ts';
import { lockAgain, lockDocument, unlock } from './locks.ts';
import { notify } from './notify.ts';
import { lookAgain } from './look-again.ts';
import { observeLeft } from './left.ts';
import { lookForOutdated, outdatedOf } from './outdated.ts';
import type { Runtime } from './ports.ts';
import { owed, rollback, rollbackStatus } from './rollback.ts';
import { runList } from './run-list.ts';
import { failureIn } from './endings.ts';
import type { Failure } from './failure.ts';
import type { ExecutionResult } from './result.ts';
import { resolve } from './scope.ts';
import { standing } from './standing.ts';
import { initialize } from './variables.ts';
import type { ExecutionInput, Program, RollbackRequest } from './types.ts';

/** Deterministic over the runtime: see ports.ts. Throws only what the host throws. */
export async function runExecution(
  runtime: Runtime,
  program: Program,
  input: ExecutionInput,
): Promise<ExecutionResult> {
  const execution = new Execution(runtime.executionId, program, input);
  const frame = new Frame({
    execution,
    runtime,
    runList,
    scope: execution.scope,
    idPrefix: '',
    ignoreCancel: false,
    deadline: null,
    rollback: null,
  });
  const { document } = program;
  await frame.emit({
    type: 'ExecutionStarted',
    steps: document.mainSteps.map(({ name, action }) => ({ name, action })),
  });
  const forward = await runForward(frame);
  await frame.emit({
    type: 'ForwardEnded',
    status: forward.status,
    failedStep: forward.failedStep,
    ...(forward.wasCompleted ? { completed: true } : {}),
  });
  const after = frame.with({ ignoreCancel: true });
  await observeLeft(after, 'left/');
  await tell(after, 'failed', forward);
  if (forward.status !== 'Success' && (await wantsRollback(after))) {
    await rollback(after, 0, { force: true });
    await tell(after, 'rolledBack', forward);
  }
  await giveBack(after);
  const outputs = outputsOf(execution);
  const ended = () => ({ status: forward.status, rollbackStatus: rollbackStatus(execution), outputs });
  await after.emit({ type: 'ExecutionEnded', ...ended() });
  for (const [index, request] of input.rollbackRequests.entries()) {
    await rollbackLater(after, index + 1, request);
    await after.emit({ type: 'ExecutionEnded', ...ended() });
  }
  const { failedStep, failure } = forward;
  return {
    ...ended(),
    failedStep,
    failure,
    owed: owed(execution).length,
    ...standing(execution),
    locks: [...execution.locks],
  };
}

/** A child's locks are the root's, which may have it climb down yet. */
async function giveBack(frame: Frame): Promise<void> {
  if (frame.execution.input.parent === undefined) await unlock(frame);
}

/** Of an execution that has ended: nobody may be at work on what it held. */
async function rollbackLater(after: Frame, pass: number, request: RollbackRequest): Promise<void> {
  const idPrefix = `rollback${pass}/`;
  const frame = after.with({ idPrefix });
  if (owed(after.execution, request.step).length === 0) {
    const hadOutdated = outdatedOf(after.execution).length > 0;
    await lookForOutdated(frame, idPrefix);
    if (hadOutdated)
      await after.emit({ type: 'RollbackEnded', pass, status: rollbackStatus(after.execution) });
    await lookAgain(after, pass, request);
    return;
  }
  const held = await lockAgain(frame, request.lockWaitSeconds);
  if (held.kind !== 'taken') return;
  await rollback(after, pass, request);
  await giveBack(frame);
}

type Forward = ListResult & {
  readonly failure: Failure | null;
  /** A person had it end before a further step. */
  readonly wasCompleted?: boolean;
};

async function runForward(frame: Frame): Promise<Forward> {
  const { execution } = frame;
  const { document } = execution.program;
  if (execution.input.location === undefined && (document.assumeRole ?? '') !== '') {
    const role = await resolve(frame, document.assumeRole ?? '', 'assumeRole');
    if (role.ok && typeof role.value === 'string' && role.value !== '') execution.assumeRole = role.value;
  }
  await initialize(frame);
  const locks = await lockDocument(frame);
  const end = { kind: 'aborted' } as const;
  if (locks.kind === 'refused') return { status: 'Failed', failedStep: null, end, failure: locks.failure };
  if (locks.kind === 'cancelled') return { status: 'Cancelled', failedStep: null, end, failure: null };
  const failures = new Map<string, Failure | null>();
  const list = { steps: document.mainSteps, path: '', planPath: '' };
  const limitedFrame = await limited(frame);
  const person = betweenSteps(limitedFrame);
  const forward = await frame.runList(limitedFrame, list, {
    ended: ({ path }, ending) => failures.set(path, failureIn(ending)),
    between: person.between,
  });
  const failure = failures.get(forward.failedStep ?? '') ?? null;
  return { ...forward, failure, wasCompleted: person.wasCompleted() };
}

/** The document's own limit of the forward flow, where it has one. */
async function limited(frame: Frame): Promise<Frame> {
  const { execution } = frame;
  const { timeoutSeconds } = execution.program.document;
  if (timeoutSeconds === undefined) return frame;
  const since = await frame.now('forward:start');
  return frame.with({ deadline: deadlineAfter(execution, since, timeoutSeconds * 1000) });
}

async function wantsRollback(frame: Frame): Promise<boolean> {
  const { execution } = frame;
  switch (execution.input.rollbackWhen) {
    case 'never':
      return false;
    case 'onFailure':
      return true;
    case 'ask': {
      const steps = owed(execution).map(({ path }) => path);
      if (steps.length === 0) return false;
      await frame.emit({
        type: 'StepWaiting',
        step: 'rollback',
        waiting: { kind: 'rollbackDecision', steps },
      });
      const answer = await frame.runtime.waitForSignal(
        'rollback:ask',
        'rollback',
        decisionTimeoutSeconds * 1000,
        { ignoreCancel: true },
      );
      return answer.status === 'signal' && answer.value === 'yes';
    }
    default:
      return execution.input.rollbackWhen satisfies never;
  }
}

function outputsOf({ program, scope }: Execution): JsonObject {
  const outputs: Record<string, Json> = {};
  for (const name of program.document.outputs) {
    const [step = '', output = ''] = name.split('.');
    const value = scope.outputs.get(step)?.[output];
    if (value !== undefined) outputs[name] = value;
  }
  return outputs;
}

/** `notify:` publishes failure and the rollback's outcome; a failed publish never changes a status. */
async function tell(frame: Frame, what: 'failed' | 'rolledBack', forward: ListResult): Promise<void> {
  const { execution } = frame;
  const { notify: to, description } = execution.program.document;
  if (to?.sns === undefined || forward.status === 'Success') return;
  const id = `notify:${what}`;
  const topic = await resolve(frame, to.sns, id);
  if (!topic.ok || typeof topic.value !== 'string') return;
  const status =
    what === 'failed'
      ? `${forward.status} at ${forward.failedStep ?? '?'}`
      : `rollback ${rollbackStatus(execution)}`;
  await notify(frame, id, 'notify', {
    topic: topic.value,
    subject: `Belay: ${status}`,
    message: `${description ?? 'Runbook'}\n${status}\nbelay show ${execution.id}`,
  });
}
