/** aws:approve: waits for enough of the approvers. One rejection ends it; each approver counts once. */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { cancelled, flowDone, flowFailed, flowTimedOut } from '../endings.ts';
import { approvalTimeoutSecondsDefault } from '../limits.ts';
import { notify } from '../notify.ts';
import type { RunStep, StepRun } from '../step-run.ts';
import { approvalsOf } from './approvers.ts';

interface Decision {
  readonly approver: string;
  readonly approved: boolean;
  readonly comment: string;
  readonly at: number;
}

export const approve: RunStep = async (run) => {
  const { frame, record, id } = run;
  const { path } = record;
  const inputs = record.inputs ?? {};
  const timeoutSeconds = run.timeoutSeconds ?? approvalTimeoutSecondsDefault;
  const { approvers, wanted } = approvalsOf(inputs);
  if (approvers.length === 0) return flowFailed('INVALID_INPUT', `${path} names no approvers`);
  if (!(wanted >= 1 && wanted <= approvers.length)) {
    return flowFailed(
      'INVALID_INPUT',
      `MinRequiredApprovals is ${wanted}, but ${path} names ${approvers.length} approvers`,
    );
  }
  const message = typeof inputs['Message'] === 'string' ? inputs['Message'] : '';
  const deadlineAt = (await frame.now(`${id}:start`)) + timeoutSeconds * 1000;
  const decisions: Decision[] = [];
  for (let turn = 1; decisions.length < wanted; turn += 1) {
    await frame.emit({
      type: 'StepWaiting',
      step: path,
      waiting: { kind: 'approval', message, approvers, wanted, given: decisions.length, timeoutSeconds },
    });
    if (turn === 1) await notifyApprovers(run, inputs, message);
    const left = Math.max(0, deadlineAt - frame.execution.lastAt);
    const answer = await frame.person(`${id}:signal${turn}`, `approve:${path}`, left);
    if (answer.status === 'cancelled') return cancelled(1);
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
};

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
  { frame, record: { path }, id }: StepRun,
  inputs: JsonObject,
  message: string,
): Promise<void> {
  const enhanced = inputs['EnhancedApprovals'];
  const topic =
    inputs['NotificationArn'] ?? (isJsonObject(enhanced) ? enhanced['NotificationArn'] : undefined);
  if (typeof topic !== 'string' || topic === '') return;
  await notify(frame, `${id}:notify`, path, {
    topic,
    subject: `Approval wanted: ${path}`,
    message: `${message}\nbelay approve ${frame.execution.id} --step ${path}`,
  });
}
