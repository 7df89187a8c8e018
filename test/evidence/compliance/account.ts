/** An account with Config on, the three rules of S3, a bucket, a volume and a database that keep them, and a topic with a listener. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudWatchClient,
  GetMetricStatisticsCommand,
  type GetMetricStatisticsCommandOutput,
} from '@aws-sdk/client-cloudwatch';
import {
  ConfigServiceClient,
  DeleteConfigRuleCommand,
  PutConfigRuleCommand,
  PutConfigurationRecorderCommand,
  PutDeliveryChannelCommand,
  StartConfigRulesEvaluationCommand,
  StartConfigurationRecorderCommand,
  StopConfigurationRecorderCommand,
} from '@aws-sdk/client-config-service';
import {
  AttachVolumeCommand,
  CreateVolumeCommand,
  DetachVolumeCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { startEndpoint, type Endpoint } from '../../lab/endpoint/endpoint.ts';
import { createFileHands } from '../../lab/endpoint/file-hands.ts';
import { credentials, region, until } from '../../lab/endpoint/test-bed.ts';
import { listen, type Subscriber } from './subscriber.ts';

export const rules = {
  's3-bucket-server-side-encryption-enabled': 'S3_BUCKET_SERVER_SIDE_ENCRYPTION_ENABLED',
  'encrypted-volumes': 'ENCRYPTED_VOLUMES',
  'rds-storage-encrypted': 'RDS_STORAGE_ENCRYPTED',
} as const;
export type RuleName = keyof typeof rules;
const ruleNames = Object.keys(rules) as RuleName[];

export interface Account extends AsyncDisposable {
  readonly endpoint: Endpoint;
  readonly subscriber: Subscriber;
  /** With one confirmed listener; FIFO where the name says so. Resolves to the ARN. */
  topic(name: string): Promise<string>;
  /** With nobody. */
  deafTopic(name: string): Promise<string>;
  putRule(name: RuleName): Promise<void>;
  deleteRule(name: RuleName): Promise<void>;
  /** Somebody else has it evaluated. */
  evaluate(name: RuleName): Promise<void>;
  record(what: 'everything' | readonly string[]): Promise<void>;
  stopRecording(): Promise<void>;
  bucket(name: string, encrypted: boolean): Promise<void>;
  dropBucket(name: string): Promise<void>;
  /** A volume in use. Resolves to its id. */
  volume(device: string, encrypted: boolean): Promise<string>;
  releaseVolume(id: string): Promise<void>;
  database(name: string, encrypted: boolean): Promise<void>;
  dropDatabase(name: string): Promise<void>;
  /** Everything as it was at first; topics stay. */
  reset(): Promise<void>;
  metric(name: string): Promise<GetMetricStatisticsCommandOutput['Datapoints']>;
}

const scopeOf = (service: string): string =>
  `AWS4-HMAC-SHA256 Credential=lab/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`;

