import { expect, test } from 'vitest';
import type { DecisionAnswer, OutcomeResult } from '../../../src/engine/index.ts';
import { approve } from '../../../src/engine/steps/approve.ts';
import type { JsonObject } from '../../../src/json.ts';
import { gave, stepBed } from '../../support/step-bed.ts';

interface Said {
  readonly by: string;
  readonly yes?: boolean;
  readonly comment?: string;
}

/** Each word comes from somebody else's terminal, in this order. */
function bedWith(
  said: readonly Said[],
  inputs: JsonObject = {},
  signed?: (by: string) => OutcomeResult<'decision'>,
) {
  const bed = stepBed({
    step: { action: 'aws:approve', inputs: { Approvers: ['ada', 'bob', 'eve'], ...inputs } },
    input: signed === undefined ? {} : { signedApprovals: true },
    answer: (call) => {
      if (call.kind === 'notify') return gave({});
      if (call.kind !== 'decision' || signed === undefined) return { status: 'timeout' };
      const { approver } = call.input.said as { approver: string };
      return signed(approver);
    },
  });
  for (const [index, { by, yes = true, comment = '' }] of said.entries())
    bed.runtime.store.signal(
      'approve:A',
      { approver: by, decision: yes ? 'approve' : 'reject', comment },
      `${index}`,
      Date.now(),
    );
  return bed;
}

test('is over when enough of those named have approved, and names them', async () => {
  const { run, events } = bedWith([{ by: 'ada' }, { by: 'bob', comment: 'fine' }], {
    MinRequiredApprovals: 2,
  });
  expect(await approve(run)).toMatchObject({
    status: 'Success',
    result: {
      note: 'by ada, bob (a prompt, not signed)',
      outputs: {
        ApprovalStatus: 'Approved',
        ApproverDecisions: [
          { Approver: 'ada', ApprovalStatus: 'Approve' },
          { Approver: 'bob', Comment: 'fine' },
        ],
      },
    },
  });
  expect(events()).toMatchObject([
    { type: 'StepWaiting', waiting: { kind: 'approval', wanted: 2, given: 0 } },
    { type: 'StepWaiting', waiting: { given: 1 } },
  ]);
});

test('each approver counts once, and whoever is not named does not count', async () => {
  const { run } = bedWith([{ by: 'ada' }, { by: 'ada' }, { by: 'mallory' }], { MinRequiredApprovals: 2 });
  expect(await approve({ ...run, timeoutSeconds: 0.05 })).toMatchObject({
    status: 'TimedOut',
    failure: { message: 'A got 1 of 2 approvals within 0.05 s' },
    result: { outputs: { ApprovalStatus: 'Waiting', ApproverDecisions: [{ Approver: 'ada' }] } },
  });
});

test('one rejection ends it, in the words of who rejected', async () => {
  const { run } = bedWith([{ by: 'ada' }, { by: 'bob', yes: false, comment: 'not tonight' }], {
    MinRequiredApprovals: 2,
  });
  expect(await approve(run)).toMatchObject({
    status: 'Failed',
    failure: { code: 'REJECTED', message: 'bob rejected A: not tonight' },
    result: { outputs: { ApprovalStatus: 'Rejected' } },
  });
});

test.each([
  [{ Approvers: [] }, 'A names no approvers'],
  [{ MinRequiredApprovals: 4 }, 'MinRequiredApprovals is 4, but A names 3 approvers'],
])('%j can never be given, and nobody is asked', async (inputs, message) => {
  const { run, events } = bedWith([], inputs);
  expect(await approve(run)).toMatchObject({ status: 'Failed', failure: { code: 'INVALID_INPUT', message } });
  expect(events()).toEqual([]);
});

test('a cancel ends it', async () => {
  const { run, runtime } = bedWith([]);
  runtime.store.isCancelled = true;
  expect(await approve(run)).toMatchObject({ status: 'Cancelled' });
});

test('approvers are told once, where a topic is named', async () => {
  const { run, calls } = bedWith([{ by: 'ada' }, { by: 'bob' }], {
    MinRequiredApprovals: 2,
    NotificationArn: 'arn:aws:sns:eu-central-1:111122223333:ops',
    Message: 'May it go on?',
  });
  expect(await approve(run)).toMatchObject({ status: 'Success' });
  expect(calls).toMatchObject([
    {
      kind: 'notify',
      input: {
        subject: 'Approval wanted: A',
        message: expect.stringMatching(/^May it go on\?\nbelay approve /),
      },
    },
  ]);
});

const signedBy = (person: string, key = person): OutcomeResult<'decision'> => ({
  status: 'ok',
  value: { kind: 'counts', person, key } satisfies DecisionAnswer,
});

test('where approvals are signed only what the host found signed counts, and says who signed', async () => {
  const { run, events } = bedWith([{ by: 'ada' }, { by: 'bob' }], {}, (by) =>
    by === 'ada'
      ? { status: 'ok', value: { kind: 'refused', why: 'no key of ada signed it' } }
      : signedBy('bob'),
  );
  expect(await approve(run)).toMatchObject({
    status: 'Success',
    result: {
      note: 'by bob, signed',
      outputs: { ApproverDecisions: [{ Approver: 'bob', SignedBy: 'bob' }] },
    },
  });
  expect(events()).toMatchObject([{}, { waiting: { given: 0, refused: 'no key of ada signed it' } }]);
});

test('one key is one person, under whatever names', async () => {
  const { run } = bedWith([{ by: 'ada' }, { by: 'bob' }], { MinRequiredApprovals: 2 }, (by) =>
    signedBy(by, 'the same key'),
  );
  expect(await approve({ ...run, timeoutSeconds: 0.5 })).toMatchObject({ status: 'TimedOut' });
});
