/** What a service answers, over each protocol: errors with their codes, objects of the customer's own, and replies that mean harm. */
import { afterEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/json.ts';
import { createAws } from '../../../src/transports/aws/client.ts';
import { RAW_BYTES_MAX } from '../../../src/transports/aws/http.ts';
import { createModelStore } from '../../../src/transports/aws/model-store.ts';
import { type Answer, type SmallEndpoint, startEndpoint } from './small-endpoint.ts';

const models = createModelStore();
const credentials = async () => ({ accessKeyId: 'AKIA', secretAccessKey: 'key' });
let endpoint: SmallEndpoint | undefined;
afterEach(async () => {
  await endpoint?.close();
  endpoint = undefined;
});

async function call(
  service: string,
  operation: string,
  params: JsonObject,
  answer: Answer,
  reveal = false,
): Promise<JsonObject> {
  endpoint = await startEndpoint(() => answer);
  const aws = createAws({ models, region: 'eu-west-1', endpoint: endpoint.url, credentials, attempts: 1 });
  return aws.call({ service, operation, params }, { reveal });
}

const json = { 'content-type': 'application/json' };
const named = { 'x-amz-request-id': 'r-1' };

describe('an error carries its code and message over every protocol', () => {
  it.each<[string, string, string, JsonObject, Answer, string]>([
    [
      'json',
      'secretsmanager',
      'GetSecretValue',
      { SecretId: 'a' },
      {
        status: 400,
        headers: json,
        body: '{"__type":"com.amazonaws#ResourceNotFoundException","Message":"No such secret."}',
      },
      'ResourceNotFoundException',
    ],
    [
      'rest-json, in a header',
      'lambda',
      'GetFunction',
      { FunctionName: 'a' },
      {
        status: 404,
        headers: { ...json, 'x-amzn-errortype': 'ResourceNotFoundException:http://internal/' },
        body: '{"Message":"No such secret."}',
      },
      'ResourceNotFoundException',
    ],
    [
      'rest-json, in the body',
      'eks',
      'DescribeCluster',
      { name: 'a' },
      {
        status: 404,
        headers: json,
        body: '{"code":"ResourceNotFoundException","message":"No such secret."}',
      },
      'ResourceNotFoundException',
    ],
    [
      'rest-xml',
      's3',
      'GetObject',
      { Bucket: 'bucket', Key: 'k' },
      { status: 404, body: '<Error><Code>NoSuchKey</Code><Message>No such secret.</Message></Error>' },
      'NoSuchKey',
    ],
    [
      'rest-xml, wrapped',
      'route53',
      'GetHostedZone',
      { Id: 'Z1' },
      {
        status: 404,
        body: '<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchHostedZone</Code><Message>No such secret.</Message></Error></ErrorResponse>',
      },
      'NoSuchHostedZone',
    ],
    [
      'query',
      'iam',
      'GetRole',
      { RoleName: 'a' },
      {
        status: 404,
        body: '<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>No such secret.</Message></Error></ErrorResponse>',
      },
      'NoSuchEntity',
    ],
    [
      'ec2',
      'ec2',
      'DescribeVolumes',
      {},
      {
        status: 400,
        body: '<Response><Errors><Error><Code>InvalidVolume.NotFound</Code><Message>No such secret.</Message></Error></Errors></Response>',
      },
      'InvalidVolume.NotFound',
    ],
    [
      'json that used to be query',
      'sqs',
      'GetQueueUrl',
      { QueueName: 'q' },
      {
        status: 400,
        headers: { ...json, 'x-amzn-query-error': 'AWS.SimpleQueueService.NonExistentQueue;Sender' },
        body: '{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"No such secret."}',
      },
      'AWS.SimpleQueueService.NonExistentQueue',
    ],
  ])('%s', async (_, service, operation, params, answer, code) => {
    await expect(call(service, operation, params, answer)).rejects.toMatchObject({
      code,
      effect: 'none',
      message: expect.stringContaining(`${code}: No such secret.`),
    });
  });

  it.each([
    [403, 'Forbidden'],
    [404, 'NotFound'],
    [301, 'MovedPermanently'],
  ])('HEAD has no body, and its status %i is the code %s', async (status, code) => {
    const head = call('s3', 'HeadBucket', { Bucket: 'bucket' }, { status, headers: named, body: '' });
    await expect(head).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`HTTP ${status}, and no`),
    });
  });

  it('S3 may say so after it began with status 200', async () => {
    const body =
      '<?xml version="1.0"?>\n<Error><Code>InternalError</Code><Message>Try again.</Message></Error>';
    const copy = { Bucket: 'bucket', Key: 'k', CopySource: 'a/b' };
    await expect(call('s3', 'CopyObject', copy, { headers: named, body })).rejects.toMatchObject({
      code: 'InternalError',
      effect: 'unknown',
    });
  });
});

