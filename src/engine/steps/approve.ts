/** aws:approve: waits for enough of the approvers. One rejection ends it; each approver counts once. */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import type { Execution, Mode, StepRecord } from '../execution.ts';
import { notify } from '../notify.ts';
import { flowDone, flowFailed, flowTimedOut, type FlowEnding } from './flow-ending.ts';

interface Decision {
  readonly approver: string;
  readonly approved: boolean;
  readonly comment: string;
  readonly at: number;
}

export async function approve(
  execution: Execution,
  record: StepRecord,
  inputs: JsonObject,
  timeoutSeconds: number,
  mode: Mode,
): Promise<FlowEnding> {
  const { path } = record;
  const id = `${mode.idPrefix}${path}`;
  const approvers = Array.isArray(inputs['Approvers']) ? inputs['Approvers'].map(String) : [];
  const wanted = Number(inputs['MinRequiredApprovals'] ?? 1);
  if (approvers.length === 0) return flowFailed('INVALID_INPUT', `${path} names no approvers`);
  if (!(wanted >= 1 && wanted <= approvers.length)) {
    return flowFailed(
      'INVALID_INPUT',
      `MinRequiredApprovals is ${wanted}, but ${path} names ${approvers.length} approvers`,
    );
  }
  const message = typeof inputs['Message'] === 'string' ? inputs['Message'] : '';
  const deadlineAt = (await execution.now(`${id}:start`)) + timeoutSeconds * 1000;
  const decisions: Decision[] = [];
  for (let turn = 1; decisions.length < wanted; turn += 1) {
    await execution.emit({
      type: 'StepWaiting',
      step: path,
      waiting: { kind: 'approval', message, approvers, wanted, given: decisions.length, timeoutSeconds },
    });
    if (turn === 1) await notifyApprovers(execution, record, inputs, message, mode);
    const left = Math.max(0, deadlineAt - execution.lastAt);
    const answer = await execution.person(`${id}:signal${turn}`, `approve:${path}`, left, mode);
    if (answer.status === 'cancelled') return { status: 'Cancelled' };
    if (answer.status === 'timeout') {
      return flowTimedOut(
        `${path} got ${decisions.length} of ${wanted} approvals within ${timeoutSeconds} s`,
        outputs('Waiting', decisions),
      );
    }
    const decision = decisionOf(answer.value, answer.at);
    if (decision === null || !approvers.includes(decision.approver)) continue;
    if (decisions.some(({ approver }) => approver === decision.approver)) continue;
    decisions.push(decision);
    if (!decision.approved) {
      const comment = decision.comment === '' ? '' : `: ${decision.comment}`;
      return flowFailed(
        'REJECTED',
        `${decision.approver} rejected ${path}${comment}`,
        outputs('Rejected', decisions),
      );
    }
  }
  return flowDone(
    outputs('Approved', decisions),
    `by ${decisions.map(({ approver }) => approver).join(', ')}`,
  );
}

function decisionOf(value: Json, at: number): Decision | null {
  if (!isJsonObject(value) || typeof value['approver'] !== 'string') return null;
  const comment = typeof value['comment'] === 'string' ? value['comment'] : '';
  return { approver: value['approver'], approved: value['decision'] === 'approve', comment, at };
}

/** Names as SSM's output has them. */
function outputs(status: 'Approved' | 'Rejected' | 'Waiting', decisions: readonly Decision[]): JsonObject {
  return {
    ApprovalStatus: status,
    ApproverDecisions: decisions.map(({ approver, approved, comment, at }) => ({
      Approver: approver,
      ApprovalStatus: approved ? 'Approve' : 'Reject',
      ApprovalDecisionTime: new Date(at).toISOString(),
      Comment: comment,
    })),
  };
}

async function notifyApprovers(
  execution: Execution,
  record: StepRecord,
  inputs: JsonObject,
  message: string,
  mode: Mode,
): Promise<void> {
  const topic = inputs['NotificationArn'];
  if (typeof topic !== 'string' || topic === '') return;
  const { path } = record;
  await notify(execution, `${mode.idPrefix}${path}:notify`, path, {
    topic,
    subject: `Approval wanted: ${path}`,
    message: `${message}\nbelay approve ${execution.runtime.executionId} --step ${path}`,
  });
}
