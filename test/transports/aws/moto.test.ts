/** The SDK client against moto, over every protocol that the shipped services speak. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isJsonObject } from '../../../src/json.ts';
import type { Aws, JsonObject } from '../../../src/transports/aws.ts';
import { createAws } from '../../../src/transports/aws/client.ts';
import { awsContract, type AwsUnderTest } from '../../contract/aws.ts';
import { motoMissing, type MotoServer, startMoto } from './moto-server.ts';

const credentials = async () => ({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'not-a-secret' });
const region = 'eu-west-1';

function clientOf(endpoint: string): Aws {
  return createAws({ endpoint, region, credentials, attempts: 1 });
}

async function startInstance(): Promise<AwsUnderTest> {
  const moto = await startMoto();
  const aws = clientOf(moto.endpoint);
  const images = await aws.call({
    service: 'ec2',
    operation: 'DescribeImages',
    params: { Owners: ['amazon'] },
  });
  const run = await aws.call({
    service: 'ec2',
    operation: 'RunInstances',
    params: { ImageId: textIn(images, 'ImageId'), MinCount: 1, MaxCount: 1, InstanceType: 't3.micro' },
  });
  const seed = {
    instanceId: textIn(run, 'InstanceId'),
    volumeId: textIn(run, 'VolumeId'),
    availabilityZone: textIn(run, 'AvailabilityZone'),
  };
  return { aws, seed, close: () => moto.close() };
}

/** The first text under that key, at any depth. */
function textIn(reply: JsonObject, key: string): string {
  let found: string | undefined;
  JSON.stringify(reply, (name, value: unknown) => {
    if (name === key && typeof value === 'string') found ??= value;
    return value;
  });
  if (found === undefined) throw new Error(`no ${key} in ${JSON.stringify(reply)}`);
  return found;
}

