/** The client against an endpoint that misbehaves: no call that changes something is sent again once it may have arrived. */
import { array, assert, asyncProperty, constantFrom, integer } from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type Aws, type AwsCall, AwsFailure, type JsonObject } from '../../../src/transports/aws.ts';
import { createAws } from '../../../src/transports/aws/client.ts';
import type { AwsOptions } from '../../../src/transports/aws/options.ts';
import { createModelStore } from '../../../src/transports/aws/model-store.ts';
import { type Behaviour, type MisbehavingEndpoint, startMisbehaving } from './misbehaving-endpoint.ts';

const models = createModelStore();
const REQUEST_TIMEOUT_MS = 250;

const read: AwsCall = { service: 'ec2', operation: 'DescribeInstances', params: {} };
const change: AwsCall = { service: 'ec2', operation: 'StopInstances', params: { InstanceIds: ['i-1'] } };
const create: AwsCall = {
  service: 'ec2',
  operation: 'CreateVolume',
  params: { Size: 1, AvailabilityZone: 'a' },
};
const tokened: AwsCall = { ...create, token: 'execution-1-Restore-1' };

let endpoint: MisbehavingEndpoint | undefined;
const start = async (...behaviours: Behaviour[]): Promise<MisbehavingEndpoint> =>
  (endpoint = await startMisbehaving(behaviours));
afterEach(async () => {
  await endpoint?.close();
  endpoint = undefined;
});

function clientOf({ url }: { readonly url: string }, options: AwsOptions = {}): Aws {
  return createAws({
    endpoint: url,
    region: 'eu-west-1',
    credentials: async () => ({ accessKeyId: 'AKIA', secretAccessKey: 'key' }),
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    sleep: async () => undefined,
    models,
    ...options,
  });
}

async function outcomeOf(call: Promise<JsonObject>): Promise<JsonObject | AwsFailure> {
  return call.catch((error: unknown) => {
    if (error instanceof AwsFailure) return error;
    throw error;
  });
}

const LOST: Behaviour[] = [
  'reset',
  'hang up',
  'hang',
  'half a reply',
  'headers only',
  'drip',
  'internal error',
  'html 500',
];

