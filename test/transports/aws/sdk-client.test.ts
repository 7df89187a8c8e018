/** Where a call goes and how it is signed, without a network: the request is caught on its way out. */
import { HttpResponse } from '@smithy/core/protocols';
import type { HttpRequest } from '@smithy/types';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createModelStore } from '../../../src/transports/aws/model-store.ts';
import { createServiceClient, defaultRegion } from '../../../src/transports/aws/sdk-client.ts';

const models = createModelStore();
const saved = { ...process.env };
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  process.env['AWS_CONFIG_FILE'] = '/dev/null';
  process.env['AWS_SHARED_CREDENTIALS_FILE'] = '/dev/null';
  process.env['AWS_EC2_METADATA_DISABLED'] = 'true';
});
afterEach(() => {
  process.env = { ...saved };
});

async function caught(
  service: string,
  operation: string,
  region: string,
  input: object = {},
): Promise<HttpRequest> {
  const model = models.service(service);
  if (model === undefined) throw new Error(`${service} is not shipped`);
  let request: HttpRequest | undefined;
  const client = createServiceClient({
    model,
    region,
    endpoint: undefined,
    credentials: async () => ({ accessKeyId: 'AKIA', secretAccessKey: 'key', sessionToken: 'session' }),
    requestHandler: {
      async handle(outgoing) {
        request = outgoing;
        const body = new Uint8Array(Buffer.from(model.metadata.protocol === 'json' ? '{}' : '<R></R>'));
        return { response: new HttpResponse({ statusCode: 200, headers: {}, body }) };
      },
    },
  });
  await client.send(operation, input, {});
  if (request === undefined) throw new Error('no request was made');
  return request;
}

/** JSON bodies leave as bytes. */
function textOf(body: unknown): string {
  return body instanceof Uint8Array ? new TextDecoder().decode(body) : String(body);
}

describe('the endpoint rules of a service', () => {
  it.each([
    ['ec2', 'eu-west-1', 'ec2.eu-west-1.amazonaws.com'],
    ['ec2', 'cn-north-1', 'ec2.cn-north-1.amazonaws.com.cn'],
    ['ssm', 'us-gov-west-1', 'ssm.us-gov-west-1.amazonaws.com'],
    ['sts', 'eu-central-1', 'sts.eu-central-1.amazonaws.com'],
    ['cloudwatch', 'us-east-1', 'monitoring.us-east-1.amazonaws.com'],
    ['sns', 'us-iso-east-1', 'sns.us-iso-east-1.c2s.ic.gov'],
    ['secretsmanager', 'eu-north-1', 'secretsmanager.eu-north-1.amazonaws.com'],
    ['config', 'eu-north-1', 'config.eu-north-1.amazonaws.com'],
  ])('take %s in %s to %s', async (service, region, hostname) => {
    const operation = {
      ec2: 'DescribeRegions',
      ssm: 'ListCommands',
      sts: 'GetCallerIdentity',
      cloudwatch: 'DescribeAlarms',
      sns: 'ListTopics',
      secretsmanager: 'ListSecrets',
      config: 'DescribeConfigRules',
    }[service];
    expect(await caught(service, operation ?? '', region)).toMatchObject({
      protocol: 'https:',
      hostname,
      method: 'POST',
    });
  });

  it('take the FIPS and dual-stack endpoints where the configuration asks for them', async () => {
    process.env['AWS_USE_FIPS_ENDPOINT'] = 'true';
    expect((await caught('ec2', 'DescribeRegions', 'us-east-1')).hostname).toBe(
      'ec2-fips.us-east-1.amazonaws.com',
    );
    process.env['AWS_USE_FIPS_ENDPOINT'] = 'false';
    process.env['AWS_USE_DUALSTACK_ENDPOINT'] = 'true';
    expect((await caught('ec2', 'DescribeRegions', 'us-east-1')).hostname).toBe('ec2.us-east-1.api.aws');
  });
});

describe('a request', () => {
  it.each([
    ['ec2', 'DescribeRegions', 'ec2'],
    ['cloudwatch', 'DescribeAlarms', 'monitoring'],
    ['ssm', 'ListCommands', 'ssm'],
    ['secretsmanager', 'ListSecrets', 'secretsmanager'],
    ['sts', 'GetCallerIdentity', 'sts'],
  ])('of %s %s is signed for %s and says that Belay sent it', async (service, operation, signedAs) => {
    const { headers } = await caught(service, operation, 'eu-west-1');
    expect(headers['authorization']).toMatch(
      new RegExp(
        `^AWS4-HMAC-SHA256 Credential=AKIA/\\d{8}/eu-west-1/${signedAs}/aws4_request, SignedHeaders=`,
      ),
    );
    expect(headers['x-amz-security-token']).toBe('session');
    expect(headers['user-agent']).toContain('belay');
  });

  it('of EC2 numbers its lists and names its members as the service does', async () => {
    const { body, headers } = await caught('ec2', 'CreateVolume', 'eu-west-1', {
      AvailabilityZone: 'eu-west-1a',
      TagSpecifications: [{ ResourceType: 'volume', Tags: [{ Key: 'a', Value: 'b c' }] }],
      ClientToken: 't',
    });
    const form = Object.fromEntries(new URLSearchParams(textOf(body)));
    expect(form).toEqual({
      Action: 'CreateVolume',
      Version: '2016-11-15',
      AvailabilityZone: 'eu-west-1a',
      'TagSpecification.1.ResourceType': 'volume',
      'TagSpecification.1.Tag.1.Key': 'a',
      'TagSpecification.1.Tag.1.Value': 'b c',
      ClientToken: 't',
    });
    expect(headers['content-type']).toBe('application/x-www-form-urlencoded');
  });

  it('of a query service writes maps as entries', async () => {
    const { body } = await caught('sns', 'CreateTopic', 'eu-west-1', {
      Name: 'n',
      Attributes: { FifoTopic: 'true' },
    });
    expect(Object.fromEntries(new URLSearchParams(textOf(body)))).toEqual({
      Action: 'CreateTopic',
      Version: '2010-03-31',
      Name: 'n',
      'Attributes.entry.1.key': 'FifoTopic',
      'Attributes.entry.1.value': 'true',
    });
  });

  it.each([
    ['ssm', 'ListCommands', 'AmazonSSM.ListCommands', '1.1'],
    ['config', 'DescribeConfigRules', 'StarlingDoveService.DescribeConfigRules', '1.1'],
    ['cloudwatch', 'DescribeAlarms', 'GraniteServiceVersion20100801.DescribeAlarms', '1.0'],
  ])('of %s %s names %s as its target, in json %s', async (service, operation, target, version) => {
    const { headers, body } = await caught(service, operation, 'eu-west-1');
    expect(headers['x-amz-target']).toBe(target);
    expect(headers['content-type']).toBe(`application/x-amz-json-${version}`);
    expect(textOf(body)).toBe('{}');
  });
});

describe('the default region', () => {
  it('is AWS_REGION, then AWS_DEFAULT_REGION', async () => {
    process.env['AWS_DEFAULT_REGION'] = 'eu-south-1';
    expect(await defaultRegion()).toBe('eu-south-1');
    process.env['AWS_REGION'] = 'eu-south-2';
    expect(await defaultRegion()).toBe('eu-south-2');
  });
});
