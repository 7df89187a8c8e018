import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AwsProblem, UnresolvedJson } from '../../../src/transports/aws.ts';
import { printPath } from '../../../src/transports/aws/check-params.ts';
import { createModelStore } from '../../../src/transports/aws/model-store.ts';
import { createAwsModels } from '../../../src/transports/aws/models.ts';

const models = createAwsModels();
const problems = (service: string, operation: string, params: UnresolvedJson): string[] =>
  models.check(service, operation, params).map(({ code, path }) => `${code} ${printPath(path)}`.trim());
const only = (service: string, operation: string, params: UnresolvedJson): AwsProblem => {
  const [problem, ...others] = models.check(service, operation, params);
  expect(others).toEqual([]);
  if (problem === undefined) throw new Error('no problem was found');
  return problem;
};

describe('a call is well-formed', () => {
  it.each<[string, string, UnresolvedJson]>([
    ['ec2', 'DescribeInstances', {}],
    ['EC2', 'describe_instances', { Filters: [{ Name: 'tag:role', Values: ['db'] }], MaxResults: 5 }],
    ['ec2', 'describe-instances', { InstanceIds: [] }],
    ['ssm', 'SendCommand', { DocumentName: 'AWS-RunShellScript', Parameters: { commands: ['uptime'] } }],
    [
      'cloudwatch',
      'PutMetricData',
      { Namespace: 'n', MetricData: [{ MetricName: 'm', Value: 1.5, Timestamp: 1_700_000_000 }] },
    ],
    [
      'cloudwatch',
      'GetMetricStatistics',
      {
        Namespace: 'n',
        MetricName: 'm',
        StartTime: '2026-11-21',
        EndTime: '2026-11-21T04:00:00+01:00',
        Period: 60,
      },
    ],
    ['ec2', 'ImportKeyPair', { KeyName: 'k', PublicKeyMaterial: 'c3NoLWVkMjU1MTkgQUFBQQ==' }],
    ['ec2', 'ImportKeyPair', { KeyName: 'k', PublicKeyMaterial: 'ssh-ed25519 AAAA' }],
    ['secretsmanager', 'CreateSecret', { Name: 'the token member is required and filled later' }],
  ])('%s %s %j', (service, operation, params) => {
    expect(models.check(service, operation, params)).toEqual([]);
  });

  it('where values are not known yet, at any depth', () => {
    expect(problems('ec2', 'StopInstances', { InstanceIds: undefined })).toEqual([]);
    expect(problems('ec2', 'StopInstances', { InstanceIds: [undefined] })).toEqual([]);
    expect(
      problems('ec2', 'DescribeInstances', { Filters: [{ Name: undefined, Values: undefined }] }),
    ).toEqual([]);
    expect(problems('ec2', 'DescribeInstances', undefined)).toEqual([]);
  });
});

describe('a problem is found', () => {
  it.each<[string, string, UnresolvedJson, string[]]>([
    ['ec2', 'DescribeInstances', { InstanceIdz: ['i-1'] }, ['UNKNOWN_MEMBER InstanceIdz']],
    ['ec2', 'DescribeInstances', { Filters: [{}, { Nmae: 'x' }] }, ['UNKNOWN_MEMBER Filters[1].Nmae']],
    ['ec2', 'DescribeInstances', { InstanceIds: 'i-1' }, ['WRONG_TYPE InstanceIds']],
    ['ec2', 'DescribeInstances', { InstanceIds: [1] }, ['WRONG_TYPE InstanceIds[0]']],
    ['ec2', 'StopInstances', { InstanceIds: null }, ['MISSING_MEMBER InstanceIds']],
    ['ec2', 'StopInstances', { InstanceIds: [null] }, ['WRONG_TYPE InstanceIds[0]']],
    ['ec2', 'DescribeNatGateways', { Filter: [], Filters: [] }, ['WRONG_VALUE Filters']],
    ['ec2', 'DescribeInstances', { MaxResults: 1.5 }, ['WRONG_TYPE MaxResults']],
    ['ec2', 'DescribeInstances', { DryRun: 'yes' }, ['WRONG_TYPE DryRun']],
    ['ec2', 'DescribeInstances', [], ['WRONG_TYPE']],
    ['ec2', 'StopInstances', {}, ['MISSING_MEMBER InstanceIds']],
    ['ec2', 'CreateVolume', { VolumeType: 'gp9' }, ['UNKNOWN_VALUE VolumeType']],
    ['ec2', 'ImportKeyPair', { KeyName: 'k', PublicKeyMaterial: 7 }, ['WRONG_TYPE PublicKeyMaterial']],
    [
      'ssm',
      'SendCommand',
      { DocumentName: 'd', Parameters: { commands: 'uptime' } },
      ['WRONG_TYPE Parameters.commands'],
    ],
    [
      'cloudwatch',
      'GetMetricStatistics',
      { Namespace: 'n', MetricName: 'm', StartTime: 'yesterday', EndTime: 0, Period: 1 },
      ['WRONG_VALUE StartTime'],
    ],
    ['ec2', 'DescribeInstances', { constructor: 'x' }, ['UNKNOWN_MEMBER constructor']],
  ])('%s %s %j', (service, operation, params, expected) => {
    expect(problems(service, operation, params)).toEqual(expected);
  });

  it('with all others, not only the first', () => {
    expect(problems('ec2', 'CreateVolume', { Sise: 1, Encrypted: 'no', VolumeType: 'x' })).toHaveLength(3);
  });

  it('and says what was probably meant', () => {
    expect(only('ec2', 'DescribeInstances', { InstanceIdz: [] })).toMatchObject({
      suggestion: 'InstanceIds',
      message: expect.stringMatching(/^ec2 DescribeInstances: InstanceIdz .* Did you mean InstanceIds\?$/),
    });
    expect(only('ssm', 'PutParameter', { Name: 'n', Value: 'v', Type: 'SecureSting' }).suggestion).toBe(
      'SecureString',
    );
  });

  it('and says what to do about quotes', () => {
    expect(only('ec2', 'DescribeInstances', { MaxResults: '5' }).message).toContain('leave the quotes away');
    expect(only('ec2', 'DescribeInstances', { InstanceIds: [5] }).message).toContain('put it in quotes');
  });

  it('without repeating a value that may be a secret', () => {
    const value = 'hunter2';
    const found = models.check('ssm', 'PutParameter', {
      Name: { value },
      Value: [value],
      Type: 'String',
      Tier: 5,
    });
    expect(found).toHaveLength(3);
    expect(JSON.stringify(found)).not.toContain(value);
  });
});