describe('a call that changes something and carries no token', () => {
  it.each(LOST)('is sent once when the endpoint does this: %s', async (behaviour) => {
    const { requests } = await start(behaviour, 'answer');
    const failure = await outcomeOf(clientOf({ url: endpoint?.url ?? '' }).call(change));
    expect(failure).toBeInstanceOf(AwsFailure);
    expect(failure).toMatchObject({ effect: 'unknown', retryable: true });
    expect(requests).toHaveLength(1);
  });

  it.each<Behaviour>(['html 200', 'empty 200'])(
    'has no reply that could be believed after this: %s',
    async (page) => {
      const failure = await outcomeOf(clientOf(await start(page, 'answer')).call(change));
      expect(failure).toMatchObject({ code: 'NO_REPLY', effect: 'unknown', httpStatus: 200 });
      expect(endpoint?.requests).toHaveLength(1);
    },
  );

  it('is sent again after a throttling refusal, for nothing has happened', async () => {
    expect(await clientOf(await start('throttle', 'throttle', 'answer')).call(change)).toMatchObject({
      ResponseMetadata: { HTTPStatusCode: 200 },
    });
    expect(endpoint?.requests).toHaveLength(3);
    expect(endpoint?.effects()).toBe(1);
  });

  it('is sent no more often than the limit says, and then is known not to have happened', async () => {
    const failure = await outcomeOf(clientOf(await start('throttle'), { attempts: 3 }).call(change));
    expect(failure).toMatchObject({
      code: 'RequestLimitExceeded',
      effect: 'none',
      retryable: true,
      httpStatus: 503,
    });
    expect(endpoint?.requests).toHaveLength(3);
  });

  it('is known not to have happened when the service has no capacity, in spite of status 500', async () => {
    const failure = await outcomeOf(
      clientOf(await start('no capacity')).call({ ...create, operation: 'CreateVolume' }),
    );
    expect(failure).toMatchObject({ code: 'InsufficientInstanceCapacity', effect: 'none', retryable: true });
  });

  it('is refused once and for all by a refusal', async () => {
    const failure = await outcomeOf(clientOf(await start('refuse', 'answer')).call(change));
    expect(failure).toMatchObject({
      code: 'IncorrectInstanceState',
      effect: 'none',
      retryable: false,
      requestId: 'r-2',
    });
    expect(endpoint?.requests).toHaveLength(1);
  });

  it('opens a connection of its own, on which a reset cannot mean that the other side was just closing', async () => {
    const aws = clientOf(await start('answer'));
    await aws.call(read);
    await aws.call(change);
    expect(endpoint?.requests.map(({ headers }) => headers.connection)).toEqual(['keep-alive', 'close']);
  });

  it('never has an effect twice, whatever the endpoint does and in whatever order', async () => {
    const behaviours = constantFrom<Behaviour>(
      'answer',
      'reset',
      'hang up',
      'half a reply',
      'internal error',
      'html 500',
      'html 200',
      'throttle',
      'no capacity',
      'refuse',
    );
    await assert(
      asyncProperty(
        array(behaviours, { minLength: 1, maxLength: 6 }),
        integer({ min: 1, max: 6 }),
        async (sequence, attempts) => {
          const misbehaving = await startMisbehaving(sequence);
          try {
            const outcome = await outcomeOf(clientOf(misbehaving, { attempts }).call(change));
            const effects = misbehaving.effects();
            expect(effects).toBeLessThanOrEqual(1);
            expect(misbehaving.requests.length).toBeLessThanOrEqual(attempts);
            if (outcome instanceof AwsFailure)
              expect(outcome.effect).toBe(effects === 0 ? 'none' : 'unknown');
            else expect(effects).toBe(1);
          } finally {
            await misbehaving.close();
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a call that only reads', () => {
  it.each(LOST)('is sent again when the endpoint does this: %s', async (behaviour) => {
    expect(await clientOf(await start(behaviour, 'answer')).call(read)).toMatchObject({
      ResponseMetadata: { HTTPStatusCode: 200, RequestId: 'r-1' },
    });
    expect(endpoint?.requests).toHaveLength(2);
  });

  it('has no effect, even when every reply is lost', async () => {
    const failure = await outcomeOf(clientOf(await start('reset'), { attempts: 3 }).call(read));
    expect(failure).toMatchObject({ code: 'NO_REPLY', effect: 'none', retryable: true });
    expect(failure).toMatchObject({ message: expect.stringContaining('Sent 3 times') });
    expect(endpoint?.requests).toHaveLength(3);
  });
});

describe('a call with an idempotency token', () => {
  it('is sent again with the same token when the reply was lost', async () => {
    expect(await clientOf(await start('reset', 'internal error', 'answer')).call(tokened)).toMatchObject({
      VolumeId: 'vol-1',
    });
    const tokens = endpoint?.requests.map(({ form }) => form.get('ClientToken'));
    expect(tokens).toEqual(['execution-1-Restore-1', 'execution-1-Restore-1', 'execution-1-Restore-1']);
  });

  it('keeps the token that the caller wrote himself', async () => {
    const params = { ...create.params, ClientToken: 'mine' };
    await clientOf(await start('reset', 'answer')).call({ ...tokened, params });
    expect(endpoint?.requests.map(({ form }) => form.get('ClientToken'))).toEqual(['mine', 'mine']);
  });

  it('is not sent again when nobody gave a token, though the SDK then makes one up', async () => {
    const failure = await outcomeOf(clientOf(await start('reset', 'answer')).call(create));
    expect(failure).toMatchObject({ effect: 'unknown' });
    expect(endpoint?.requests).toHaveLength(1);
  });

  it('stays in doubt when the reply was lost and the second attempt is refused', async () => {
    const failure = await outcomeOf(clientOf(await start('reset', 'refuse')).call(tokened));
    expect(failure).toMatchObject({ code: 'IncorrectInstanceState', effect: 'unknown', retryable: false });
    expect(failure).toMatchObject({
      message: expect.stringContaining('reply to an earlier attempt was lost'),
    });
  });
});

describe('a call that is cancelled', () => {
  it('stops waiting at once, is not sent again, and is in doubt when it changes something', async () => {
    const aws = clientOf(await start('hang'), { requestTimeoutMs: 20_000 });
    for (const [call, effect] of [
      [change, 'unknown'],
      [read, 'none'],
    ] as const) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 100);
      const startedAt = performance.now();
      const failure = await outcomeOf(aws.call({ ...call, signal: controller.signal }));
      expect(failure).toMatchObject({ code: 'CANCELLED', effect, retryable: false });
      expect(performance.now() - startedAt).toBeLessThan(5_000);
    }
    expect(endpoint?.requests).toHaveLength(2);
  });

  it('does not wait for the end of a pause between two attempts', async () => {
    const controller = new AbortController();
    const { url } = await start('throttle');
    const { sleep: _, ...defaults } = { sleep: undefined, random: () => 1 };
    const aws = createAws({
      ...defaults,
      endpoint: url,
      region: 'eu-west-1',
      credentials: async () => ({ accessKeyId: 'AKIA', secretAccessKey: 'key' }),
      models,
    });
    setTimeout(() => controller.abort(), 100);
    const startedAt = performance.now();
    const failure = await outcomeOf(aws.call({ ...change, signal: controller.signal }));
    expect(failure).toMatchObject({ code: 'CANCELLED', effect: 'none' });
    expect(performance.now() - startedAt).toBeLessThan(900);
    expect(endpoint?.requests).toHaveLength(1);
  });

  it('does not wait for credentials', async () => {
    const controller = new AbortController();
    const aws = clientOf(await start('answer'), { credentials: () => new Promise(() => undefined) });
    setTimeout(() => controller.abort(), 50);
    const failure = await outcomeOf(aws.call({ ...change, signal: controller.signal }));
    expect(failure).toMatchObject({ code: 'CANCELLED', effect: 'none' });
    expect(endpoint?.requests).toHaveLength(0);
  });
});

describe('an endpoint that cannot be reached', () => {
  it('has received nothing, so that even a change is tried again', async () => {
    const closed = await startMisbehaving(['answer']);
    await closed.close();
    const pauses: number[] = [];
    const aws = clientOf(closed, { attempts: 3, sleep: async (delayMs) => void pauses.push(delayMs) });
    const failure = await outcomeOf(aws.call(change));
    expect(failure).toMatchObject({ code: 'UNREACHABLE', effect: 'none', retryable: true });
    expect(failure).toMatchObject({
      message: expect.stringMatching(/did not reach http:\/\/127.* Nothing was sent/),
    });
    expect(pauses).toHaveLength(2);
  });

  it('is told apart from one that does not speak TLS, where trying again is no use', async () => {
    const { url } = await start('answer');
    const aws = clientOf({ url: url.replace('http:', 'https:') });
    const failure = await outcomeOf(aws.call(change));
    expect(failure).toMatchObject({ code: 'UNREACHABLE', effect: 'none', retryable: false });
    expect(endpoint?.requests).toHaveLength(0);
  });
});
