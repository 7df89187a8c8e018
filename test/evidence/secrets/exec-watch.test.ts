/** The watch of execve sees everything that this machine starts, however short it lives. */
import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ExecLog, ExecWatch, watchMissing } from '../../support/exec-watch/exec-watch.ts';

const reason = watchMissing();

describe.skipIf(reason)(`the watch of execve${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const log = new ExecLog(process.env['BELAY_TEST_EXECS'] ?? '');
  const word = (): string => randomBytes(8).toString('hex');

  test('sees each of 200 processes that end at once', async () => {
    const mark = word();
    const place = await log.place();
    execFileSync('sh', ['-c', `for n in $(seq 200); do /bin/true ${mark} $n; done`]);
    const seen = (await log.since(place)).map(({ argv }) => argv).filter((argv) => argv[1] === mark);
    expect(seen).toEqual(Array.from({ length: 200 }, (_, index) => ['/bin/true', mark, String(index + 1)]));
  });

  test('sees processes of other namespaces, that many at once start, and that replace another', async () => {
    const mark = word();
    const place = await log.place();
    const script = `unshare -mpuf --mount-proc sh -c 'exec /bin/true ${mark} inside'; exec /bin/true ${mark} instead`;
    await Promise.all(Array.from({ length: 10 }, () => promisify(execFile)('sh', ['-c', script])));
    const seen = (await log.since(place)).flatMap(({ argv }) => (argv[1] === mark ? argv.slice(2) : []));
    expect(seen.toSorted()).toEqual([...Array(10).fill('inside'), ...Array(10).fill('instead')]);
  });

  test('has every byte of arguments that are long, empty, or not to be printed', async () => {
    const mark = word();
    const args = [mark, '', `${'long '.repeat(20_000)}end`, `"'\\ \n\tä`, '(null)', 'a0=x'];
    const place = await log.place();
    execFileSync('/bin/true', args);
    const [seen] = (await log.since(place)).filter(({ argv }) => argv[1] === mark);
    expect(seen?.argv.slice(1).map((arg) => Buffer.from(arg, 'latin1').toString())).toEqual(args);
  });

  test('works beside another, loses nothing, and keeps its log from others', async () => {
    const before = { ...process.env };
    const folder = mkdtempSync(join(tmpdir(), 'belay-watch-'));
    try {
      const second = await ExecWatch.begin(join(folder, 'execs.jsonl'));
      if (second === undefined) throw new Error(watchMissing());
      const mark = word();
      const places = [await log.place(), await second.log.place()] as const;
      execFileSync('sh', ['-c', `for n in $(seq 50); do /bin/true ${mark} $n; done`]);
      const count = async (one: ExecLog, place: number): Promise<number> =>
        (await one.since(place)).filter(({ argv }) => argv[1] === mark).length;
      expect([await count(log, places[0]), await count(second.log, places[1])]).toEqual([50, 50]);
      expect(statSync(second.log.file).mode & 0o777).toBe(0o600);
      expect(await second.end()).toBe(0);
      await log.place();
    } finally {
      Object.assign(process.env, before);
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
