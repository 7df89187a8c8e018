/** What SSM takes loosely, as it runs: on the sandbox, by the built command. */
import { afterEach, beforeEach, expect, test } from 'vitest';

import { Desk } from '../support/command-line.ts';

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
});
afterEach(() => desk[Symbol.dispose]());

const fork = {
  name: 'Fork',
  action: 'aws:branch',
  inputs: { Choices: [{ NextStep: 'Left', Variable: '{{ Way }}', StringEquals: 'l' }], Default: 'Right' },
};
const left = {
  name: 'Left',
  action: 'aws:executeAwsApi',
  inputs: { Service: 'ec2', Api: 'DescribeInstances' },
  outputs: [{ Name: 'Ids', Selector: 'Reservations..InstanceId', Type: 'StringList' }],
  isEnd: true,
};

test('a text that a parameter brings is taken for the list and the boolean that the action wants', async () => {
  const file = desk.write('loose.yaml', {
    schemaVersion: '0.3',
    parameters: {
      Id: { type: 'String', default: 'i-0a7c3e5d9b1f48260' },
      Check: { type: 'String', default: 'true' },
    },
    mainSteps: [
      {
        name: 'Check',
        action: 'aws:changeInstanceState',
        inputs: {
          InstanceIds: '{{ Id }}',
          DesiredState: 'running',
          CheckStateOnly: '{{ Check }}',
          WaitForHealthyTargets: true,
        },
      },
    ],
  });
  const { code, stderr } = await desk.belay(['run', file, '--sandbox', '--yes']);
  expect(stderr).toContain('WaitForHealthyTargets; it is ignored');
  expect(code, stderr).toBe(0);
});

test('an output of a path that was not taken is null, which is told, and no API call is made wider by it', async () => {
  const file = desk.write('fork.yaml', {
    schemaVersion: '0.3',
    parameters: { Way: { type: 'String', default: 'r' } },
    mainSteps: [
      fork,
      left,
      {
        name: 'Right',
        action: 'aws:executeAwsApi',
        inputs: { Service: 'ec2', Api: 'DescribeInstances', InstanceIds: '{{ Left.Ids }}' },
      },
    ],
  });
  const { code, stderr } = await desk.belay(['run', file, '--sandbox', '--yes']);
  expect(stderr).toContain('Right: {{ Left.Ids }} is null: step Left has not run');
  expect(stderr).toContain('InstanceIds of ec2 DescribeInstances has no value');
  expect(code).toBe(1);
});

test('a list of one is sent as its element where the service wants one', async () => {
  const file = desk.write('lone.yaml', {
    schemaVersion: '0.3',
    mainSteps: [
      {
        name: 'Drop',
        action: 'aws:executeAwsApi',
        inputs: { Service: 'ec2', Api: 'DeleteSnapshot', SnapshotId: ['snap-0123456789abcdef0'] },
      },
    ],
  });
  const { code, stderr } = await desk.belay(['run', file, '--sandbox', '--yes']);
  expect(stderr).toContain('InvalidSnapshot.NotFound');
  expect(code).toBe(1);
});
