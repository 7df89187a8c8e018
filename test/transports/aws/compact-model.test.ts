import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { EndpointRules } from '../../../src/transports/aws/model-format.ts';
import type { BotocoreModel } from '../../../src/transports/aws/botocore-format.ts';
import { compactModel } from '../../../src/transports/aws/compact-model.ts';

const rules: EndpointRules = {
  version: '1.0',
  parameters: { Region: { type: 'string', required: true, documentation: 'The region.' } },
  rules: [],
};
const metadata = {
  apiVersion: '2026-01-01',
  endpointPrefix: 'demo',
  serviceId: 'Demo Service',
  protocol: 'json',
};
const compacted = (more: Partial<BotocoreModel>) =>
  compactModel({
    service: 'demo',
    botocore: '1.2.3',
    model: { metadata, operations: {}, shapes: {}, ...more },
    endpointRules: rules,
    paginators: {
      pagination: { Get: { input_token: 'Marker', output_token: ['Next'], result_key: 'Items' } },
    },
  });

describe('compactModel', () => {
  it('keeps what operations reach, without descriptions, patterns, errors and lengths', () => {
    const compact = compacted({
      operations: { Put: { input: { shape: 'PutRequest' } } },
      shapes: {
        PutRequest: {
          type: 'structure',
          required: ['Name'],
          members: {
            Name: { shape: 'Name', locationName: 'name' },
            Alias: { shape: 'Token' },
            Token: { shape: 'Token', idempotencyToken: true },
          },
        },
        Name: { type: 'string', sensitive: true, min: 1, max: 9 },
        Token: { type: 'string', min: 32, max: 64 },
        LimitExceeded: { type: 'structure', members: {} },
      },
    });
    expect(compact).toEqual({
      service: 'demo',
      botocore: '1.2.3',
      metadata: {
        apiVersion: '2026-01-01',
        protocol: 'json',
        serviceId: 'Demo Service',
        signingName: 'demo',
      },
      endpointRules: {
        version: '1.0',
        parameters: { Region: { type: 'string', required: true } },
        rules: [],
      },
      operations: { Put: { input: 'PutRequest' } },
      shapes: {
        Name: { type: 'string', sensitive: true },
        PutRequest: {
          type: 'structure',
          required: ['Name'],
          members: {
            Name: { shape: 'Name', locationName: 'name' },
            Alias: { shape: 'Token' },
            Token: { shape: 'Token', idempotencyToken: true },
          },
        },
        Token: { type: 'string', min: 32, max: 64 },
      },
    });
  });

  it('keeps where members travel, under their own names, and how pages follow one another', () => {
    const { operations, shapes } = compacted({
      metadata: { ...metadata, protocol: 'rest-json' },
      operations: {
        Get: {
          http: { method: 'PUT', requestUri: '/v1/{item-id}/{path+}?list', responseCode: 202 },
          input: { shape: 'GetRequest' },
          endpoint: { hostPrefix: 'data.' },
          authtype: 'none',
        },
      },
      shapes: {
        GetRequest: {
          type: 'structure',
          payload: 'Body',
          members: {
            ItemId: { shape: 'Text', location: 'uri', locationName: 'item-id' },
            Path: { shape: 'Text', location: 'uri', locationName: 'path' },
            Body: { shape: 'Text' },
          },
        },
        Text: { type: 'string' },
      },
    });
    expect(operations['Get']).toEqual({
      input: 'GetRequest',
      http: { method: 'PUT', requestUri: '/v1/{ItemId}/{Path+}?list', responseCode: 202 },
      hostPrefix: 'data.',
      unsigned: true,
      paginator: { inputTokens: ['Marker'], outputTokens: ['Next'], resultKeys: ['Items'] },
    });
    expect(shapes['GetRequest']).toMatchObject({ payload: 'Body', members: { ItemId: { location: 'uri' } } });
  });

  it('names the reason of an operation that needs more than a request and a reply, and drops its shapes', () => {
    const { operations, shapes } = compacted({
      operations: { Watch: { output: { shape: 'Out' } } },
      shapes: {
        Out: { type: 'structure', members: { Events: { shape: 'Events' } } },
        Events: { type: 'structure', eventstream: true, members: {} },
      },
    });
    expect(operations['Watch']).toEqual({
      refused: expect.stringMatching(/^it answers with a stream of events/),
    });
    expect(shapes).toEqual({});
  });

  it('prefers json to query, and both to CBOR', () => {
    const several = {
      ...metadata,
      protocol: 'smithy-rpc-v2-cbor',
      protocols: ['smithy-rpc-v2-cbor', 'query', 'json'],
    };
    expect(compacted({ metadata: several }).metadata.protocol).toBe('json');
  });

  it.each<[string, Partial<BotocoreModel>, RegExp]>([
    [
      'a protocol',
      { metadata: { ...metadata, protocol: 'soap' } },
      /speaks soap; .* json, rest-json, rest-xml, query, ec2/,
    ],
    ['a missing shape', { operations: { Get: { output: { shape: 'Lost' } } } }, /shape Lost is missing/],
    [
      'a location',
      {
        operations: { Get: { output: { shape: 'S' } } },
        shapes: { S: { type: 'structure', members: { A: { shape: 'S', location: 'trailer' } } } },
      },
      /trailer/,
    ],
    [
      'a type',
      { operations: { Get: { output: { shape: 'S' } } }, shapes: { S: { type: 'quaternion' } } },
      /quaternion/,
    ],
    [
      'a time format',
      {
        operations: { Get: { output: { shape: 'S' } } },
        shapes: { S: { type: 'timestamp', timestampFormat: 'sundial' } },
      },
      /sundial/,
    ],
  ])('refuses %s that the client does not carry', (_, more, message) => {
    expect(() => compacted(more)).toThrow(message);
  });
});

describe('update-models.ts', () => {
  it('refuses a folder that is not botocore, and leaves the models alone', async () => {
    const botocore = mkdtempSync(path.join(tmpdir(), 'belay-botocore-'));
    try {
      mkdirSync(path.join(botocore, 'data'));
      writeFileSync(path.join(botocore, '__init__.py'), '# nothing\n');
      const script = path.join(import.meta.dirname, '../../../src/transports/aws/update-models.ts');
      const target = path.join(botocore, 'models');
      const run = promisify(execFile)(process.execPath, [script, '--from', botocore, '--to', target]);
      await expect(run).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringContaining('names no version'),
      });
      expect(existsSync(target)).toBe(false);
    } finally {
      rmSync(botocore, { recursive: true });
    }
  });
});