describe('a union', () => {
  const preview = (ExecutionInputs: UnresolvedJson): string[] =>
    problems('ssm', 'StartExecutionPreview', { DocumentName: 'd', ExecutionInputs });

  it('takes exactly one member', () => {
    expect(preview({ Automation: {} })).toEqual([]);
    expect(preview({})).toEqual(['WRONG_VALUE ExecutionInputs']);
  });
});

describe('names', () => {
  it('that AWS does not know are reported with what was probably meant', () => {
    expect(only('ec3', 'DescribeInstances', {})).toMatchObject({
      code: 'UNKNOWN_SERVICE',
      path: [],
      suggestion: 'ec2',
    });
    expect(only('ec2', 'DescribeInstanses', {})).toMatchObject({
      code: 'UNKNOWN_OPERATION',
      path: [],
      suggestion: 'DescribeInstances',
    });
    expect(only('zzzzzzzz', 'X', {})).not.toHaveProperty('suggestion');
  });

  it.each([
    ['EC2', 'ec2'],
    ['SQS', 'sqs'],
    ['elbv2', 'elbv2'],
    ['ElasticLoadBalancingV2', 'elbv2'],
    ['Elastic Load Balancing v2', 'elbv2'],
    ['elasticloadbalancing', 'elb'],
    ['cloudwatch-logs', 'logs'],
    ['CloudWatch Logs', 'logs'],
    ['monitoring', 'cloudwatch'],
    ['states', 'stepfunctions'],
    ['sfn', 'stepfunctions'],
    ['ConfigService', 'config'],
    ['application_autoscaling', 'application-autoscaling'],
    ['runtime.sagemaker', 'sagemaker-runtime'],
    ['Cost Explorer', 'ce'],
  ])('of a service are those that AWS gives it, in any spelling: %s is %s', (name, service) => {
    expect(createModelStore().serviceName(name)).toBe(service);
  });

  it('that several services share belong to none of them', () => {
    // The endpoint of ses and sesv2.
    expect(only('email', 'SendEmail', {}).code).toBe('UNKNOWN_SERVICE');
  });

  it('of operations that need more than a request and a reply are refused with the reason', () => {
    expect(only('logs', 'StartLiveTail', {})).toMatchObject({
      code: 'REFUSED_OPERATION',
      path: [],
      message: expect.stringMatching(
        /^logs StartLiveTail cannot be called: it answers with a stream of events/,
      ),
    });
    expect(only('kinesis', 'SubscribeToShard', {}).code).toBe('REFUSED_OPERATION');
    expect(only('cloudfront-keyvaluestore', 'ListKeys', {}).message).toContain('SigV4A');
    expect(only('codecatalyst', 'ListSpaces', {}).message).toContain('bearer token');
    expect(only('sdb', 'ListDomains', {}).message).toContain('signature version 2');
  });

  it('resolve to the spelling of AWS', () => {
    expect(models.resolve('EC2', 'create-volume')).toEqual({
      service: 'ec2',
      operation: 'CreateVolume',
      readOnly: false,
      tokenMember: 'ClientToken',
    });
    expect(models.resolve('ec2', 'CreateSnapshot')).not.toHaveProperty('tokenMember');
    expect(models.resolve('secretsmanager', 'put_secret_value')?.tokenMember).toBe('ClientRequestToken');
    expect(models.resolve('ec2', 'Nothing')).toBeUndefined();
    expect(models.resolve('nothing', 'ListHostedZones')).toBeUndefined();
  });

  it.each([
    ['ec2', 'DescribeInstances', true],
    ['ec2', 'GetConsoleOutput', true],
    ['ec2', 'SearchTransitGatewayRoutes', true],
    ['config', 'BatchGetResourceConfig', true],
    ['config', 'SelectResourceConfig', true],
    ['sns', 'ListTopics', true],
    ['sns', 'CheckIfPhoneNumberIsOptedOut', true],
    ['sts', 'AssumeRole', true],
    ['ssm', 'GetAccessToken', false],
    ['ec2', 'StopInstances', false],
    ['ec2', 'CreateSnapshot', false],
    ['sns', 'Publish', false],
    ['ssm', 'SendCommand', false],
  ])('say whether the operation only reads: %s %s %s', (service, operation, readOnly) => {
    expect(models.resolve(service, operation)?.readOnly).toBe(readOnly);
  });
});

describe('the model store', () => {
  it('says what is missing when the models are not where they should be', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'belay-models-'));
    try {
      writeFileSync(path.join(folder, 'index.json'), '{"botocore":"0","services":{"ec2":[]}}');
      const store = createModelStore(folder);
      expect(() => store.service('ec2')).toThrow(/ec2\.json\.br cannot be read\. Reinstall Belay/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('reads a model once', () => {
    const store = createModelStore();
    expect(store.service('SNS')).toBe(store.service('sns'));
    expect(store.operation('sns', 'publish')?.name).toBe('Publish');
  });
});
