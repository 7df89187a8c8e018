/** aws:approve: waits until enough of the approvers have approved. */
import { Type } from 'typebox';
import type { CatalogProblem } from '../../document/catalog.ts';
import { isExpression } from '../../document/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { defineAction } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { runByTheEngine } from '../run-by-the-engine.ts';

/** A week; AWS allows up to 30 days (2,592,000 s). */
const approvalSecondsDefault = 604_800;

const enhancedApprovals = strictObject({
  NotificationArn: Type.Optional(Type.String()),
  Approvers: Type.Array(
    strictObject({
      approver: Type.String({ minLength: 1 }),
      type: Type.Optional(Type.String({ description: 'IamUser, IamGroup or IamRole.' })),
      minRequiredApprovals: Type.Optional(Type.Integer({ minimum: 0, maximum: 10 })),
    }),
    { minItems: 1, maxItems: 10, description: 'Of change templates; each counts once, a group or role too.' },
  ),
});

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
    Approvers: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        maxItems: 10,
        description:
          'User names, or ARNs of users, roles and assumed roles. Where belay.yaml has approvers: their names, or groups of them.',
      }),
    ),
    EnhancedApprovals: Type.Optional(enhancedApprovals),
    MinRequiredApprovals: Type.Optional(Type.Integer({ minimum: 1, maximum: 10, default: 1 })),
    Message: Type.Optional(Type.String({ maxLength: 4096 })),
    Separate: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Whoever started the execution may not approve here. SSM has no such input.',
      }),
    ),
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
        SignedBy: Type.Optional(
          Type.String({ description: 'Where approvals are signed: whose key or identity it was.' }),
        ),
        Key: Type.Optional(
          Type.String({ description: 'The fingerprint of that key, or the ARN that AWS answered with.' }),
        ),
      }),
    ),
  }),
  secretInputs: ['Message'],
  timeoutSeconds: approvalSecondsDefault,
  timeoutSecondsMaxInSsm: 2_592_000,
  permissions: ({ NotificationArn }) =>
    NotificationArn === undefined || NotificationArn === '' ? [] : ['sns:Publish'],
  targets: () => [],
  hasHostTargets: false,
  forbiddenInOnCancel: true,
  check: (inputs, tools) => [
    ...checkApprovers(inputs),
    ...checkNumber(inputs, (value) => tools.isExpression(value)),
  ],
  checkInSsm: topicInSsm,
  effect: runByTheEngine,
  undo: { kind: 'notNeeded' },
  flow: 'approve',
});

/** The policy of AWS's own role for automations lets it publish to such topics alone. */
function topicInSsm({ NotificationArn: arn }: JsonObject): readonly CatalogProblem[] {
  if (typeof arn !== 'string' || isExpression(arn) || arn === '') return [];
  const name = arn.split(':').at(-1) ?? '';
  if (name.startsWith('Automation')) return [];
  const message = `AWS wants a topic whose name begins with Automation, and this is ${name}`;
  return [{ code: 'WRONG_INPUT', path: ['NotificationArn'], message }];
}

function checkApprovers({ Approvers, EnhancedApprovals }: JsonObject): readonly CatalogProblem[] {
  if (Approvers === undefined && EnhancedApprovals === undefined)
    return [{ code: 'MISSING_INPUT', path: [], message: 'aws:approve needs the input Approvers' }];
  return enhancedOf(EnhancedApprovals).flatMap(({ approver, minRequiredApprovals: wanted }, index) => {
    if (typeof wanted !== 'number' || wanted <= 1) return [];
    const message = `${typeof approver === 'string' ? approver : 'an approver'} must approve ${wanted} times, and members of a group or role are told apart by their signatures alone: belay.yaml must name them under approvers`;
    const path = ['EnhancedApprovals', 'Approvers', index, 'minRequiredApprovals'];
    return [{ code: 'WRONG_INPUT', path, message, isWarning: true }];
  });
}

function checkNumber(
  { Approvers, EnhancedApprovals, MinRequiredApprovals: wanted }: JsonObject,
  isExpression: (value: unknown) => boolean,
): readonly CatalogProblem[] {
  if (typeof wanted !== 'number') return [];
  const plain = Array.isArray(Approvers)
    ? (Approvers as readonly Json[])
    : Approvers === undefined
      ? []
      : [Approvers];
  const all = [...plain, ...enhancedOf(EnhancedApprovals).map(({ approver }) => approver)];
  // An expression may stand for several approvers.
  if (all.length === 0 || all.some(isExpression)) return [];
  const people = new Set(all).size;
  if (wanted <= people) return [];
  const message = `MinRequiredApprovals is ${wanted}, but there are ${people} different approvers: it can never be approved, unless one of them is a group of belay.yaml`;
  return [{ code: 'WRONG_INPUT', path: ['MinRequiredApprovals'], message, isWarning: true }];
}

function enhancedOf(value: Json | undefined): readonly JsonObject[] {
  const list = isJsonObject(value) ? value['Approvers'] : undefined;
  return Array.isArray(list) ? (list as readonly Json[]).filter((item) => isJsonObject(item)) : [];
}
