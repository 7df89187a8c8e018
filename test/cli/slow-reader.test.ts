/** Whoever reads slowly, or not at all for a while, still gets everything that a command has to say. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { builtBelay } from '../support/built.ts';
import { BelayFolder } from './belay-process.ts';

const root = join(import.meta.dirname, '..', '..');
/** Its diagnostics fill a pipe (64 KiB) several times over. */
const manyProblems = join(root, 'test', 'document', 'wrong', 'too-many-problems.yaml');

let folder: BelayFolder;
beforeEach(() => {
  folder = new BelayFolder();
});
afterEach(() => folder.clear());

/** What arrives behind a pipe that nobody reads until the writer has had its time. */
async function readLate(args: readonly string[], redirect: '' | '2>&1 >/dev/null'): Promise<string> {
  const line = `"$@" ${redirect} | { sleep 2; cat; }`;
  const { stdout } = await promisify(execFile)(
    'sh',
    ['-c', line, 'sh', process.execPath, builtBelay(), ...args],
    {
      cwd: folder.dir,
      env: folder.env(),
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  return stdout;
}

test('JSON that is larger than a pipe arrives whole', { timeout: 60_000 }, async () => {
  const text = await readLate(['validate', manyProblems, '--json'], '');
  expect(text.length).toBeGreaterThan(2 * 65_536);
  expect(JSON.parse(text)).toMatchObject({ schemaVersion: 1, valid: false });
});

test('so does talk on stderr', { timeout: 60_000 }, async () => {
  const text = await readLate(['validate', manyProblems], '2>&1 >/dev/null');
  expect(text.length).toBeGreaterThan(65_536);
  expect(text.trimEnd()).toMatch(/Nothing was started\.$/);
});
