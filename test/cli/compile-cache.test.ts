/** What Node made of the files of Belay is kept for the next run, and only where nobody else can write. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { compileFolder } from '../../src/cli/compile-cache.ts';
import { BelayFolder } from './belay-process.ts';

const user = process.getuid?.() ?? -1;
const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});
function newFolder(): string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'belay-compiled-'));
  made.push(folder);
  return folder;
}
const find = (cache: string, version = '1.0.0') => compileFolder(version, { XDG_CACHE_HOME: cache }, user);

describe('the folder of what Node made', () => {
  test('is closed to others, and found again', () => {
    const cache = newFolder();
    const folder = find(cache);
    expect(folder).toBe(join(cache, 'belay', 'compiled', '1.0.0'));
    expect(statSync(folder ?? '').mode & 0o777).toBe(0o700);
    writeFileSync(join(folder ?? '', 'kept'), '');
    expect(find(cache)).toBe(folder);
    expect(existsSync(join(folder ?? '', 'kept'))).toBe(true);
  });

  test('holds one version: what another one kept goes', () => {
    const cache = newFolder();
    find(cache, '1.0.0');
    find(cache, '1.1.0');
    expect(readdirSync(join(cache, 'belay', 'compiled'))).toEqual(['1.1.0']);
  });

  test.each<[string, (cache: string) => void]>([
    ['itself', (cache) => chmodSync(join(cache, 'belay', 'compiled', '1.0.0'), 0o770)],
    ['one above it', (cache) => chmodSync(join(cache, 'belay'), 0o757)],
    ['the cache of all programs', (cache) => chmodSync(cache, 0o777)],
  ])('is not used where others can write: %s', (_, open) => {
    const cache = newFolder();
    find(cache);
    open(cache);
    expect(find(cache)).toBeUndefined();
  });

  test('is not used where it is a link to somewhere else, and nothing there is touched', () => {
    const [cache, elsewhere] = [newFolder(), newFolder()];
    mkdirSync(join(cache, 'belay'));
    mkdirSync(join(elsewhere, 'theirs'));
    symlinkSync(elsewhere, join(cache, 'belay', 'compiled'));
    expect(find(cache)).toBeUndefined();
    expect(existsSync(join(elsewhere, 'theirs'))).toBe(true);
  });

  test('is not made in a folder of somebody else, as in the home that sudo leaves to root', () => {
    const cache = newFolder();
    expect(compileFolder('1.0.0', { XDG_CACHE_HOME: cache }, user + 1)).toBeUndefined();
    expect(readdirSync(cache)).toEqual([]);
  });

  test('is not used where it belongs to somebody else', () => {
    const cache = newFolder();
    find(cache);
    expect(compileFolder('1.0.0', { XDG_CACHE_HOME: cache }, user + 1)).toBeUndefined();
  });
});

test('the program keeps it there, and runs where it cannot', async () => {
  const belay = new BelayFolder();
  try {
    const cache = newFolder();
    belay.write(
      'nothing.yaml',
      "schemaVersion: '0.3'\nmainSteps:\n  - { name: S, action: 'aws:sleep', inputs: { Duration: PT0S } }\n",
    );
    const validate = (env: Record<string, string>) =>
      belay.run(['validate', 'nothing.yaml'], { NODE_COMPILE_CACHE: '', ...env });
    expect((await validate({ XDG_CACHE_HOME: cache })).code).toBe(0);
    const [version = ''] = readdirSync(join(cache, 'belay', 'compiled'));
    expect(readdirSync(join(cache, 'belay', 'compiled', version))).not.toEqual([]);
    expect((await validate({ XDG_CACHE_HOME: '/dev/null' })).code).toBe(0);
    const [elsewhere, none] = [newFolder(), newFolder()];
    await validate({ XDG_CACHE_HOME: none, NODE_COMPILE_CACHE: elsewhere });
    await validate({ XDG_CACHE_HOME: none, NODE_DISABLE_COMPILE_CACHE: '1' });
    expect([readdirSync(elsewhere).length, readdirSync(none)]).toEqual([1, []]);
  } finally {
    belay.clear();
  }
});
