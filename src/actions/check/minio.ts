/** check:minio: what must hold of a whole MinIO cluster and of each of its buckets. */
import { Type } from 'typebox';
import type { Judged } from '../../compliance/types.ts';
import { askAny } from '../minio/ask-any.ts';
import { serversOf, type Server } from '../minio/admin.ts';
import { keyedInputs, openCluster, type KeyedInputs } from '../minio/cluster.ts';
import { seesEveryBucket } from '../minio/sees-every-bucket.ts';
import { rulesOf } from '../minio/lifecycle-rules.ts';
import type { ActionContext } from '../define-action.ts';
import type { S3Client } from '../../transports/s3/client.ts';
import { defineAccountCheck, troubleOf } from './define-check.ts';
import { badReply, broken, compared, kept, unknown } from './judging.ts';

const wants = (description: string) => Type.Optional(Type.Boolean({ default: false, description }));
const bucketsMax = 10_000;

export const checkMinio = defineAccountCheck({
  name: 'check:minio',
  summary:
    'Looks whether the drives and versions of a MinIO cluster are as they must be, and each bucket has its lifecycle and versioning and no anonymous access.',
  source: 'https://min.io/docs/minio/linux/administration/object-management.html',
  example: `
    - name: ClusterIsSound
      action: check:minio
      inputs:
        Hosts: ['minio{01..04}']
        AccessKey: '{{ AccessKey }}'
        SecretKey: '{{ SecretKey }}'
        DrivesOnline: true
        OneVersion: true
        Lifecycle: true
        NoAnonymousAccess: true`,
  inputs: {
    ...keyedInputs,
    DrivesOnline: wants('Every server is online and every drive ok.'),
    OneVersion: wants('All servers run the same version.'),
    Lifecycle: wants('Each bucket has an enabled rule that expires objects or old versions.'),
    Versioning: wants('Each bucket keeps versions.'),
    NoAnonymousAccess: wants('No bucket has a policy that lets everybody in.'),
    AllowNone: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Whether it is good that there is no bucket. Otherwise nobody knows.',
      }),
    ),
    Except: Type.Optional(
      Type.Array(Type.String({ minLength: 3 }), { description: 'Buckets that are not looked at.' }),
    ),
  },
  problems: ({ DrivesOnline, OneVersion, Lifecycle, Versioning, NoAnonymousAccess }) =>
    [DrivesOnline, OneVersion, Lifecycle, Versioning, NoAnonymousAccess].every((each) => each !== true)
      ? [
          {
            path: [],
            message:
              'nothing is wanted: give DrivesOnline, OneVersion, Lifecycle, Versioning or NoAnonymousAccess',
          },
        ]
      : [],
  secretInputs: ['AccessKey', 'SecretKey'],
  hosts: ({ Hosts }) => Hosts,
  permissions: () => [],
  look: async (given, context) => {
    const inputs = { ...given, Hosts: [...context.targets(given.Hosts)] };
    using cluster = await openCluster(inputs, context);
    const judged: Judged[] = [];
    if (inputs.DrivesOnline === true || inputs.OneVersion === true) {
      const { servers } = await askAny(cluster, (node) => serversOf(node, inputs, context.signal));
      judged.push(...ofServers(servers, inputs));
    }
    if (inputs.Lifecycle === true || inputs.Versioning === true || inputs.NoAnonymousAccess === true) {
      const { buckets, seesAll, s3 } = await askAny(cluster, async (node) => {
        const client = cluster.s3(node, inputs);
        return { buckets: await client.buckets(), seesAll: await seesEveryBucket(client), s3: client };
      });
      if (!seesAll)
        judged.push(
          unknown(
            'buckets',
            'NOT_ALL_LISTED',
            'the cluster may have buckets that it does not list to this key: its policy does not let it list every bucket (s3:ListAllMyBuckets, and s3:ListBucket on every bucket)',
          ),
        );
      const meant = buckets.filter((bucket) => inputs.Except?.includes(bucket) !== true);
      if (meant.length > bucketsMax)
        judged.push(unknown('', 'TOO_MANY', `it has more than ${bucketsMax} buckets`));
      for (const bucket of meant.slice(0, bucketsMax))
        judged.push(...(await ofBucket(bucket, s3, inputs, context)));
      // A key that may not see them is told of none as well.
      if (meant.length === 0)
        judged.push(
          inputs.AllowNone === true
            ? kept('buckets', 'none')
            : unknown(
                'buckets',
                'NOTHING_JUDGED',
                'the cluster lists no bucket to this key; where that is good, say AllowNone',
              ),
        );
    }
    return { judged, isWhole: false };
  },
});

interface Wanted extends KeyedInputs {
  readonly DrivesOnline?: boolean;
  readonly OneVersion?: boolean;
  readonly Lifecycle?: boolean;
  readonly Versioning?: boolean;
  readonly NoAnonymousAccess?: boolean;
}

