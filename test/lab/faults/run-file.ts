/** Runs one test file whole, or the cases of it that match a pattern, and reads what vitest says became of each. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Row } from './report.ts';

/** What vitest's JSON reporter writes, as far as the table needs it. */
export interface Results {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
      /** In ms. */
      readonly duration?: number | null;
    }[];
  }[];
}

/** Everything that vitest prints goes to the terminal meanwhile. */
export function runFile(root: string, file: string, part: string | undefined): Row[] {
  const scratch = mkdtempSync(join(tmpdir(), 'belay-faults-'));
  try {
    const outputFile = join(scratch, 'results.json');
    const vitest = join(root, 'node_modules', '.bin', 'vitest');
    const reporters = ['--reporter=verbose', '--reporter=json', `--outputFile.json=${outputFile}`];
    const { status, signal } = spawnSync(
      vitest,
      ['run', file, ...reporters, ...(part === undefined ? [] : ['-t', part])],
      {
        cwd: root,
        stdio: 'inherit',
        env: { ...process.env, BELAY_FAULTS: 'all', BELAY_SEED: process.env['BELAY_SEED'] ?? '1' },
      },
    );
    if (!existsSync(outputFile)) {
      return [failedFile(`vitest left no results (${signal ?? `exit code ${status}`})`)];
    }
    return rowsOf(JSON.parse(readFileSync(outputFile, 'utf8')) as Results, status === 0);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** A row for each case, and one for what went wrong outside of them all. */
export function rowsOf({ testResults }: Results, endedWell: boolean): Row[] {
  const rows = testResults.flatMap(({ message, assertionResults }): Row[] => {
    if (assertionResults.length === 0) return [failedFile(message.split('\n')[0] ?? '')];
    return assertionResults.map(({ ancestorTitles, title, status, duration }) => {
      // The outermost title says whether and with which seed it runs, which the section and the seed of every report say.
      const name = [...ancestorTitles.slice(1), title].join(': ');
      if (status !== 'passed' && status !== 'failed') return { title: name, result: 'not run' };
      return { title: name, result: status, seconds: Math.round((duration ?? 0) / 1000) };
    });
  });
  if (endedWell || rows.some(({ result }) => result === 'failed')) return rows;
  return [
    ...rows,
    failedFile('something around its cases failed: bringing up, taking down, or the search for secrets'),
  ];
}

const failedFile = (why: string): Row => ({ title: `The file itself: ${why}`, result: 'failed', seconds: 0 });
