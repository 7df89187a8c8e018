/** What documents of the corpus are run against: moto, begun anew for each with the same ids, and one of each resource that they name. */
import { embeddedText } from '../../../src/document/index.ts';
import { createAws } from '../../../src/transports/aws/client.ts';
import type { Aws } from '../../../src/transports/aws.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../src/json.ts';

export const region = 'us-east-1';
export const account = '123456789012';

/** Values for parameters, by what a parameter is called; the first that fits counts. */
export type Seeds = readonly (readonly [name: RegExp, value: Json])[];

/**
 * Forgets everything, gives ids from the same beginning, and makes the resources, with every parameter of Parameter Store that the
 * text reads.
 */
export async function freshWorld(endpoint: string, text: string, tries = 3): Promise<Seeds> {
  try {
    return await makeWorld(endpoint, text);
  } catch (error) {
    // A machine that has much to do answers late.
    if (tries <= 1) throw error;
    return freshWorld(endpoint, text, tries - 1);
  }
}

async function makeWorld(endpoint: string, text: string): Promise<Seeds> {
  await post(endpoint, 'reset');
  await post(endpoint, 'seed?a=42');
  const credentials = async () => ({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'conformance' });
  const aws = createAws({ endpoint, region, credentials });
  const seeds = await makeResources(aws);
  for (const name of new Set(
    [...text.matchAll(/\{\{\s*ssm:([\w./-]+)\s*\}\}/g)].map(([, found = '']) => found),
  )) {
    const Value = embeddedText(seeds.find(([pattern]) => pattern.test(name))?.[1] ?? 'corpus');
    // Those of AWS itself are there.
    if (!name.startsWith('/aws/'))
      await aws.call({
        service: 'ssm',
        operation: 'PutParameter',
        params: { Name: name, Value, Type: 'String' },
      });
  }
  return seeds;
}

async function post(endpoint: string, what: string): Promise<void> {
  const reply = await fetch(`${endpoint}/moto-api/${what}`, { method: 'POST' });
  if (!reply.ok) throw new Error(`moto did not ${what}: ${reply.status}`);
  await reply.body?.cancel();
}

/** Follows keys and indices; '' where there is nothing. */
function at(reply: Json, ...path: readonly (string | number)[]): string {
  let value: Json | undefined = reply;
  for (const key of path)
    value = Array.isArray(value)
      ? (value as readonly Json[])[Number(key)]
      : isJsonObject(value ?? null)
        ? (value as JsonObject)[key]
        : undefined;
  return typeof value === 'string' ? value : '';
}

