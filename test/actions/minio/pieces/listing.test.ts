/** Lists of pieces from several nodes, as their drives may hold them, put together object by object. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { objectsIn, recordsIn } from '../../../../src/actions/minio/pieces/listing.ts';
import { minioPieces } from '../../../../src/actions/scripts/minio.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'belay-pieces-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(drive: string, path: string, bytes: number): void {
  const file = join(folder, drive, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, Buffer.alloc(bytes));
}

/** The list that the script makes on a host with these drives. */
function listing(name: string, drives: readonly string[]): string {
  const { text } = minioPieces([]);
  const args = ['-c', text, 'pieces', ...drives.map((drive) => join(folder, drive))];
  const file = join(folder, `${name}.list`);
  writeFileSync(file, execFileSync('sh', args, { env: { ...process.env, TMPDIR: folder } }));
  return file;
}

async function all(files: readonly string[]): Promise<Record<string, string[]>> {
  const objects: Record<string, string[]> = {};
  for await (const { object, records } of objectsIn(files.map(recordsIn))) {
    const name = Buffer.from(object, 'latin1').toString('utf8');
    expect(objects).not.toHaveProperty([name]);
    objects[name] = records.map(({ from, drive, place, bytes }) => `${from}.${drive} ${place} ${bytes}`);
  }
  return objects;
}

it('gives each object with its files on every drive of every host', async () => {
  for (const drive of ['a1', 'a2', 'b1']) write(drive, 'docs/x/xl.meta', 5);
  write('a1', 'docs/big/0f/part.1', 7);
  write('a1', 'docs/big/xl.meta', 6);
  const files = [listing('a', ['a1', 'a2']), listing('b', ['b1'])];
  expect(await all(files)).toEqual({
    'docs/big': ['0.0 0f/part.1 7', '0.0 xl.meta 6'],
    'docs/x': ['0.0 xl.meta 5', '0.1 xl.meta 5', '1.0 xl.meta 5'],
  });
});

it('knows the objects of MinIO itself that must not be lost, and none of those that it writes all the time', async () => {
  for (const path of [
    'config/config.json/xl.meta',
    'buckets/docs/.metadata.bin/xl.meta',
    'buckets/.usage.json/xl.meta',
    'buckets/docs/.usage-cache.bin/xl.meta',
    'buckets/docs/.metacache/0c1f/block-0.s2/xl.meta',
    'tmp/x/xl.meta',
    'multipart/x/xl.meta',
  ])
    write('a', `.minio.sys/${path}`, 1);
  write('a', 'lost+found/x/xl.meta', 1);
  expect(Object.keys(await all([listing('a', ['a'])]))).toEqual([
    '.minio.sys/buckets/docs/.metadata.bin',
    '.minio.sys/config/config.json',
  ]);
});

it('an empty drive has no objects; a drive that is none is refused', async () => {
  mkdirSync(join(folder, 'empty'));
  expect(await all([listing('a', ['empty'])])).toEqual({});
  expect(() => listing('b', ['nowhere'])).toThrow(/cannot be entered/);
});

it('whatever the keys are, each object is given once, with all of its files', async () => {
  const part = fc
    .stringMatching(/^[\t\n !-.0-9:-\]a-zäö|~-]{1,8}$/)
    .filter((text) => text !== '.' && text !== '..');
  const key = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
  let turn = 0;
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(key, { minLength: 1, maxLength: 8 }), async (keys) => {
      turn += 1;
      for (const one of keys) {
        write(`a${turn}`, `b/${one}/xl.meta`, 1);
        write(`b${turn}`, `b/${one}/xl.meta`, 1);
      }
      const found = await all([listing('a', [`a${turn}`]), listing('b', [`b${turn}`])]);
      expect(found).toEqual(
        Object.fromEntries(keys.map((one) => [`b/${one}`, ['0.0 xl.meta 1', '1.0 xl.meta 1']])),
      );
    }),
    { numRuns: 10 },
  );
});
