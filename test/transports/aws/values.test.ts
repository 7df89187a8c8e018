import { assert, date, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/transports/aws.ts';
import { decodeReply, requestIdIn } from '../../../src/transports/aws/decode.ts';
import { encodeParams } from '../../../src/transports/aws/encode.ts';
import type { ServiceModel } from '../../../src/transports/aws/model-format.ts';
import { fitToken, withToken } from '../../../src/transports/aws/token.ts';
import { bytesOf, bytesOfBase64, dateOf } from '../../../src/transports/aws/values.ts';

const model: ServiceModel = {
  service: 'demo',
  botocore: '1.2.3',
  metadata: { apiVersion: '1', protocol: 'json', serviceId: 'Demo', signingName: 'demo' },
  endpointRules: { version: '1.0', parameters: {}, rules: [] },
  operations: { Do: { input: 'All', output: 'All' } },
  shapes: {
    All: {
      type: 'structure',
      members: {
        When: { shape: 'Time' },
        Bytes: { shape: 'Bytes' },
        Times: { shape: 'Times' },
        Each: { shape: 'Each' },
        Inner: { shape: 'All' },
        Secret: { shape: 'Secret' },
        Secrets: { shape: 'Secrets' },
        Number: { shape: 'Number' },
        Any: { shape: 'Any' },
        Token: { shape: 'Token', idempotencyToken: true },
      },
    },
    Time: { type: 'timestamp' },
    Times: { type: 'list', member: { shape: 'Time' } },
    Each: { type: 'map', key: { shape: 'Text' }, value: { shape: 'Bytes' } },
    Text: { type: 'string' },
    Bytes: { type: 'blob' },
    Secret: { type: 'string', sensitive: true },
    Secrets: { type: 'structure', sensitive: true, members: { Text: { shape: 'Text' } } },
    Number: { type: 'double' },
    Any: { type: 'structure', document: true, members: {} },
    Token: { type: 'string', min: 32, max: 40 },
  },
};

describe('a time', () => {
  it.each([
    ['2026-11-21T04:00:00Z', '2026-11-21T04:00:00.000Z'],
    ['2026-11-21T04:00:00+02:00', '2026-11-21T02:00:00.000Z'],
    ['2026-11-21T04:00:00.25', '2026-11-21T04:00:00.250Z'],
    ['2026-11-21 04:00', '2026-11-21T04:00:00.000Z'],
    ['2026-11-21', '2026-11-21T00:00:00.000Z'],
    [1_795_219_200, '2026-11-21T00:00:00.000Z'],
  ])('is read from %j', (text, instant) => {
    expect(dateOf(text)?.toISOString()).toBe(instant);
  });

  it.each(['yesterday', '21.11.2026', '2026-13-01', '', '5', true, Number.NaN])(
    'is not read from %j',
    (text) => {
      expect(dateOf(text)).toBeUndefined();
    },
  );
});

describe('bytes', () => {
  it.each(['hello world', 'abc', 'a===', 'ab=c', '####'])('are not read from %j', (text) => {
    expect(bytesOfBase64(text)).toBeUndefined();
  });

  it('a text that is not base64 is its own bytes', () => {
    expect(bytesOf('{"key": "wörd"}')).toEqual(Buffer.from('{"key": "wörd"}'));
    expect(bytesOf('aGk=')).toEqual(Buffer.from('hi'));
  });
});

describe('encodeParams and decodeReply', () => {
  it('turn times and bytes into what the SDK takes, wherever they are', () => {
    const params = {
      When: 0,
      Times: ['1970-01-02'],
      Each: { a: 'aGk=' },
      Inner: { Bytes: 'aGk=', Any: { When: 0 } },
    };
    expect(encodeParams(model, 'All', params)).toEqual({
      When: new Date(0),
      Times: [new Date(86_400_000)],
      Each: { a: Buffer.from('hi') },
      Inner: { Bytes: Buffer.from('hi'), Any: { When: 0 } },
    });
    expect(encodeParams(model, undefined, {})).toEqual({});
  });

  it('are each other’s inverse for every time and all bytes', () => {
    assert(
      property(
        date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }),
        uint8Array(),
        (When, Bytes) => {
          const reply = decodeReply(model, 'All', { When, Bytes } as object, {
            reveal: false,
            requestId: 'r',
          });
          const { ResponseMetadata: _, ...params } = reply;
          expect(encodeParams(model, 'All', params)).toEqual({ When, Bytes: Buffer.from(Bytes) });
        },
      ),
    );
  });

  it('mask what the model marks sensitive, unless it is asked for openly', () => {
    const reply: object = { Secret: 'hunter2', Secrets: { Text: 'hunter3' }, Inner: { Secret: 'hunter4' } };
    const masked = decodeReply(model, 'All', reply, { reveal: false, requestId: 'r' });
    expect(masked).toMatchObject({ Secret: '***', Secrets: '***', Inner: { Secret: '***' } });
    expect(decodeReply(model, 'All', reply, { reveal: true, requestId: 'r' })).toMatchObject(reply);
  });

  it('leave out what is absent and write down what JSON cannot say', () => {
    const reply: object = {
      When: undefined,
      Number: Number.NaN,
      Bytes: null,
      $metadata: { httpStatusCode: 202 },
    };
    expect(decodeReply(model, 'All', reply, { reveal: false, requestId: undefined })).toEqual({
      Number: 'NaN',
      ResponseMetadata: { HTTPStatusCode: 202 },
    });
  });

  it('find the request id in the body of XML services', () => {
    expect(requestIdIn(Buffer.from('<A><requestId>r-1</requestId></A>'))).toBe('r-1');
    expect(requestIdIn(Buffer.from('<E><RequestID>r-2</RequestID></E>'))).toBe('r-2');
    expect(requestIdIn(undefined)).toBeUndefined();
  });
});

describe('an idempotency token', () => {
  const fill = (params: JsonObject, token: string | undefined): JsonObject =>
    withToken(model, 'All', params, { tokenMember: 'Token', token });

  it('goes into its member as it is when the service takes it so', () => {
    const token = 'a'.repeat(36);
    expect(fill({}, token)).toEqual({ Token: token });
  });

  it('is digested when it is too short, too long or not plain: always alike, and different for different ones', () => {
    const [first, again, other] = ['run/Stop/1', 'run/Stop/1', 'run/Stop/2'].map(
      (token) => fill({}, token)['Token'],
    );
    expect(first).toMatch(/^[0-9a-f]{40}$/);
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    expect(fitToken('x'.repeat(65), {})).toMatch(/^[0-9a-f]{64}$/);
  });

  it('never replaces the one that the caller wrote, and is not made up', () => {
    expect(fill({ Token: 'mine' }, 'other')).toEqual({ Token: 'mine' });
    expect(fill({}, undefined)).toEqual({});
    expect(withToken(model, 'All', {}, { tokenMember: undefined, token: 't' })).toEqual({});
  });
});
