import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseInventory } from '../../src/inventory/index.ts';
import { openPlace, type Place } from '../../src/runtime/places.ts';

const stateDir = mkdtempSync(join(tmpdir(), 'belay-places-'));
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

async function within<T>(sandbox: boolean, ask: (place: Place) => T): Promise<T> {
  const place = await openPlace({ sandbox, inventory, stateDir, executionId: '01JPLACE' });
  try {
    return ask(place);
  } finally {
    await place.close();
  }
}

describe('the targets of a place', () => {
  test('are hosts of the inventory in reality', async () => {
    const hosts = await within(false, (place) => place.targets(['group:minio', 'tag:role=db', 'minio01']));
    expect(hosts).toEqual(['minio01', 'minio02', 'db1']);
  });

  test('are hosts of the sandbox there, of whose tags and groups the inventory tells', async () => {
    const hosts = await within(true, (place) => place.targets(['group:databases', 'tag:role=db', 'db1']));
    expect(hosts).toEqual(['db1']);
  });

  test.each([
    [false, 'group:minoi', 'no group is called minoi. Did you mean minio?'],
    [true, 'group:minio', /^group minio has minio01, which is no host here; known are /],
    [true, 'tag:role=storage', /^no host has the tag role with the value storage/],
    [true, 'minio01', /^no host is called minio01/],
  ])('are refused where they match none (sandbox: %s, %s)', async (sandbox, selector, message) => {
    const refused = within(sandbox, (place) => place.targets([selector]));
    await expect(refused).rejects.toMatchObject({
      code: 'UNKNOWN_TARGET',
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    });
  });
});