function ofServers(servers: readonly Server[], { DrivesOnline, OneVersion, Hosts }: Wanted): Judged[] {
  if (servers.length === 0) throw badReply('the cluster knows no server');
  const judged: Judged[] = [];
  if (DrivesOnline === true) {
    if (servers.length < Hosts.length)
      judged.push(broken('servers', `${Hosts.length} known`, `${servers.length} known`));
    for (const { endpoint, state, drives } of servers) {
      judged.push(compared(endpoint, 'online', state));
      for (const drive of drives)
        judged.push(
          compared(`drive ${drive.endpoint}`, 'ok', drive.healing ? 'healing' : drive.state || 'not told'),
        );
    }
    for (const { endpoint, state, drives } of servers)
      if (state === 'online' && drives.length === 0)
        judged.push(unknown(`drives of ${endpoint}`, 'BAD_REPLY', 'the cluster tells of no drive there'));
    if (servers.every(({ drives }) => drives.length === 0))
      judged.push(unknown('drives', 'BAD_REPLY', 'the cluster tells of no drive'));
  }
  if (OneVersion === true) {
    const silent = servers.filter(({ version }) => version === '');
    const versions = [
      ...new Set(servers.map(({ version }) => version).filter((each) => each !== '')),
    ].toSorted();
    if (versions.length > 1) judged.push(broken('version', 'one on all servers', versions.join(' and ')));
    else if (silent.length > 0 || servers.length < Hosts.length)
      judged.push(
        unknown(
          'version',
          'SERVER_NOT_ONLINE',
          `the version of ${silent.map(({ endpoint }) => endpoint).join(', ') || 'a server'} cannot be told`,
        ),
      );
    else judged.push(kept('version', versions.join(' and ')));
  }
  return judged;
}

async function ofBucket(
  bucket: string,
  s3: S3Client,
  wanted: Wanted,
  context: ActionContext,
): Promise<Judged[]> {
  const judged: Judged[] = [];
  const ask = async (subject: string, look: () => Promise<Judged>): Promise<void> => {
    try {
      judged.push(await look());
    } catch (error) {
      const { code, reason } = troubleOf(error, context.signal);
      judged.push(unknown(subject, code, reason));
    }
  };
  if (wanted.Lifecycle === true) {
    const subject = `lifecycle of ${bucket}`;
    await ask(subject, async () => {
      const xml = await s3.lifecycle(bucket);
      if (xml === undefined) return broken(subject, 'a rule that expires', 'without any rule');
      const rules = readRules(xml).filter(
        ({ isEnabled, days, noncurrentDays }) => isEnabled && (days !== null || noncurrentDays !== null),
      );
      return compared(
        subject,
        'a rule that expires',
        rules.length === 0 ? 'without an enabled rule that expires' : `${rules.length} rules`,
        rules.length > 0,
      );
    });
  }
  if (wanted.Versioning === true) {
    const subject = `versioning of ${bucket}`;
    await ask(subject, async () => {
      const { versioningOf } = await import('../../transports/s3/versions.ts');
      return compared(subject, 'enabled', await versioningOf(s3, bucket));
    });
  }
  if (wanted.NoAnonymousAccess === true) {
    const subject = `anonymous access to ${bucket}`;
    await ask(subject, async () => compared(subject, 'none', await anonymousAccess(bucket, s3)));
  }
  return judged;
}

function readRules(xml: string): ReturnType<typeof rulesOf> {
  try {
    return rulesOf(xml);
  } catch (error) {
    throw badReply(error instanceof Error ? error.message : String(error));
  }
}

/** What a bucket's policy lets everybody do; `none`. */
async function anonymousAccess(bucket: string, s3: S3Client): Promise<string> {
  const text = await policyOf(bucket, s3);
  if (text === undefined) return 'none';
  let policy: unknown;
  try {
    policy = JSON.parse(text);
  } catch {
    throw badReply(`the policy of ${bucket} is not JSON`);
  }
  const statements = listOf(memberOf(policy, 'Statement'));
  const isWhole = (each: unknown): boolean =>
    /^(Allow|Deny)$/.test(String(memberOf(each, 'Effect'))) && memberOf(each, 'Principal') !== undefined;
  if (statements.length === 0 || !statements.every(isWhole))
    throw badReply(`the policy of ${bucket} has statements that cannot be read`);
  const open = statements.filter(
    (each) => memberOf(each, 'Effect') === 'Allow' && isEverybody(memberOf(each, 'Principal')),
  );
  const actions = [...new Set(open.flatMap((each) => listOf(memberOf(each, 'Action')).map(String)))];
  return open.length === 0 ? 'none' : actions.slice(0, 5).join(', ') || 'something';
}

async function policyOf(bucket: string, s3: S3Client): Promise<string | undefined> {
  const { S3Failure } = await import('../../transports/s3/client.ts');
  try {
    return (await s3.ask(`/${bucket}`, { method: 'GET', query: { policy: '' } })).text;
  } catch (error) {
    if (error instanceof S3Failure && error.code === 'NoSuchBucketPolicy') return undefined;
    throw error;
  }
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && name in value
    ? (value as Record<string, unknown>)[name]
    : undefined;
const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value];

function isEverybody(principal: unknown): boolean {
  return principal === '*' || listOf(memberOf(principal, 'AWS')).includes('*');
}
