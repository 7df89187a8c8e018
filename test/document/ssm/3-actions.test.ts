/** Section 3 of the reference: what the actions take. */
import { describe, expect, test } from 'vitest';

import { accepted, catalog, check, refused, runbook, sleep, takenWithoutStrict } from './ssm.ts';

const step = (action: string, inputs: object, more: object = {}) =>
  runbook({ mainSteps: [{ name: 'A', action, inputs, ...more }, sleep('B'), sleep('C')] });
const branch = (...Choices: readonly object[]) => step('aws:branch', { Choices });
const equals = (value: unknown) => ({ Variable: '{{ global:REGION }}', StringEquals: value });

describe('3.1 actions', () => {
  test.each(catalog.actionNames.filter((name) => name.startsWith('aws:') && name !== 'aws:createSnapshot'))(
    '%s is an action of SSM that is known by name',
    (name) => {
      expect(catalog.action(name)).toBeDefined();
    },
  );
  test('an action that SSM does not have is refused', () => {
    refused(step('aws:doMagic', {}), 'UNKNOWN_ACTION');
    refused(
      step('sns:publish', { TopicArn: 'arn:aws:sns:eu-west-1:111122223333:t', Message: 'x' }),
      'ADDITION',
    );
  });
});

describe('3.2 aws:approve', () => {
  test('MinRequiredApprovals is a positive number; more than the Approvers is warned of, for a name may be a group', () => {
    accepted(step('aws:approve', { Approvers: ['a', 'b'], MinRequiredApprovals: 2 }));
    refused(step('aws:approve', { Approvers: ['a', 'b'], MinRequiredApprovals: 0 }), 'WRONG_INPUT');
    const { diagnostics } = check(step('aws:approve', { Approvers: ['a', 'b'], MinRequiredApprovals: 3 }));
    expect(diagnostics.map(({ code }) => code)).toContain('WRONG_INPUT');
  });
  test('Approvers are required', () => {
    refused(step('aws:approve', {}), 'MISSING_INPUT');
  });
});

describe('3.2 aws:assertAwsResourceProperty and aws:waitForAwsResourceProperty', () => {
  const inputs = {
    Service: 'ec2',
    Api: 'DescribeVolumes',
    PropertySelector: '$.Volumes[0].State',
    DesiredValues: ['available'],
  };
  test.each(['aws:assertAwsResourceProperty', 'aws:waitForAwsResourceProperty'])(
    '%s needs Service, Api, PropertySelector and DesiredValues',
    (action) => {
      accepted(step(action, inputs));
      for (const key of Object.keys(inputs)) {
        const left = Object.fromEntries(Object.entries(inputs).filter(([name]) => name !== key));
        refused(step(action, left), 'MISSING_INPUT', new RegExp(key));
      }
    },
  );
  test("DesiredValues are texts, with booleans as 'True' and 'False' in any case", () => {
    for (const value of ['True', 'true', 'FALSE', true, 5])
      accepted(step('aws:assertAwsResourceProperty', { ...inputs, DesiredValues: [value] }));
  });
  test('the spellings of Service and Api do not matter', () => {
    for (const Api of ['DescribeVolumes', 'describe_volumes', 'describe-volumes'])
      for (const Service of ['ec2', 'EC2'])
        accepted(step('aws:assertAwsResourceProperty', { ...inputs, Service, Api }));
  });
});

