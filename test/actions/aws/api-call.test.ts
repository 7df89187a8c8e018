import { expect, test } from 'vitest';
import { createAwsModels } from '../../../src/transports/aws/models.ts';
import { makeCall } from '../../../src/actions/aws/api-call.ts';
import type { Aws, AwsCall } from '../../../src/transports/aws.ts';
import type { JsonObject } from '../../../src/json.ts';

function answering(reply: JsonObject): { aws: Aws; calls: { call: AwsCall; reveal: boolean }[] } {
  const calls: { call: AwsCall; reveal: boolean }[] = [];
  const aws: Aws = {
    call: async (call, options) => {
      calls.push({ call, reveal: options?.reveal === true });
      return reply;
    },
    identity: () => Promise.reject(new Error('not asked')),
    assume: () => aws,
  };
  return { aws, calls };
}
const signal = new AbortController().signal;

test('plain parameters are read as they are, and a SecureString never', async () => {
  const { aws } = answering({
    Parameters: [
      { Name: '/ami', Type: 'String', Value: 'ami-1' },
      { Name: '/password', Type: 'SecureString', Value: 'hunter2' },
    ],
  });
  const reply = await makeCall({ service: 'ssm', operation: 'get_parameters', params: {} }, { aws, signal });
  expect(reply['Parameters']).toEqual([
    { Name: '/ami', Type: 'String', Value: 'ami-1' },
    { Name: '/password', Type: 'SecureString', Value: '***' },
  ]);
});

test('what a model marks as sensitive elsewhere stays masked', async () => {
  const { aws, calls } = answering({ SecretString: '***' });
  await makeCall({ service: 'secretsmanager', operation: 'GetSecretValue', params: {} }, { aws, signal });
  expect(calls.map(({ reveal }) => reveal)).toEqual([false]);
});

test('numbers and booleans in quotes are sent as what the service wants, at any depth, and other texts as they are', async () => {
  const { aws, calls } = answering({});
  const params = {
    AutoScalingGroupName: 5,
    MinSize: '1',
    MaxSize: '2',
    NewInstancesProtectedFromScaleIn: 'True',
    Tags: [{ Key: 'size', Value: 7, PropagateAtLaunch: 'false' }],
    DesiredCapacity: '1e3',
  };
  const call = { service: 'autoscaling', operation: 'CreateAutoScalingGroup', params };
  await makeCall(call, { aws, signal, models: createAwsModels() });
  expect(calls.map(({ call: { params: sent } }) => sent)).toEqual([
    {
      AutoScalingGroupName: '5',
      MinSize: 1,
      MaxSize: 2,
      NewInstancesProtectedFromScaleIn: true,
      Tags: [{ Key: 'size', Value: '7', PropagateAtLaunch: false }],
      DesiredCapacity: '1e3',
    },
  ]);
});
