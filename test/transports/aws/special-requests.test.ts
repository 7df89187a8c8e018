/** What single services want beyond their models, without a network: the request is caught on its way out. */
import { createHash } from 'node:crypto';
import { HttpResponse } from '@smithy/core/protocols';
import type { HttpRequest } from '@smithy/types';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeParams } from '../../../src/transports/aws/encode.ts';
import { createModelStore } from '../../../src/transports/aws/model-store.ts';
import { createServiceClient } from '../../../src/transports/aws/sdk-client.ts';

const models = createModelStore();
const saved = { ...process.env };
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  process.env['AWS_CONFIG_FILE'] = '/dev/null';
  process.env['AWS_SHARED_CREDENTIALS_FILE'] = '/dev/null';
});
afterEach(() => {
  process.env = { ...saved };
});

async function caught(
  service: string,
  operation: string,
  input: object = {},
  { endpoint, region = 'eu-west-1' }: { endpoint?: string; region?: string } = {},
): Promise<HttpRequest> {
  const model = models.service(service);
  if (model === undefined) throw new Error(`${service} has no model`);
  let request: HttpRequest | undefined;
  const client = createServiceClient({
    model,
    region,
    endpoint,
    credentials: async () => ({ accessKeyId: 'AKIA', secretAccessKey: 'key' }),
    requestHandler: {
      async handle(outgoing) {
        request = outgoing;
        const isJson = ['json', 'rest-json'].includes(model.metadata.protocol);
        const body = new Uint8Array(Buffer.from(isJson ? '{}' : '<R></R>'));
        return { response: new HttpResponse({ statusCode: 200, headers: {}, body }) };
      },
    },
  });
  await client.send(operation, input, {});
  if (request === undefined) throw new Error('no request was made');
  return request;
}
const formOf = ({ body }: HttpRequest): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(String(body)));
const signedFor = ({ headers }: HttpRequest): string =>
  /Credential=AKIA\/\d{8}\/([^,]+)\/aws4_request/.exec(headers['authorization'] ?? '')?.[1] ?? 'unsigned';

describe('S3', () => {
  const object = { Bucket: 'bucket', Key: 'a b/c+d' };

  it('has the bucket in the host name, or in the path where the name is not a label or somebody gives the endpoint', async () => {
    expect(await caught('s3', 'GetObject', object)).toMatchObject({
      hostname: 'bucket.s3.eu-west-1.amazonaws.com',
      path: '/a%20b/c%2Bd',
    });
    expect(await caught('s3', 'GetObject', { ...object, Bucket: 'with.dots' })).toMatchObject({
      hostname: 's3.eu-west-1.amazonaws.com',
      path: '/with.dots/a%20b/c%2Bd',
    });
    const endpoint = 'http://127.0.0.1:9000';
    expect(await caught('s3', 'GetObject', object, { endpoint })).toMatchObject({
      hostname: '127.0.0.1',
      path: '/bucket/a%20b/c%2Bd',
    });
    process.env['AWS_ENDPOINT_URL_S3'] = endpoint;
    expect(await caught('s3', 'GetObject', object)).toMatchObject({ hostname: '127.0.0.1' });
  });

  it('goes where an access point is, and is signed for it', async () => {
    const Bucket = 'arn:aws:s3:eu-west-1:123456789012:accesspoint/reports';
    expect((await caught('s3', 'GetObject', { ...object, Bucket })).hostname).toBe(
      'reports-123456789012.s3-accesspoint.eu-west-1.amazonaws.com',
    );
  });

  it('gets the checksum that the operation wants, in the algorithm that is asked for', async () => {
    const Body = new Uint8Array(Buffer.from('hello'));
    expect((await caught('s3', 'PutObject', { ...object, Body })).headers).toMatchObject({
      'x-amz-sdk-checksum-algorithm': 'CRC32',
      'x-amz-checksum-crc32': 'NhCmhg==',
    });
    const asked = { ...object, Body, ChecksumAlgorithm: 'SHA256' };
    expect((await caught('s3', 'PutObject', asked)).headers).toMatchObject({
      'x-amz-checksum-sha256': createHash('sha256').update(Body).digest('base64'),
    });
    const given = await caught('s3', 'PutObject', { ...object, Body, ChecksumSHA1: 'mine' });
    expect(given.headers).toMatchObject({ 'x-amz-checksum-sha1': 'mine' });
    expect(given.headers).not.toHaveProperty('x-amz-checksum-crc32');
    await expect(caught('s3', 'PutObject', { ...asked, ChecksumAlgorithm: 'CRC64NVME' })).rejects.toThrow(
      /CRC32, SHA1 and SHA256, not CRC64NVME/,
    );
    const control = await caught('s3control', 'DeleteAccessGrant', { AccountId: '1', AccessGrantId: 'g' });
    expect(control.headers['content-md5']).toBe(createHash('md5').update('').digest('base64'));
  });
});

