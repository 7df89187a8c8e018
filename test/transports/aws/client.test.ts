/** What the client does besides sending: regions, credentials, roles, clocks, and what it costs to load. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAws } from '../../../src/transports/aws/client.ts';
import { createModelStore } from '../../../src/transports/aws/model-store.ts';
import { type Answer, type SmallEndpoint, startEndpoint } from './small-endpoint.ts';

const models = createModelStore();
const region = 'eu-west-1';
const credentials = async () => ({ accessKeyId: 'AKIA', secretAccessKey: 'key' });
const saved = { ...process.env };
let endpoint: SmallEndpoint | undefined;

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  process.env['AWS_CONFIG_FILE'] = '/dev/null';
  process.env['AWS_SHARED_CREDENTIALS_FILE'] = '/dev/null';
  process.env['AWS_EC2_METADATA_DISABLED'] = 'true';
});
afterEach(async () => {
  process.env = { ...saved };
  await endpoint?.close();
  endpoint = undefined;
});

const start = async (answer: (...request: Parameters<Parameters<typeof startEndpoint>[0]>) => Answer) =>
  (endpoint = await startEndpoint(answer));

describe('without configuration', () => {
  it('a call says that it needs a region, and where one is set', async () => {
    const failure = createAws({ models }).call({
      service: 'ec2',
      operation: 'DescribeInstances',
      params: {},
    });
    await expect(failure).rejects.toMatchObject({
      code: 'NO_REGION',
      effect: 'none',
      retryable: false,
      message: expect.stringMatching(/AWS_REGION.*~\/\.aws\/config/),
    });
  });

  it('a call says that it needs credentials, and how one gets them', async () => {
    const { url, received } = await start(() => ({ body: '<R/>' }));
    const aws = createAws({ models, region, endpoint: url });
    const failure = aws.call({
      service: 'ec2',
      operation: 'StopInstances',
      params: { InstanceIds: ['i-1'] },
    });
    await expect(failure).rejects.toMatchObject({
      code: 'NO_CREDENTIALS',
      effect: 'none',
      retryable: false,
      message: expect.stringMatching(
        /^ec2 StopInstances in eu-west-1 needs AWS credentials.*AWS_PROFILE.*aws sso login/,
      ),
    });
    expect(received).toHaveLength(0);
  });

  it('a malformed call is refused before anything is asked', async () => {
    const failure = createAws({ models }).call({
      service: 'ec2',
      operation: 'StopInstances',
      params: { Ids: [] },
    });
    await expect(failure).rejects.toMatchObject({ code: 'BAD_PARAMETERS' });
  });

  it('a value that the model does not list is left to the service', async () => {
    const { url, received } = await start(() => ({ body: '<R><volumeId>vol-1</volumeId></R>' }));
    const params = { AvailabilityZone: 'eu-west-1a', VolumeType: 'gp9' };
    await createAws({ models, region, endpoint: url, credentials }).call({
      service: 'ec2',
      operation: 'CreateVolume',
      params,
    });
    expect(received[0]?.form.get('VolumeType')).toBe('gp9');
  });
});

describe('credentials that AWS refuses', () => {
  it.each([
    ['ExpiredToken', 'renew them'],
    ['UnrecognizedClientException', 'check AWS_PROFILE'],
  ])('%s comes with what to do', async (code, advice) => {
    const body = `<ErrorResponse><Error><Code>${code}</Code><Message>No.</Message></Error></ErrorResponse>`;
    const { url } = await start(() => ({ status: 403, body }));
    const failure = createAws({ models, region, endpoint: url, credentials }).identity();
    await expect(failure).rejects.toMatchObject({
      code,
      retryable: false,
      message: expect.stringContaining(advice),
    });
  });
});

describe('an assumed role', () => {
  const session = (expiration: string): string =>
    `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>token-of-the-role</SessionToken><Expiration>${expiration}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;
  const actions = (): (string | null)[] => endpoint?.received.map(({ form }) => form.get('Action')) ?? [];
  const farAway = '2999-01-01T00:00:00Z';
  const start = async (...expirations: string[]) =>
    (endpoint = await startEndpoint(({ form }) => ({
      body: form.get('Action') === 'AssumeRole' ? session(expirations.shift() ?? farAway) : '<R></R>',
    })));
  const list = { service: 'sns', operation: 'ListTopics', params: {} };
  const stop = { service: 'ec2', operation: 'StopInstances', params: { InstanceIds: ['i-1'] } };

  it('is assumed once for all services and calls, also when they begin together', async () => {
    const { url, received } = await start();
    const aws = createAws({ models, region, endpoint: url, credentials, sessionName: 'execution-7' });
    const operator = aws.assume('arn:aws:iam::123456789012:role/operator');
    await Promise.all([operator.call(list), operator.call(stop), operator.call(list)]);
    expect(actions().filter((action) => action === 'AssumeRole')).toHaveLength(1);
    expect(received[0]?.form.get('RoleArn')).toBe('arn:aws:iam::123456789012:role/operator');
    expect(received[0]?.form.get('RoleSessionName')).toBe('execution-7');
    expect(received.at(-1)?.headers['x-amz-security-token']).toBe('token-of-the-role');
  });

  it('is assumed again before its session ends', async () => {
    const { url } = await start(new Date(Date.now() + 60_000).toISOString());
    const operator = createAws({ models, region, endpoint: url, credentials }).assume(
      'arn:aws:iam::1:role/operator',
    );
    await operator.call(list);
    await operator.call(list);
    expect(actions()).toEqual(['AssumeRole', 'AssumeRole', 'ListTopics', 'ListTopics']);
  });

  it('that may not be assumed fails the call with that reason, before it was sent', async () => {
    const body =
      '<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>';
    endpoint = await startEndpoint(() => ({ status: 403, body }));
    const operator = createAws({ models, region, endpoint: endpoint.url, credentials }).assume(
      'arn:aws:iam::1:role/x',
    );
    await expect(operator.call(stop)).rejects.toMatchObject({
      code: 'AccessDenied',
      effect: 'none',
      message: expect.stringMatching(
        /^ec2 StopInstances in eu-west-1 could not get its credentials: sts AssumeRole/,
      ),
    });
    expect(actions()).toEqual(['AssumeRole']);
  });
});

describe('a clock that is wrong', () => {
  it('is corrected by the refusal, and the call is sent again, though it changes something', async () => {
    const serverTime = new Date(Date.now() + 3_600_000);
    const { url, received } = await start(({ headers }) => {
      const signedAt = String(headers['x-amz-date']).replace(
        /^(....)(..)(..)T(..)(..)(..)Z$/,
        '$1-$2-$3T$4:$5:$6Z',
      );
      const isSkewed = Math.abs(Date.parse(signedAt) - serverTime.getTime()) > 300_000;
      const date = serverTime.toUTCString();
      const body =
        '<Response><Errors><Error><Code>RequestTimeTooSkewed</Code><Message>No.</Message></Error></Errors></Response>';
      return isSkewed ? { status: 403, headers: { date }, body } : { headers: { date }, body: '<R></R>' };
    });
    const aws = createAws({ models, region, endpoint: url, credentials, sleep: async () => undefined });
    await aws.call({ service: 'ec2', operation: 'StopInstances', params: { InstanceIds: ['i-1'] } });
    expect(received).toHaveLength(2);
  });
});

describe('loading', () => {
  it('the client loads nothing of AWS before the first call', async () => {
    const file = path.join(import.meta.dirname, '../../../src/transports/aws/client.ts');
    const program = `
      import { createRequire } from 'node:module';
      const { cache } = createRequire(import.meta.url);
      const loaded = () => Object.keys(cache).filter((name) => /@(aws-sdk|smithy)/.test(name)).length;
      const { createAws } = await import(${JSON.stringify(file)});
      const aws = createAws({ region: 'eu-west-1', endpoint: 'http://127.0.0.1:9', attempts: 1 });
      const before = loaded();
      await aws.identity().catch(() => undefined);
      console.log(JSON.stringify({ before, after: loaded() }));
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
    const { before, after }: { before: number; after: number } = JSON.parse(stdout);
    expect(before).toBe(0);
    expect(after).toBeGreaterThan(5);
  });
});