async function makeResources(aws: Aws): Promise<Seeds> {
  const call = (service: string, operation: string, params: JsonObject = {}): Promise<JsonObject> =>
    aws.call({ service, operation, params });
  const zone = `${region}a`;
  const trust = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  });
  const role = at(
    await call('iam', 'CreateRole', { RoleName: 'corpus', AssumeRolePolicyDocument: trust }),
    'Role',
    'Arn',
  );
  await call('iam', 'CreateInstanceProfile', { InstanceProfileName: 'corpus' });
  await call('iam', 'AddRoleToInstanceProfile', { InstanceProfileName: 'corpus', RoleName: 'corpus' });
  const vpc = at(await call('ec2', 'DescribeVpcs'), 'Vpcs', 0, 'VpcId');
  const subnet = at(
    await call('ec2', 'DescribeSubnets', { Filters: [{ Name: 'availability-zone', Values: [zone] }] }),
    'Subnets',
    0,
    'SubnetId',
  );
  const group = at(
    await call('ec2', 'CreateSecurityGroup', { GroupName: 'corpus', Description: 'corpus', VpcId: vpc }),
    'GroupId',
  );
  const image = at(await call('ec2', 'DescribeImages', { Owners: ['amazon'] }), 'Images', 0, 'ImageId');
  await call('ec2', 'CreateKeyPair', { KeyName: 'corpus' });
  const instance = at(
    await call('ec2', 'RunInstances', {
      ImageId: image,
      InstanceType: 't3.micro',
      MinCount: 1,
      MaxCount: 1,
      SubnetId: subnet,
      TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'Name', Value: 'corpus' }] }],
    }),
    'Instances',
    0,
    'InstanceId',
  );
  const volume = at(await call('ec2', 'CreateVolume', { AvailabilityZone: zone, Size: 8 }), 'VolumeId');
  const snapshot = at(await call('ec2', 'CreateSnapshot', { VolumeId: volume }), 'SnapshotId');
  const address = at(await call('ec2', 'AllocateAddress', { Domain: 'vpc' }), 'AllocationId');
  await call('s3', 'CreateBucket', { Bucket: 'corpus-bucket' });
  const topic = at(await call('sns', 'CreateTopic', { Name: 'Automation-corpus' }), 'TopicArn');
  const key = at(await call('kms', 'CreateKey'), 'KeyMetadata', 'Arn');
  const queue = at(await call('sqs', 'CreateQueue', { QueueName: 'corpus' }), 'QueueUrl');
  await call('dynamodb', 'CreateTable', {
    TableName: 'corpus',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
  });
  await call('rds', 'CreateDBInstance', {
    DBInstanceIdentifier: 'corpus',
    DBInstanceClass: 'db.t3.micro',
    Engine: 'postgres',
    MasterUsername: 'corpus',
    MasterUserPassword: 'corpus-corpus',
    AllocatedStorage: 20,
  });
  await call('autoscaling', 'CreateLaunchConfiguration', {
    LaunchConfigurationName: 'corpus',
    ImageId: image,
    InstanceType: 't3.micro',
  });
  await call('autoscaling', 'CreateAutoScalingGroup', {
    AutoScalingGroupName: 'corpus',
    LaunchConfigurationName: 'corpus',
    MinSize: 1,
    MaxSize: 2,
    DesiredCapacity: 1,
    AvailabilityZones: [zone],
  });
  await call('cloudwatch', 'PutMetricAlarm', {
    AlarmName: 'corpus',
    MetricName: 'CPUUtilization',
    Namespace: 'AWS/EC2',
    Statistic: 'Average',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 90,
    ComparisonOperator: 'GreaterThanThreshold',
  });
  return [
    [/role.*arn|assumerole|^.*rolearn$/i, role],
    [/role(?:name|id)?$/i, 'corpus'],
    [/instance_?profile/i, 'corpus'],
    [/approver/i, `arn:aws:sts::${account}:user/moto`],
    [/topic/i, topic],
    [/alarm/i, 'corpus'],
    [/(?:rds|db).*instance.*arn/i, `arn:aws:rds:${region}:${account}:db:corpus`],
    [/(?:rds|db).*cluster.*arn/i, `arn:aws:rds:${region}:${account}:cluster:corpus`],
    [/db_?instance/i, 'corpus'],
    [/instance_?type/i, 't3.micro'],
    [/instance_?ids?$/i, instance],
    [/volume_?ids?$/i, volume],
    [/snapshot_?ids?$/i, snapshot],
    [/ami(?:_?id)?$|image_?id$/i, image],
    [/subnet_?ids?$/i, subnet],
    [/vpc_?id$/i, vpc],
    [/security_?group|^group_?id$/i, group],
    [/zone/i, zone],
    [/allocation/i, address],
    [/key_?pair|keyname/i, 'corpus'],
    [/cmk|kms|keyid|encryptionkey/i, key],
    [/bucket/i, 'corpus-bucket'],
    [/queue_?url/i, queue],
    [/url/i, 'https://example.com/corpus'],
    [/region/i, region],
    [/account/i, account],
    [/cutoff/i, 1],
    [/schedule/i, 'rate(1 day)'],
    [/duration|timeout|interval|wait|sleep/i, 'PT1S'],
    [/device/i, '/dev/sdf'],
    [/capacity|utilization|count|size|number|percent/i, '5'],
    [/arn$/i, `arn:aws:sns:${region}:${account}:Automation-corpus`],
    [/./, 'corpus'],
  ];
}
