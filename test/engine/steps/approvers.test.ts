import { expect, test } from 'vitest';

import { approvalsOf } from '../../../src/engine/steps/approvers.ts';

test('one name in Approvers is a list of one, and one approval is enough', () => {
  expect(approvalsOf({ Approvers: 'alice' })).toMatchObject({ approvers: ['alice'], wanted: 1 });
});

test('a text stands for the number of approvals', () => {
  expect(approvalsOf({ Approvers: ['a', 'b'], MinRequiredApprovals: '2' }).wanted).toBe(2);
});

test('the approvals of a change template are those of each approver, and at least MinRequiredApprovals', () => {
  const approvers = (each: number) => ({
    Approvers: ['alice', 'bob', 'carol'].map((approver) => ({
      approver,
      type: 'IamUser',
      minRequiredApprovals: each,
    })),
  });
  expect(approvalsOf({ EnhancedApprovals: approvers(1) })).toMatchObject({
    approvers: ['alice', 'bob', 'carol'],
    wanted: 3,
  });
  expect(approvalsOf({ EnhancedApprovals: approvers(0), MinRequiredApprovals: 2 }).wanted).toBe(2);
  expect(approvalsOf({ EnhancedApprovals: approvers(0) }).wanted).toBe(1);
});

test('who stands in both lists counts once', () => {
  const enhanced = { Approvers: [{ approver: 'alice' }] };
  expect(approvalsOf({ Approvers: ['alice', 'bob'], EnhancedApprovals: enhanced }).approvers).toEqual([
    'alice',
    'bob',
  ]);
});