describe("an object of the customer's own", () => {
  const get = { Bucket: 'bucket', Key: 'k' };

  it('comes as it is, in base64, also when it is a page or XML', async () => {
    const page = '<!DOCTYPE html><html>&#119070;</html>';
    const { Body } = await call('s3', 'GetObject', get, { headers: named, body: page });
    expect(Body).toBe(Buffer.from(page).toString('base64'));
  });

  it('is not taken from somebody who gives no request id', async () => {
    const page = '<!DOCTYPE html><html>Log in to the guest network</html>';
    await expect(call('s3', 'GetObject', get, { body: page })).rejects.toMatchObject({ code: 'NO_REPLY' });
  });

  it('that is empty is empty', async () => {
    expect((await call('s3', 'GetObject', get, { headers: named, body: '' }))['Body']).toBe('');
  });

  it('that is larger than a step holds is refused with the size', async () => {
    const large = { headers: named, body: 'x'.repeat(RAW_BYTES_MAX + 1) };
    await expect(call('s3', 'GetObject', get, large)).rejects.toMatchObject({
      code: 'NO_REPLY',
      message: expect.stringContaining(`larger than ${RAW_BYTES_MAX} bytes`),
    });
  });
});

describe('a reply', () => {
  it('keeps every digit of a number that JavaScript would round', async () => {
    const body = '{"logGroups":[{"storedBytes":9223372036854775807,"creationTime":1796009978966}]}';
    const { logGroups } = await call('logs', 'DescribeLogGroups', {}, { headers: json, body });
    expect(logGroups).toEqual([{ storedBytes: '9223372036854775807', creationTime: 1_796_009_978_966 }]);
  });

  it('may have any name as the key of a map', async () => {
    const body = '{"Configuration":{"Environment":{"Variables":{"__proto__":"a","constructor":"b"}}}}';
    const reply = await call('lambda', 'GetFunction', { FunctionName: 'f' }, { headers: json, body }, true);
    expect(JSON.stringify(reply['Configuration'])).toBe(
      '{"Environment":{"Variables":{"__proto__":"a","constructor":"b"}}}',
    );
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('has members that let somebody act masked, whether AWS marks them or not', async () => {
    const body =
      '<R><GetSessionTokenResult><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2026-11-21T04:00:00Z</Expiration></Credentials></GetSessionTokenResult></R>';
    expect(await call('sts', 'GetSessionToken', {}, { body })).toMatchObject({
      Credentials: { AccessKeyId: 'ASIA', SecretAccessKey: '***', SessionToken: '***' },
    });
  });

  it.each([
    ['nested without end', 'ec2', 'DescribeVolumes', '<a>'.repeat(200_000)],
    ['no XML', 'iam', 'ListRoles', 'Service unavailable'],
    ['no JSON', 'logs', 'DescribeLogGroups', '{"logGroups":['],
    ['JSON nested without end', 'logs', 'DescribeLogGroups', `{"logGroups":${'['.repeat(200_000)}`],
    ['a text for a list', 'logs', 'DescribeLogGroups', '{"logGroups":"no list"}'],
    ['a number for a list', 'lambda', 'ListFunctions', '{"Functions":5}'],
    ['a list for a map', 'logs', 'DescribeLogGroups', '[]'],
    ['text for a number', 'logs', 'DescribeLogGroups', '{"logGroups":[{"storedBytes":"many"}]}'],
    ['a list for a text', 'logs', 'DescribeLogGroups', '{"nextToken":[]}'],
    ['a word for a number', 'lambda', 'GetFunction', '{"Configuration":{"Timeout":"long"}}'],
    ['a map for a text', 'lambda', 'ListTags', '{"Tags":{"a":{"b":1}}}'],
  ])('that is %s is not a reply', async (_, service, operation, body) => {
    const params: JsonObject =
      operation === 'GetFunction' ? { FunctionName: 'f' } : operation === 'ListTags' ? { Resource: 'a' } : {};
    const answered = call(service, operation, params, { headers: json, body });
    await expect(answered).rejects.toMatchObject({ code: 'NO_REPLY', effect: 'none' });
  });
});