describe('an endpoint', () => {
  it.each([
    ['iam', 'ListRoles', 'eu-west-1', 'iam.amazonaws.com', 'us-east-1/iam'],
    ['iam', 'ListRoles', 'cn-north-1', 'iam.cn-north-1.amazonaws.com.cn', 'cn-north-1/iam'],
    ['route53', 'ListHostedZones', 'eu-west-1', 'route53.amazonaws.com', 'us-east-1/route53'],
    ['cloudfront', 'ListDistributions', 'eu-west-1', 'cloudfront.amazonaws.com', 'us-east-1/cloudfront'],
    [
      'organizations',
      'ListAccounts',
      'eu-west-1',
      'organizations.us-east-1.amazonaws.com',
      'us-east-1/organizations',
    ],
    ['budgets', 'DescribeBudgets', 'eu-west-1', 'budgets.amazonaws.com', 'us-east-1/budgets'],
    [
      'lambda',
      'ListFunctions',
      'us-gov-west-1',
      'lambda.us-gov-west-1.amazonaws.com',
      'us-gov-west-1/lambda',
    ],
    ['sagemaker', 'ListModels', 'eu-west-1', 'api.sagemaker.eu-west-1.amazonaws.com', 'eu-west-1/sagemaker'],
  ])('of %s %s in %s is %s, signed for %s', async (service, operation, region, hostname, scope) => {
    const request = await caught(service, operation, { AccountId: '123456789012' }, { region });
    expect(request.hostname).toBe(hostname);
    expect(signedFor(request)).toBe(scope);
  });

  it('has the prefix of the operation, unless somebody gives it', async () => {
    const listing = { AccountId: '123456789012' };
    expect((await caught('s3control', 'ListJobs', listing)).hostname).toBe(
      '123456789012.s3-control.eu-west-1.amazonaws.com',
    );
    const endpoint = 'http://127.0.0.1:9000';
    expect((await caught('s3control', 'ListJobs', listing, { endpoint })).hostname).toBe('127.0.0.1');
    expect(
      (await caught('servicediscovery', 'DiscoverInstances', { NamespaceName: 'n', ServiceName: 's' }))
        .hostname,
    ).toBe('data-servicediscovery.eu-west-1.amazonaws.com');
  });

  it('that wants a signature for several regions at once is refused with the reason', async () => {
    const put = { EndpointId: 'abcde.veo', Entries: [] };
    await expect(caught('events', 'PutEvents', put)).rejects.toThrow(/wants the signature sigv4a/);
  });
});

describe('a call whose caller has no credentials yet', () => {
  it.each([
    ['sts', 'AssumeRoleWithWebIdentity', { RoleArn: 'r', RoleSessionName: 's', WebIdentityToken: 't' }],
    ['cognito-identity', 'GetId', { IdentityPoolId: 'p' }],
    ['sso-oidc', 'RegisterClient', { clientName: 'c', clientType: 'public' }],
  ])('%s %s is not signed', async (service, operation, input) => {
    expect((await caught(service, operation, input)).headers).not.toHaveProperty('authorization');
  });
});

describe('a copy from another region', () => {
  it('carries the signed request for the source', async () => {
    const copy = { SourceRegion: 'us-west-2', SourceSnapshotId: 'snap-1', Encrypted: true };
    const form = formOf(await caught('ec2', 'CopySnapshot', copy));
    expect(form).toMatchObject({
      DestinationRegion: 'eu-west-1',
      SourceRegion: 'us-west-2',
      Encrypted: 'true',
    });
    const url = new URL(form['PresignedUrl'] ?? '');
    expect(url.hostname).toBe('ec2.us-west-2.amazonaws.com');
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      Action: 'CopySnapshot',
      SourceSnapshotId: 'snap-1',
      DestinationRegion: 'eu-west-1',
      'X-Amz-Expires': '3600',
      'X-Amz-Credential': expect.stringContaining('/us-west-2/ec2/'),
      'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const given = formOf(await caught('ec2', 'CopySnapshot', { ...copy, PresignedUrl: 'https://mine/' }));
    expect(given['PresignedUrl']).toBe('https://mine/');
  });

  it('of RDS does not name the source, which its API does not know', async () => {
    const copy = { SourceDBSnapshotIdentifier: 'arn', TargetDBSnapshotIdentifier: 't' };
    const form = formOf(await caught('rds', 'CopyDBSnapshot', { ...copy, SourceRegion: 'us-west-2' }));
    expect(form).not.toHaveProperty('SourceRegion');
    expect(new URL(form['PreSignedUrl'] ?? '').hostname).toBe('rds.us-west-2.amazonaws.com');
    expect(formOf(await caught('rds', 'CopyDBSnapshot', copy))).not.toHaveProperty('PreSignedUrl');
  });
});

describe('an id of Route 53', () => {
  it('may be written as Route 53 gives it', async () => {
    const model = models.service('route53');
    if (model === undefined) throw new Error('no model');
    const input = encodeParams(model, model.operations['GetHostedZone']?.input, { Id: '/hostedzone/Z1' });
    expect((await caught('route53', 'GetHostedZone', input)).path).toBe('/2013-04-01/hostedzone/Z1');
  });
});

describe('headers that a service wants', () => {
  it('are there for API Gateway and Glacier', async () => {
    expect((await caught('apigateway', 'GetRestApis')).headers['accept']).toBe('application/json');
    expect((await caught('glacier', 'ListVaults', { accountId: '-' })).headers['x-amz-glacier-version']).toBe(
      '2012-06-01',
    );
  });
});