export async function openAccount(): Promise<Account> {
  const folder = await mkdtemp(join(tmpdir(), 'belay-account-'));
  const hands = await createFileHands(folder, { web1: [] });
  const endpoint = await startEndpoint({
    hands,
    stateFile: join(folder, 'state.json'),
    settings: { volumeMs: 50, attachMs: 50, evaluationMs: 400 },
  });
  const instance = await endpoint.adopt('web1', { agent: false, isEncrypted: true });
  const subscriber = await listen();
  // Tried again: between two runs the endpoint may close an idle connection right when it is used.
  const usual = { region, endpoint: endpoint.url, credentials, maxAttempts: 3 };
  const [config, sns, ec2, cloudwatch] = [
    new ConfigServiceClient(usual),
    new SNSClient(usual),
    new EC2Client(usual),
    new CloudWatchClient(usual),
  ];

  /** S3 and RDS, for which no client is installed. */
  const ask = async (service: string, method: string, path: string, body = ''): Promise<void> => {
    const type = service === 'rds' ? { 'content-type': 'application/x-www-form-urlencoded' } : {};
    const reply = await fetch(`${endpoint.url}${path}`, {
      method,
      headers: { authorization: scopeOf(service), ...type },
      ...(body === '' ? {} : { body }),
    });
    if (!reply.ok) throw new Error(`${service} ${method} ${path}: ${reply.status} ${await reply.text()}`);
  };
  const rds = (action: string, params: Readonly<Record<string, string>>): Promise<void> =>
    ask(
      'rds',
      'POST',
      '/',
      new URLSearchParams({ Action: action, Version: '2014-10-31', ...params }).toString(),
    );

  const [buckets, volumes, databases] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const account: Account = {
    endpoint,
    subscriber,
    topic: async (name) => {
      const arn = await account.deafTopic(name);
      const confirmed = () =>
        endpoint.journal
          .effects('messageDelivered')
          .filter(({ details }) => details['type'] !== 'Notification');
      const before = confirmed().length;
      await sns.send(new SubscribeCommand({ TopicArn: arn, Protocol: 'http', Endpoint: subscriber.url }));
      await until(
        () => confirmed().length,
        (count) => count > before,
      );
      return arn;
    },
    deafTopic: async (name) => {
      const Attributes = name.endsWith('.fifo') ? { FifoTopic: 'true' } : {};
      const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: name, Attributes }));
      return TopicArn;
    },
    putRule: async (name) => {
      const Source = { Owner: 'AWS' as const, SourceIdentifier: rules[name] };
      await config.send(new PutConfigRuleCommand({ ConfigRule: { ConfigRuleName: name, Source } }));
    },
    deleteRule: async (name) => {
      await config.send(new DeleteConfigRuleCommand({ ConfigRuleName: name }));
    },
    evaluate: async (name) => {
      await config.send(new StartConfigRulesEvaluationCommand({ ConfigRuleNames: [name] }));
    },
    record: async (what) => {
      const recordingGroup =
        what === 'everything'
          ? { allSupported: true, includeGlobalResourceTypes: true }
          : { allSupported: false, includeGlobalResourceTypes: false, resourceTypes: [...what] as never[] };
      const roleARN = 'arn:aws:iam::123456789012:role/config';
      await config.send(
        new PutConfigurationRecorderCommand({
          ConfigurationRecorder: { name: 'default', roleARN, recordingGroup },
        }),
      );
      await config.send(
        new PutDeliveryChannelCommand({ DeliveryChannel: { name: 'default', s3BucketName: 'kept' } }),
      );
      await config.send(new StartConfigurationRecorderCommand({ ConfigurationRecorderName: 'default' }));
    },
    stopRecording: async () => {
      await config.send(new StopConfigurationRecorderCommand({ ConfigurationRecorderName: 'default' }));
    },
    bucket: async (name, encrypted) => {
      const constraint = `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`;
      await ask('s3', 'PUT', `/${name}`, constraint);
      buckets.add(name);
      const rule =
        '<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>' +
        '</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>';
      if (encrypted) await ask('s3', 'PUT', `/${name}?encryption`, rule);
      else await ask('s3', 'DELETE', `/${name}?encryption`);
    },
    dropBucket: async (name) => {
      buckets.delete(name);
      await ask('s3', 'DELETE', `/${name}`);
    },
    volume: async (device, encrypted) => {
      const { VolumeId = '' } = await ec2.send(
        new CreateVolumeCommand({ Size: 1, AvailabilityZone: `${region}a`, Encrypted: encrypted }),
      );
      await new Promise((resolve) => setTimeout(resolve, 80));
      await ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: instance, Device: device }));
      volumes.add(VolumeId);
      return VolumeId;
    },
    releaseVolume: async (id) => {
      volumes.delete(id);
      await ec2.send(new DetachVolumeCommand({ VolumeId: id }));
    },
    database: async (name, encrypted) => {
      databases.add(name);
      await rds('CreateDBInstance', {
        DBInstanceIdentifier: name,
        DBInstanceClass: 'db.t3.small',
        Engine: 'postgres',
        AllocatedStorage: '20',
        MasterUsername: 'owner',
        MasterUserPassword: 'not-a-secret-1',
        StorageEncrypted: String(encrypted),
      });
    },
    dropDatabase: async (name) => {
      databases.delete(name);
      await rds('DeleteDBInstance', { DBInstanceIdentifier: name, SkipFinalSnapshot: 'true' });
    },
    reset: async () => {
      await account.record('everything');
      await Promise.all(ruleNames.map((name) => account.putRule(name)));
      await Promise.all(
        [...buckets].filter((name) => name !== 'kept').map((name) => account.dropBucket(name)),
      );
      await Promise.all([...volumes].map((id) => account.releaseVolume(id)));
      if (!databases.has('ledger')) await account.database('ledger', true);
    },
    metric: async (name) => {
      const { Datapoints } = await cloudwatch.send(
        new GetMetricStatisticsCommand({
          Namespace: 'Belay/Compliance',
          MetricName: name,
          StartTime: new Date(Date.now() - 3_600_000),
          EndTime: new Date(Date.now() + 60_000),
          Period: 3_600 * 2,
          Statistics: ['Maximum', 'Minimum', 'SampleCount'],
        }),
      );
      return Datapoints;
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of [config, sns, ec2, cloudwatch]) client.destroy();
      await subscriber[Symbol.asyncDispose]();
      await endpoint.close();
      await hands.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await account.bucket('kept', true);
  await account.reset();
  return account;
}
