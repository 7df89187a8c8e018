/** A check that is killed before and after each of its journal writes: nothing is lost, nothing is told twice, nothing is called fixed. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { drawn } from '../../evidence/sample.ts';
import { openComplianceStore } from '../../../src/journal/index.ts';

const program = fileURLToPath(new URL('killed-check.ts', import.meta.url));

/** What the channel was given, without what says that a check stopped. */
function toldIn(folder: string): { readonly news: string[]; readonly stops: number } {
  const file = join(folder, 'told');
  const lines = existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];
  return {
    news: lines.filter((line) => !/stopped/.test(line)),
    stops: lines.filter((line) => /stopped/.test(line)).length,
  };
}

function inFolder<T>(
  work: (folder: string, check: (state: string, write?: number, phase?: string) => number | null) => T,
): T {
  const folder = mkdtempSync(join(tmpdir(), 'belay-killed-check-'));
  try {
    writeFileSync(
      join(folder, 'belay.yaml'),
      `notify:\n  file: { command: [sh, -c, 'head -n 1 >>${folder}/told'] }\n`,
    );
    return work(folder, (state, write = 0, phase = 'before') => {
      const { status, signal, stderr } = spawnSync(
        process.execPath,
        [program, folder, state, String(write), phase],
        { encoding: 'utf8' },
      );
      if (status !== 0 && signal === null) throw new Error(stderr);
      return status;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const cases = ['broken 1', 'broken 2', 'broken 3', 'broken 4', 'kept 2', 'kept 3', 'kept 4'].flatMap((each) =>
  ['before', 'after'].map((phase) => `${each} ${phase}`),
);

test.each([...drawn('the journal write at which a check is killed', cases)])(
  'killed at %s its journal write, a check is told once when it goes on',
  (drawnCase) => {
    const [state = '', number = '', phase = ''] = drawnCase.split(' ');
    const write = Number(number);
    inFolder((folder, check) => {
      if (state === 'kept') check('broken');
      const before = toldIn(folder).news.length;
      expect(check(state, write, phase)).toBeNull();
      const store = openComplianceStore(folder);
      const [finding] = store.findings({});
      const hasFinished = write > 2 || (write === 2 && phase === 'after');
      // Until everything is written down, nothing of it is.
      expect(finding?.status).toBe(
        hasFinished ? (state === 'kept' ? 'fixed' : 'open') : state === 'kept' ? 'open' : undefined,
      );
      store.close();
      expect(check(state)).toBe(0);
      expect(check(state)).toBe(0);
      const { news, stops } = toldIn(folder);
      expect(news).toHaveLength(before + 1);
      expect(news.at(-1)).toMatch(state === 'kept' ? /resolved: r/ : /r: 1 new on here/);
      expect(stops).toBe(hasFinished || (write === 1 && phase === 'before') ? 0 : 1);
    });
  },
  60_000,
);
