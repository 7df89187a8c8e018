/** The interpreter: runs a program forward, climbs back down where its policy says so, and ends with both statuses. */
import type { Json } from '../json.ts';
import { observeAfter } from './drift.ts';
import { Execution, forward, type Mode } from './execution.ts';
import { decisionTimeoutSeconds } from './limits.ts';
import { lockAgain, lockDocument, unlock } from './locks.ts';
import { notify } from './notify.ts';
import type { Runtime } from './ports.ts';
import { observeLeft, owed, rollback, rollbackStatus } from './rollback.ts';
import { runFlow, type FlowResult } from './run-flow.ts';
import { resolve } from './scope.ts';
import type { ExecutionEnding, RollbackStatus } from './statuses.ts';
import type { ExecutionInput, Program, RollbackRequest } from './types.ts';

export interface ExecutionResult {
  readonly status: ExecutionEnding;
  readonly rollbackStatus: RollbackStatus;
  readonly outputs: Readonly<Record<string, Json>>;
}

/** Deterministic over the runtime: see ports.ts. Throws only what the host throws. */
export async function runExecution(
  runtime: Runtime,
  program: Program,
  input: ExecutionInput,
): Promise<ExecutionResult> {
  const execution = new Execution(runtime, program, input);
  execution.afterStep = (record, mode) => observeAfter(execution, record, mode);
  const { document } = program;
  await execution.emit({
    type: 'ExecutionStarted',
    steps: document.mainSteps.map(({ name, action }) => ({ name, action })),
  });
  const flow = await runForward(execution);
  await execution.emit({ type: 'ForwardEnded', status: flow.status, failedStep: flow.failedStep });
  const detached: Mode = { ...forward, ignoreCancel: true };
  await observeLeft(execution, 'left/', detached);
  await tell(execution, 'failed', flow, detached);
  if (flow.status !== 'Success' && (await wantsRollback(execution))) {
    await rollback(execution, 0, { force: true });
    await tell(execution, 'rolledBack', flow, detached);
  }
  await unlock(execution, '');
  const result = await ended(execution, flow);
  for (const [index, request] of input.rollbackRequests.entries()) {
    await rollbackLater(execution, index + 1, request);
    await execution.emit({ type: 'ExecutionEnded', ...result, rollbackStatus: rollbackStatus(execution) });
  }
  return { ...result, rollbackStatus: rollbackStatus(execution) };
}

/** Of an execution that has ended: nobody may be at work on what it held. */
async function rollbackLater(execution: Execution, pass: number, request: RollbackRequest): Promise<void> {
  if (owed(execution, request.step).length === 0) return;
  const idPrefix = `rollback${pass}/`;
  const mode = { ...forward, idPrefix, ignoreCancel: true };
  const held = await lockAgain(execution, mode, request.lockWaitSeconds);
  if (held.kind !== 'taken') return;
  await rollback(execution, pass, request);
  await unlock(execution, idPrefix);
}

async function runForward(execution: Execution): Promise<FlowResult> {
  const { document } = execution.program;
  if (document.assumeRole !== undefined && document.assumeRole !== '') {
    const role = await resolve(execution, document.assumeRole, 'assumeRole', forward);
    if (role.ok && typeof role.value === 'string' && role.value !== '') execution.assumeRole = role.value;
  }
  const locks = await lockDocument(execution, forward);
  if (locks.kind === 'refused') return { status: 'Failed', failedStep: null };
  if (locks.kind === 'cancelled') return { status: 'Cancelled', failedStep: null };
  return runFlow(execution, { steps: document.mainSteps, path: '', planPath: '' }, await limited(execution));
}

/** The document's own limit of the forward flow, where it has one. */
async function limited(execution: Execution): Promise<Mode> {
  const { timeoutSeconds } = execution.program.document;
  if (timeoutSeconds === undefined) return forward;
  const deadline = execution.deadline(await execution.now('forward:start'), timeoutSeconds * 1000);
  return { ...forward, deadline };
}

async function wantsRollback(execution: Execution): Promise<boolean> {
  switch (execution.input.rollbackWhen) {
    case 'never':
      return false;
    case 'onFailure':
      return true;
    case 'ask': {
      const steps = owed(execution).map(({ path }) => path);
      if (steps.length === 0) return false;
      await execution.emit({
        type: 'StepWaiting',
        step: 'rollback',
        waiting: { kind: 'rollbackDecision', steps },
      });
      const answer = await execution.runtime.waitForSignal(
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

async function ended(execution: Execution, flow: FlowResult): Promise<ExecutionResult> {
  const outputs: Record<string, Json> = {};
  for (const name of execution.program.document.outputs) {
    const [step = '', output = ''] = name.split('.');
    const value = execution.outputs.get(step)?.[output];
    if (value !== undefined) outputs[name] = value;
  }
  const result = { status: flow.status, rollbackStatus: rollbackStatus(execution), outputs };
  await execution.emit({ type: 'ExecutionEnded', ...result });
  return result;
}

/** `notify:` publishes failure and the rollback's outcome; a failed publish never changes a status. */
async function tell(
  execution: Execution,
  what: 'failed' | 'rolledBack',
  flow: FlowResult,
  mode: Mode,
): Promise<void> {
  const { notify: to, description } = execution.program.document;
  if (to === undefined || flow.status === 'Success') return;
  const id = `notify:${what}`;
  const topic = await resolve(execution, to.sns, id, mode);
  if (!topic.ok || typeof topic.value !== 'string') return;
  const status =
    what === 'failed'
      ? `${flow.status} at ${flow.failedStep ?? '?'}`
      : `rollback ${rollbackStatus(execution)}`;
  await notify(execution, id, 'notify', {
    topic: topic.value,
    subject: `Belay: ${status}`,
    message: `${description ?? 'Runbook'}\n${status}\nbelay show ${execution.runtime.executionId}`,
  });
}