describe('3.2 aws:branch', () => {
  test('needs Choices with NextStep', () => {
    accepted(branch({ NextStep: 'B', ...equals('x') }));
    refused(step('aws:branch', {}), 'MISSING_INPUT');
    refused(branch(equals('x')), 'BAD_CONDITION');
    refused(branch({ NextStep: 'Gone', ...equals('x') }), 'UNKNOWN_STEP');
  });
  test.each([
    ['StringEquals', 'x'],
    ['EqualsIgnoreCase', 'x'],
    ['StartsWith', 'x'],
    ['EndsWith', 'x'],
    ['Contains', 'x'],
    ['NumericEquals', 1],
    ['NumericGreater', 1],
    ['NumericLesser', 1],
    ['NumericGreaterOrEquals', 1],
    ['NumericLesserOrEquals', 1],
    ['BooleanEquals', true],
  ])('%s is an operator', (operator, value) => {
    accepted(branch({ NextStep: 'B', Variable: '{{ global:REGION }}', [operator]: value }));
  });
  test('there is no StringNotEquals, and no other operator', () => {
    for (const operator of ['StringNotEquals', 'Matches'])
      refused(branch({ NextStep: 'B', Variable: '{{ global:REGION }}', [operator]: 'x' }), 'BAD_CONDITION');
  });
  test('string operators take texts, numeric ones numbers, BooleanEquals true or false', () => {
    for (const [operator, value] of [
      ['StringEquals', 5],
      ['NumericEquals', '5'],
      ['BooleanEquals', 'true'],
    ] as const) {
      const document = branch({ NextStep: 'B', Variable: '{{ global:REGION }}', [operator]: value });
      refused(document, 'BAD_CONDITION');
      takenWithoutStrict(document);
    }
  });
  test('And and Or join two or more conditions', () => {
    for (const word of ['And', 'Or']) {
      accepted(branch({ NextStep: 'B', [word]: [equals('x'), equals('y')] }));
      const single = branch({ NextStep: 'B', [word]: [equals('x')] });
      refused(single, 'BAD_CONDITION', /joins one condition/);
      takenWithoutStrict(single);
      refused(branch({ NextStep: 'B', [word]: [] }), 'BAD_CONDITION');
      refused(branch({ NextStep: 'B', [word]: equals('x') }), 'BAD_CONDITION');
    }
  });
  test('Not stands over one condition', () => {
    accepted(branch({ NextStep: 'B', Not: equals('x') }));
    refused(branch({ NextStep: 'B', Not: [equals('x')] }), 'BAD_CONDITION');
  });
  test('conditions nest in one another, as in runbooks that AWS publishes', () => {
    accepted(branch({ NextStep: 'B', And: [{ Not: equals('x') }, equals('y')] }));
    accepted(branch({ NextStep: 'B', And: [{ Or: [equals('x'), equals('y')] }, equals('z')] }));
    const single = branch({ NextStep: 'B', Not: { Or: [equals('x')] } });
    refused(single, 'BAD_CONDITION', /joins one condition/);
  });
  test('Default and isEnd may stand beside the choices', () => {
    accepted(step('aws:branch', { Choices: [{ NextStep: 'B', ...equals('x') }], Default: 'C' }));
    accepted(
      step(
        'aws:branch',
        {
          Choices: [
            { NextStep: 'B', ...equals('x') },
            { NextStep: 'C', ...equals('y') },
          ],
        },
        { isEnd: true },
      ),
    );
  });
});

describe('3.2 other actions', () => {
  test('changeInstanceState wants running, stopped or terminated, or an expression', () => {
    for (const DesiredState of ['running', 'stopped', 'terminated'])
      accepted(step('aws:changeInstanceState', { InstanceIds: ['i-1'], DesiredState }));
    refused(
      step('aws:changeInstanceState', { InstanceIds: ['i-1'], DesiredState: 'Stopped' }),
      'WRONG_INPUT',
    );
    accepted(
      runbook({
        parameters: { S: { type: 'String' } },
        mainSteps: [
          {
            name: 'A',
            action: 'aws:changeInstanceState',
            inputs: { InstanceIds: ['i-1'], DesiredState: '{{ S }}' },
          },
        ],
      }),
    );
  });
  test('CheckStateOnly and Force are booleans or texts', () => {
    for (const value of [true, 'false'])
      accepted(
        step('aws:changeInstanceState', {
          InstanceIds: ['i-1'],
          DesiredState: 'stopped',
          CheckStateOnly: value,
          Force: value,
        }),
      );
  });
  test('createTags takes one resource, but several of EC2', () => {
    const Tags = [{ Key: 'a', Value: 'b' }];
    accepted(step('aws:createTags', { ResourceIds: ['i-1', 'i-2'], Tags }));
    refused(
      step('aws:createTags', { ResourceType: 'Parameter', ResourceIds: ['a', 'b'], Tags }),
      'WRONG_INPUT',
    );
  });
  test('sleep takes Duration or Timestamp, which may be spelt TimeStamp', () => {
    for (const inputs of [
      { Duration: 'PT10M' },
      { Timestamp: '2030-01-01T00:00:00Z' },
      { TimeStamp: '2030-01-01T00:00:00Z' },
    ])
      accepted(step('aws:sleep', inputs));
    refused(step('aws:sleep', {}), 'WRONG_INPUT');
    refused(step('aws:sleep', { Duration: '10 minutes' }), 'WRONG_INPUT');
  });
  test('executeAwsApi takes Service and Api in any of their spellings', () => {
    for (const [Service, Api] of [
      ['ec2', 'DescribeInstances'],
      ['EC2', 'describe_instances'],
      ['ec2', 'describe-instances'],
    ])
      accepted(step('aws:executeAwsApi', { Service, Api }));
  });
  test('runCommand needs DocumentName', () => {
    refused(step('aws:runCommand', { InstanceIds: ['i-0123456789abcdef0'] }), 'MISSING_INPUT');
  });
});
