/** Section 3.1 of the reference: what each action needs, and that it is taken with nothing more. */
import { expect, test } from 'vitest';

import { accepted, check, refused, runbook, sleep } from './ssm.ts';

const step = (action: string, inputs: object) =>
  runbook({ mainSteps: [{ name: 'A', action, inputs }, sleep('B')] });

const choice = { NextStep: 'B', Variable: '{{ global:REGION }}', StringEquals: 'x' };
const property = {
  Service: 'ec2',
  Api: 'DescribeVolumes',
  PropertySelector: '$.Volumes[0].State',
  DesiredValues: ['available'],
};
const nested = [sleep('Inner')];

/** Inputs with which AWS takes the action, and those of them that it must have. */
const actions: readonly (readonly [action: string, inputs: object, required: readonly string[]])[] = [
  ['aws:approve', { Approvers: ['a'] }, ['Approvers']],
  ['aws:assertAwsResourceProperty', property, Object.keys(property)],
  ['aws:waitForAwsResourceProperty', property, Object.keys(property)],
  ['aws:branch', { Choices: [choice] }, ['Choices']],
  [
    'aws:changeInstanceState',
    { InstanceIds: ['i-1'], DesiredState: 'running' },
    ['InstanceIds', 'DesiredState'],
  ],
  [
    'aws:copyImage',
    { SourceRegion: 'eu-west-1', SourceImageId: 'ami-1', ImageName: 'copy' },
    ['SourceRegion', 'SourceImageId', 'ImageName'],
  ],
  ['aws:createImage', { InstanceId: 'i-1', ImageName: 'image' }, ['InstanceId', 'ImageName']],
  ['aws:createStack', { StackName: 'stack', TemplateBody: '{}' }, ['StackName', 'TemplateBody']],
  ['aws:createStack', { StackName: 'stack', TemplateURL: 'https://s3.amazonaws.com/b/k' }, ['TemplateURL']],
  ['aws:createTags', { ResourceIds: ['i-1'], Tags: [{ Key: 'a', Value: 'b' }] }, ['ResourceIds', 'Tags']],
  ['aws:deleteImage', { ImageId: 'ami-1' }, ['ImageId']],
  ['aws:deleteStack', { StackName: 'stack' }, ['StackName']],
  ['aws:executeAutomation', { DocumentName: 'AWS-StopEC2Instance' }, ['DocumentName']],
  ['aws:executeAwsApi', { Service: 'ec2', Api: 'DescribeInstances' }, ['Service', 'Api']],
  [
    'aws:executeScript',
    { Runtime: 'python3.11', Handler: 'f', Script: 'def f(events, context): return {}' },
    ['Runtime', 'Handler', 'Script'],
  ],
  ['aws:executeScript', { Runtime: 'PowerShell 7.0', Script: 'Get-Date' }, ['Runtime', 'Script']],
  [
    'aws:executeStateMachine',
    { stateMachineArn: 'arn:aws:states:eu-west-1:111122223333:stateMachine:m' },
    ['stateMachineArn'],
  ],
  ['aws:invokeLambdaFunction', { FunctionName: 'f' }, ['FunctionName']],
  ['aws:invokeWebhook', { IntegrationName: 'hook' }, ['IntegrationName']],
  ['aws:loop', { Iterators: ['a'], Steps: nested }, ['Iterators', 'Steps']],
  [
    'aws:loop',
    { LoopCondition: { Variable: '{{ global:REGION }}', StringEquals: 'x' }, Steps: nested },
    ['LoopCondition', 'Steps'],
  ],
  [
    'aws:runCommand',
    { DocumentName: 'AWS-RunPatchBaseline', InstanceIds: ['i-0123456789abcdef0'] },
    ['DocumentName', 'InstanceIds'],
  ],
  [
    'aws:runCommand',
    { DocumentName: 'AWS-RunPatchBaseline', Targets: [{ Key: 'tag:Role', Values: ['db'] }] },
    ['DocumentName', 'Targets'],
  ],
  ['aws:runInstances', { ImageId: 'ami-1' }, ['ImageId']],
  ['aws:sleep', { Duration: 'PT1S' }, ['Duration']],
  ['aws:sleep', { Timestamp: '2030-01-01T00:00:00Z' }, ['Timestamp']],
];

test.each(actions)('%s is taken with %j', (action, inputs) => {
  accepted(step(action, inputs));
});

test.each(actions)('%s with %j needs %j', (action, inputs, required) => {
  for (const name of required) {
    const left = Object.fromEntries(Object.entries(inputs).filter(([key]) => key !== name));
    const errors = check(step(action, left)).diagnostics.filter(({ severity }) => severity === 'error');
    expect(
      errors.map(({ code }) => code),
      `${action} without ${name}`,
    ).toEqual(expect.arrayContaining([expect.stringMatching(/^(?:MISSING_INPUT|WRONG_INPUT)$/)]));
  }
});

test('aws:updateVariable needs Name and Value', () => {
  const updating = (inputs: object) =>
    runbook({
      variables: { V: { type: 'String', default: 'x' } },
      mainSteps: [{ name: 'A', action: 'aws:updateVariable', inputs }],
    });
  accepted(updating({ Name: 'variable:V', Value: 'y' }));
  refused(updating({ Value: 'y' }), 'MISSING_INPUT', /Name/);
  refused(updating({ Name: 'variable:V' }), 'MISSING_INPUT', /Value/);
});
