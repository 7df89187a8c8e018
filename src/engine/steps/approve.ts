/** aws:approve: waits for enough of the approvers. One rejection ends it; each approver counts once. */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { cancelled, flowDone, flowFailed, flowTimedOut } from '../endings.ts';
import type { DecisionAnswer, InputOf } from '../activities.ts';
import { approvalTimeoutSecondsDefault, decisionTimeoutMs } from '../limits.ts';
import { notify } from '../notify.ts';
import type { RunStep, StepRun } from '../step-run.ts';
import { approvalsOf, isEnough } from './approvers.ts';

interface Decision {
  readonly approver: string;
  readonly approved: boolean;
  readonly comment: string;
  readonly at: number;
  /** Who signed it, and with which key. */
  readonly signed?: { readonly person: string; readonly key: string };
}

export const approve: RunStep = async (run) => {
  const { frame, record, id } = run;
  const { path } = record;
  const inputs = record.inputs ?? {};
  const timeoutSeconds = run.timeoutSeconds ?? approvalTimeoutSecondsDefault;
  const approvals = approvalsOf(inputs);
  const { approvers, wanted } = approvals;
  if (approvers.length === 0) return flowFailed('INVALID_INPUT', `${path} names no approvers`);
  const isSigned = frame.execution.input.signedApprovals === true;
  // An approver may be a group, whose members the host knows.
  if (!(wanted >= 1 && (isSigned || wanted <= approvers.length))) {
    return flowFailed(
      'INVALID_INPUT',
      `MinRequiredApprovals is ${wanted}, but ${path} names ${approvers.length} approvers`,
    );
  }
  const several = approvals.each.find((entry) => entry.wanted > 1);
  if (several !== undefined && !isSigned) {
    const { approver, wanted: times } = several;
    return flowFailed(
      'INVALID_INPUT',
      `${approver} must approve ${times} times at ${path}: only signatures tell the members of a group apart, and belay.yaml names no approvers`,
    );
  }
  const separate = inputs['Separate'] === true ? ({ separate: true } as const) : {};
  const message = typeof inputs['Message'] === 'string' ? inputs['Message'] : '';
  const deadlineAt = (await frame.now(`${id}:start`)) + timeoutSeconds * 1000;
  const decisions: Decision[] = [];
  let refused: string | undefined;
  const entries = (): string[] => decisions.map(({ approver }) => approver);
  for (let turn = 1; !isEnough(approvals, entries()); turn += 1) {
    await frame.emit({
      type: 'StepWaiting',
      step: path,
      waiting: {
        kind: 'approval',
        message,
        approvers,
        wanted,
        given: Math.min(decisions.length, wanted),
        timeoutSeconds,
        wait: id,
        ...(isSigned ? { signed: true } : {}),
        ...separate,
        ...(refused === undefined ? {} : { refused }),
      },
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
    let decision = decisionOf(answer.value, answer.at);
    if (decision === null || !approvers.includes(decision.approver)) continue;
    if (isSigned) {
      const checked = await check(run, `${id}:decision${turn}`, {
        wait: id,
        message,
        approvers,
        ...separate,
        said: answer.value,
      });
      if (checked === 'cancelled') return cancelled(1);
      refused = checked.kind === 'refused' ? checked.why : undefined;
      if (checked.kind === 'refused') continue;
      decision = { ...decision, signed: { person: checked.person, key: checked.key } };
    }
    if (decisions.some((earlier) => isSamePerson(earlier, decision))) continue;
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
    `by ${decisions.map(({ approver, signed }) => signed?.person ?? approver).join(', ')}${isSigned ? ', signed' : ' (a prompt, not signed)'}`,
  );
};

async function check(
  { frame, record: { path } }: StepRun,
  id: string,
  input: InputOf['decision'],
): Promise<DecisionAnswer | 'cancelled'> {
  const outcome = await frame.activity({
    id,
    kind: 'decision',
    input,
    step: path,
    token: `${frame.execution.id}/${id}`,
    timeoutMs: decisionTimeoutMs,
    onLost: 'rerun',
  });
  switch (outcome.status) {
    case 'ok':
      return outcome.value;
    case 'cancelled':
      return 'cancelled';
    case 'failed':
      return { kind: 'refused', why: outcome.message };
    case 'timeout':
    case 'lost':
      return { kind: 'refused', why: 'it could not be checked' };
    default:
      return outcome satisfies never;
  }
}

/** Several of a group may answer, each once. Under whatever names: one key, or one AWS identity, is one person. */
function isSamePerson(one: Decision, other: Decision): boolean {
  if (one.signed !== undefined && one.signed.key === other.signed?.key) return true;
  return (one.signed?.person ?? one.approver) === (other.signed?.person ?? other.approver);
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
    ApproverDecisions: decisions.map(({ approver, approved, comment, at, signed }) => ({
      Approver: approver,
      ApprovalStatus: approved ? 'Approve' : 'Reject',
      ApprovalDecisionTime: new Date(at).toISOString(),
      Comment: comment,
      ...(signed === undefined ? {} : { SignedBy: signed.person, Key: signed.key }),
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