describe.skipIf(motoMissing)(`moto${motoMissing === undefined ? '' : ` (${motoMissing})`}`, () => {
  awsContract('the SDK client against moto', startInstance, {
    ignoresClientTokens: 'moto makes a second volume for the same ClientToken',
    attachesTwice: 'moto attaches an attached volume again',
    detachNeedsInstance: 'moto fails when DetachVolume names only the volume',
  });

  describe('the services that the contract leaves out', () => {
    let moto: MotoServer;
    let aws: Aws;
    beforeAll(async () => {
      moto = await startMoto();
      aws = clientOf(moto.endpoint);
    }, 60_000);
    afterAll(async () => {
      await moto?.close();
    });

    it.each<[string, string, JsonObject, string]>([
      [
        's3',
        'CreateBucket',
        { Bucket: 'b-1', CreateBucketConfiguration: { LocationConstraint: region } },
        'Location',
      ],
      ['s3', 'PutObject', { Bucket: 'b-1', Key: 'a b/c+d', Body: 'aGVsbG8=' }, 'ETag'],
      ['s3', 'GetObject', { Bucket: 'b-1', Key: 'a b/c+d' }, 'Body'],
      ['route53', 'CreateHostedZone', { Name: 'example.com', CallerReference: '1' }, 'HostedZone'],
      ['iam', 'CreateUser', { UserName: 'u' }, 'User'],
      ['lambda', 'ListFunctions', {}, 'Functions'],
      ['eks', 'ListClusters', {}, 'clusters'],
      ['apigateway', 'CreateRestApi', { name: 'x' }, 'id'],
      ['sqs', 'CreateQueue', { QueueName: 'q' }, 'QueueUrl'],
      ['SQS', 'list_queues', {}, 'QueueUrls'],
      ['dynamodb', 'ListTables', {}, 'TableNames'],
      ['cloudformation', 'CreateStack', { StackName: 's', TemplateBody: '{"Resources":{}}' }, 'StackId'],
      ['states', 'ListStateMachines', {}, 'stateMachines'],
      ['logs', 'DescribeLogGroups', {}, 'logGroups'],
      ['kms', 'CreateKey', {}, 'KeyMetadata'],
      ['rds', 'DescribeDBInstances', {}, 'DBInstances'],
      ['elbv2', 'describe_load_balancers', {}, 'LoadBalancers'],
      ['organizations', 'CreateOrganization', { FeatureSet: 'ALL' }, 'Organization'],
      ['budgets', 'DescribeBudgets', { AccountId: '123456789012' }, 'Budgets'],
      ['efs', 'DescribeFileSystems', {}, 'FileSystems'],
    ])('speaks with %s: %s', async (service, operation, params, member) => {
      expect(await aws.call({ service, operation, params })).toHaveProperty([member]);
    });

    it('speaks json 1.0 with cloudwatch, numbers and times included', async () => {
      const alarm = { AlarmName: 'full', Namespace: 'disk', MetricName: 'used', Statistic: 'Average' };
      const rule = {
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 92.5,
        ComparisonOperator: 'GreaterThanThreshold',
      };
      await aws.call({ service: 'cloudwatch', operation: 'PutMetricAlarm', params: { ...alarm, ...rule } });
      const { MetricAlarms } = await aws.call({
        service: 'cloudwatch',
        operation: 'DescribeAlarms',
        params: {},
      });
      expect(MetricAlarms).toEqual([
        expect.objectContaining({
          ...alarm,
          ...rule,
          StateUpdatedTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        }),
      ]);
    });

    it('gives the code of a json service that used to speak query', async () => {
      const params = { DashboardName: 'none' };
      await expect(
        aws.call({ service: 'cloudwatch', operation: 'GetDashboard', params }),
      ).rejects.toMatchObject({ code: 'ResourceNotFound', httpStatus: 404 });
    });

    it('speaks json 1.1 with config', async () => {
      const ConfigRule = {
        ConfigRuleName: 'encrypted',
        Source: { Owner: 'AWS', SourceIdentifier: 'ENCRYPTED_VOLUMES' },
      };
      await aws.call({ service: 'config', operation: 'PutConfigRule', params: { ConfigRule } });
      const reply = await aws.call({ service: 'config', operation: 'DescribeConfigRules', params: {} });
      expect(textIn(reply, 'ConfigRuleName')).toBe('encrypted');
    });

    it('fills the idempotency token that secretsmanager asks for, and masks the secret', async () => {
      const params = { Name: 'database', SecretString: 'hunter2' };
      const token = 'execution-1/Rotate/1';
      const created = await aws.call({ service: 'secretsmanager', operation: 'CreateSecret', params, token });
      expect(created['VersionId']).toMatch(/^[0-9a-f]{64}$/);
      const read = {
        service: 'secretsmanager',
        operation: 'GetSecretValue',
        params: { SecretId: 'database' },
      };
      expect(await aws.call(read)).toMatchObject({ SecretString: '***', VersionId: created['VersionId'] });
      expect(await aws.call(read, { reveal: true })).toMatchObject({ SecretString: 'hunter2' });
    });

    it('carries bytes as base64 in both directions', async () => {
      const bytes = Buffer.from([0, 255, 10, 13]).toString('base64');
      const create = { Name: 'keystore', SecretBinary: bytes };
      await aws.call({ service: 'secretsmanager', operation: 'CreateSecret', params: create });
      const reply = await aws.call(
        { service: 'secretsmanager', operation: 'GetSecretValue', params: { SecretId: 'keystore' } },
        { reveal: true },
      );
      expect(reply['SecretBinary']).toBe(bytes);
    });

    it('acts in the region of the call', async () => {
      const read = (where: string) =>
        aws.call({ service: 'ec2', operation: 'DescribeAvailabilityZones', params: {}, region: where });
      expect(textIn(await read('us-east-2'), 'RegionName')).toBe('us-east-2');
      expect(textIn(await read('eu-west-1'), 'RegionName')).toBe('eu-west-1');
    });

    it('says clearly that an operation is missing at the endpoint', async () => {
      const params = { ConfigRuleNames: ['encrypted'] };
      const failure = aws.call({ service: 'config', operation: 'DescribeComplianceByConfigRule', params });
      await expect(failure).rejects.toMatchObject({
        code: 'NO_REPLY',
        httpStatus: 500,
        effect: 'none',
        message: expect.stringContaining('got HTTP 500 with text/html'),
      });
    });

    it('finds the endpoint in AWS_ENDPOINT_URL and in AWS_ENDPOINT_URL_<SERVICE>, which goes first', async () => {
      const saved = { ...process.env };
      try {
        process.env['AWS_ENDPOINT_URL'] = 'http://127.0.0.1:9';
        process.env['AWS_ENDPOINT_URL_SECRETS_MANAGER'] = moto.endpoint;
        const configured = createAws({ region, credentials, attempts: 1 });
        const listed = await configured.call({
          service: 'secretsmanager',
          operation: 'ListSecrets',
          params: {},
        });
        expect(isJsonObject(listed['ResponseMetadata'])).toBe(true);
        await expect(configured.identity()).rejects.toMatchObject({ code: 'UNREACHABLE', effect: 'none' });
      } finally {
        process.env = saved;
      }
    });
  });
});
