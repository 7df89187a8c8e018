/** aws:executeAutomation where the service runs the document: what it is asked, and what its answers come to. */
import { describe, expect, test } from 'vitest';
import { executeAutomation } from '../../../src/actions/aws/execute-automation.ts';
import type { JsonObject } from '../../../src/json.ts';
import type { Aws, AwsCall } from '../../../src/transports/aws.ts';
import { fakeClock } from '../../world/fake-clock.ts';
import { run, type World } from '../../support/action-bed.ts';

/** A service that answers GetAutomationExecution with each of these statuses once, and with the last for ever. */
function service(statuses: readonly string[], execution: JsonObject = {}) {
  const calls: AwsCall[] = [];
  let asked = 0;
  const aws = {
    call: (call: AwsCall) => {
      calls.push(call);
      if (call.operation === 'StartAutomationExecution')
        return Promise.resolve({ AutomationExecutionId: '11111111-2222-3333-4444-555555555555' });
      const status = statuses[Math.min(asked, statuses.length - 1)];
      asked += 1;
      return Promise.resolve({ AutomationExecution: { AutomationExecutionStatus: status, ...execution } });
    },
  } as unknown as Aws;
  const clock = fakeClock();
  const stage: World = { aws, now: () => clock.now(), wait: async (ms) => clock.pass(ms) };
  return { stage, calls };
}

const everywhere: JsonObject = {
  DocumentName: 'Team-Enable',
  RuntimeParameters: { Bucket: 'b', Tags: ['x', 'y'], Count: 3 },
  TargetLocations: [
    {
      Accounts: ['111122223333', 'ou-abcd-12345678'],
      Regions: ['eu-west-1', 'us-east-1'],
      ExecutionRoleName: 'Automation',
      TargetLocationMaxConcurrency: '10%',
    },
  ],
};

describe('other accounts and regions', () => {
  test('are handed to the service, which goes over them; its end is the end of the step', async () => {
    const { stage, calls } = service(['InProgress', 'InProgress', 'Success'], {
      Outputs: { 'a.Out': ['1', '2'] },
    });
    const { ending } = await run(executeAutomation, everywhere, stage);
    expect(ending).toMatchObject({ kind: 'done', outputs: { Output: ['1', '2'], Status: 'Success' } });
    const starts = calls.filter(({ operation }) => operation === 'StartAutomationExecution');
    expect(starts).toHaveLength(1);
    expect(starts[0]?.params).toMatchObject({
      DocumentName: 'Team-Enable',
      Parameters: { Bucket: ['b'], Tags: ['x', 'y'], Count: ['3'] },
      TargetLocations: everywhere['TargetLocations'],
      ClientToken: expect.stringMatching(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/),
    });
  });

  test.for(['Failed', 'TimedOut', 'Cancelled', 'Rejected', 'CompletedWithFailure', 'never heard of'])(
    'that end %s fail the step with the reason of the service',
    async (status) => {
      const { stage } = service(['Pending', status], { FailureMessage: 'the role cannot be assumed' });
      const { ending } = await run(executeAutomation, everywhere, stage);
      expect(ending).toMatchObject({
        kind: 'failed',
        code: 'CHILD_FAILED',
        message: expect.stringContaining(`ended ${status}: the role cannot be assumed`),
      });
    },
  );

  test('are gone over by Belay where a file is named, as far as it can', () => {
    const check = (inputs: JsonObject) =>
      executeAutomation.check?.(inputs, { isExpression: () => false } as never).map(({ message }) => message);
    expect(check(everywhere)).toEqual([]);
    expect(check({ ...everywhere, DocumentName: 'child.yaml' })?.[0]).toContain('ou-abcd-12345678');
    const accounts = { Accounts: ['111122223333'] };
    expect(check({ DocumentName: 'child.yaml', StrictErrors: true, TargetLocations: [accounts] })).toEqual(
      [],
    );
    const alarm = { ...accounts, TargetLocationAlarmConfiguration: {} };
    expect(check({ DocumentName: 'child.yaml', TargetLocations: [alarm] })?.[0]).toContain('--alarm');
    expect(check({ ...everywhere, StrictErrors: true })?.[0]).toContain('StrictErrors');
  });
});
