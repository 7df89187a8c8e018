/** aws:approve: waits until enough of the approvers have approved. */
import { Type } from 'typebox';
import { defineAction } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { runByTheEngine } from './flow.ts';

/** A week; AWS allows up to 30 days (2,592,000 s). */
const approvalSecondsDefault = 604_800;

export const approve = defineAction({
  name: 'aws:approve',
  summary: 'Waits until enough of the approvers have approved; one rejection ends the step as failed.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-approve.html',
  example: `
- name: AskTheDatabaseTeam
  action: aws:approve
  timeoutSeconds: 3600
  inputs:
    Approvers: [dba, 'arn:aws:iam::111122223333:role/OnCall']
    MinRequiredApprovals: 1
    Message: Patch {{ Host }} now?
    NotificationArn: '{{ ApprovalTopic }}'
`,
  inputs: strictObject({
    Approvers: Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      maxItems: 10,
      description: 'User names, or ARNs of users, roles and assumed roles.',
    }),
    MinRequiredApprovals: Type.Optional(Type.Integer({ minimum: 1, maximum: 10, default: 1 })),
    Message: Type.Optional(Type.String({ maxLength: 4096 })),
    NotificationArn: Type.Optional(
      Type.String({
        description: 'The SNS topic that is told. AWS wants its name to begin with Automation.',
      }),
    ),
  }),
  outputs: strictObject({
    ApprovalStatus: Type.Enum(['Approved', 'Rejected', 'Waiting']),
    ApproverDecisions: Type.Array(
      strictObject({
        Approver: Type.String(),
        ApprovalStatus: Type.Enum(['Approve', 'Reject']),
        ApprovalDecisionTime: Type.String(),
        Comment: Type.String(),
      }),
    ),
  }),
  secretInputs: ['Message'],
  timeoutSeconds: approvalSecondsDefault,
  permissions: ({ NotificationArn }) =>
    NotificationArn === undefined || NotificationArn === '' ? [] : ['sns:Publish'],
  targets: () => [],
  hasHostTargets: false,
  forbiddenInOnCancel: true,
  check: ({ Approvers, MinRequiredApprovals }, tools) => {
    if (!Array.isArray(Approvers) || typeof MinRequiredApprovals !== 'number') return [];
    // An expression may stand for several approvers.
    if (Approvers.some((approver: unknown) => tools.isExpression(approver))) return [];
    const people = new Set(Approvers).size;
    if (MinRequiredApprovals <= people) return [];
    const message = `MinRequiredApprovals is ${MinRequiredApprovals}, but there are ${people} different approvers: it could never be approved`;
    return [{ code: 'WRONG_INPUT', path: ['MinRequiredApprovals'], message }];
  },
  effect: runByTheEngine,
  undo: { kind: 'notNeeded' },
  flow: 'approve',
});
