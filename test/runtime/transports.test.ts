import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseInventory } from '../../src/inventory/index.ts';
import { openTransports, type Transports } from '../../src/runtime/transports.ts';

const stateDir = mkdtempSync(join(tmpdir(), 'belay-transports-'));
afterAll(() => rmSync(stateDir, { recursive: true, force: true }));

const { inventory = null } = parseInventory({
  file: 'belay.yaml',
  text: `
hosts:
  db1: { tags: { role: db } }
  minio{01..02}: { tags: { role: storage } }
groups:
  databases: [db1]
  minio: ['minio{01..02}']
`,
});

async function within<T>(sandbox: boolean, ask: (transports: Transports) => T): Promise<T> {
  const transports = await openTransports({
    sandbox,
    inventory,
    stateDir,
    executionId: '01JTRANSPORTS',
    now: Date.now,
  });
  try {
    return ask(transports);
  } finally {
    await transports.close();
  }
}

describe('the targets that are reached', () => {
  test('are hosts of the inventory in reality', async () => {
    const hosts = await within(false, (transports) =>
      transports.targets(['group:minio', 'tag:role=db', 'minio01']),
    );
    expect(hosts).toEqual(['minio01', 'minio02', 'db1']);
  });

  test('are hosts of the sandbox there, of whose tags and groups the inventory tells', async () => {
    const hosts = await within(true, (transports) =>
      transports.targets(['group:databases', 'tag:role=db', 'db1']),
    );
    expect(hosts).toEqual(['db1']);
  });

  test.each([
    [false, 'group:minoi', 'no group is called minoi. Did you mean minio?'],
    [true, 'group:minio', /^group minio has minio01, which is not a host here; known are /],
    [true, 'tag:role=storage', /^no host has the tag role with the value storage/],
    [true, 'minio01', /^no host is called minio01/],
  ])('are refused where they match none (sandbox: %s, %s)', async (sandbox, selector, message) => {
    const refused = within(sandbox, (transports) => transports.targets([selector]));
    await expect(refused).rejects.toMatchObject({
      code: 'UNKNOWN_TARGET',
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    });
  });
});
