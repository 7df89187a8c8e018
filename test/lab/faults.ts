/**
 * npm run lab:faults: the whole matrix of what can go wrong with the runbooks on real hosts, of which CI takes a sample, and the
 * table of it in docs/fault-report.md with the commit that it ran on. `npm run lab:faults -- -t 'after Heal'` runs a part and
 * says so. Takes an hour or two on two cores.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What vitest's JSON reporter writes, as far as the table needs it. */
interface Results {
  readonly testResults: readonly {
    readonly name: string;
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

const root = fileURLToPath(new URL('../..', import.meta.url));
const folders = ['test/evidence/minio', 'test/evidence/keys'];
const words = process.argv.slice(2);

const git = (...args: string[]): string =>
  spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout.trim();
const commit = git('rev-parse', '--short=10', 'HEAD');
const isChanged = git('status', '--porcelain', '--untracked-files=no') !== '';

const scratch = mkdtempSync(join(tmpdir(), 'belay-faults-'));
const startedAt = new Date();
const done: Results['testResults'][number][] = [];
try {
  // One after another, each on a lab that nobody disturbs; what has run is written down after each.
  for (const file of testFiles()) {
    const outputFile = join(scratch, 'results.json');
    const vitest = join(root, 'node_modules', '.bin', 'vitest');
    const reporters = ['--reporter=verbose', '--reporter=json', `--outputFile.json=${outputFile}`];
    const { status } = spawnSync(vitest, ['run', file, ...reporters, ...words], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, BELAY_FAULTS: 'all', BELAY_SEED: process.env['BELAY_SEED'] ?? '1' },
    });
    if (status !== 0) process.exitCode = 1;
    done.push(...(JSON.parse(readFileSync(outputFile, 'utf8')) as Results).testResults);
    rmSync(outputFile);
    writeFileSync(join(root, 'docs', 'fault-report.md'), report(done));
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function testFiles(): string[] {
  return folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`))
    .filter((file) => file.endsWith('.test.ts'));
}

function report(testResults: Results['testResults']): string {
  const rows = testResults.flatMap(({ name, assertionResults, message }) => {
    const file = name.slice(root.length);
    if (assertionResults.length === 0)
      return [{ file, title: message.split('\n')[0] ?? '', status: 'failed', seconds: 0 }];
    return assertionResults.map(({ title, status, duration }) => ({
      file,
      title,
      status,
      seconds: Math.round((duration ?? 0) / 1000),
    }));
  });
  const ran = rows.filter(({ status }) => status === 'passed' || status === 'failed');
  const failed = ran.filter(({ status }) => status === 'failed').length;
  const part =
    words.length === 0
      ? ''
      : ` A part of the matrix: \`${words.join(' ')}\`; the rows marked "not run" were not.`;
  const lines = rows
    .toSorted((a, b) => a.file.localeCompare(b.file))
    .map(({ file, title, status, seconds }) => {
      const result = { passed: 'as it must be', failed: '**FAILED**' }[status] ?? 'not run';
      const time = result === 'not run' ? '' : String(seconds);
      return `| ${title.replaceAll('|', '\\|')} | ${result} | ${time} | ${file} |`;
    });
  return `<!-- Made by \`npm run lab:faults\`. -->

# What was made to fail, and what became of it

Commit ${commit}${isChanged ? ' with changes that were not committed' : ''}, ${startedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC, on the lab of \`test/lab\`.
${ran.length - failed} of ${ran.length} cases ended as they must.${part}

| Case | Result | Seconds | Test |
|---|---|---|---|
${lines.join('\n')}
`;
}
