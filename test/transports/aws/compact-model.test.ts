import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { EndpointRules } from '../../../src/transports/aws/model-format.ts';
import { type BotocoreModel, compactModel } from '../../../src/transports/aws/compact-model.ts';

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
const model = (more: Partial<BotocoreModel>): BotocoreModel => ({
  metadata,
  operations: {},
  shapes: {},
  ...more,
});

describe('compactModel', () => {
  it('keeps what operations reach, without descriptions, patterns, errors and lengths', () => {
    const compact = compactModel(
      'demo',
      model({
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
      }),
      rules,
    );
    expect(compact).toEqual({
      service: 'demo',
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

  it('prefers json to query, and both to CBOR', () => {
    const several = {
      ...metadata,
      protocol: 'smithy-rpc-v2-cbor',
      protocols: ['smithy-rpc-v2-cbor', 'query', 'json'],
    };
    expect(compactModel('demo', model({ metadata: several }), rules).metadata.protocol).toBe('json');
  });

  it.each<[string, Partial<BotocoreModel>, RegExp]>([
    [
      'a protocol',
      { metadata: { ...metadata, protocol: 'rest-xml' } },
      /speaks rest-xml; .* json, query, ec2/,
    ],
    ['a missing shape', { operations: { Get: { output: { shape: 'Lost' } } } }, /shape Lost is missing/],
    [
      'a stream',
      { operations: { Get: { output: { shape: 'S' } } }, shapes: { S: { type: 'blob', streaming: true } } },
      /stream/,
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
    expect(() => compactModel('demo', model(more), rules)).toThrow(message);
  });
});

describe('update-models.ts', () => {
  it('refuses a service that botocore does not have, and leaves the models alone', async () => {
    const botocore = mkdtempSync(path.join(tmpdir(), 'belay-botocore-'));
    try {
      mkdirSync(path.join(botocore, 'data'));
      writeFileSync(path.join(botocore, '__init__.py'), "__version__ = '0.0.1'\n");
      const script = path.join(import.meta.dirname, '../../../src/transports/aws/update-models.ts');
      const run = promisify(execFile)(process.execPath, [script, '--from', botocore, 'nothing']);
      await expect(run).rejects.toMatchObject({ code: 1, stderr: 'botocore has no service named nothing\n' });
    } finally {
      rmSync(botocore, { recursive: true });
    }
  });
});
