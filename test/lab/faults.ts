/**
 * npm run lab:faults: the whole matrix of what can go wrong with the runbooks on real hosts, of which CI takes a sample, and the
 * report of it in docs/fault-report.md. Names, or parts of names, of test files run only those: `npm run lab:faults -- upgrade`;
 * `-t 'after Heal'` runs the cases that match, and says so. Whole, it takes some hours on two cores.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { merged, parsed, written, type Run } from './faults/report.ts';
import { runFile } from './faults/run-file.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const reportName = 'docs/fault-report.md';
const report = join(root, reportName);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { testNamePattern: { type: 'string', short: 't' } },
});
const part = values.testNamePattern;

const ofFolders = ['minio', 'postgresql', 'keys', 'compliance', 'hosts']
  .map((folder) => `test/evidence/${folder}`)
  .filter((folder) => existsSync(join(root, folder)))
  .flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`))
  .filter((file) => file.endsWith('.test.ts'));
const all = [
  ...ofFolders,
  'test/evidence/account/lab-table.test.ts',
  'test/lab/outdated.test.ts',
  'test/lab/leftovers.test.ts',
];
const nowhere = positionals.filter((word) => !all.some((file) => file.includes(word)));
if (nowhere.length > 0) {
  console.error(
    `No test file of the matrix is called like ${nowhere.join(', ')}. There are:\n${all.join('\n')}`,
  );
  process.exit(2);
}
const chosen = all.filter(
  (file) => positionals.length === 0 || positionals.some((word) => file.includes(word)),
);

const git = (...args: string[]): string =>
  spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout.trim();
const commit = git('rev-parse', '--short=10', 'HEAD');
// The report of an earlier file is not a change to what is tested.
const isChanged =
  git('status', '--porcelain', '--untracked-files=no', '--', '.', `:(exclude)${reportName}`) !== '';

// One file after another, each on a lab that nobody disturbs; what has run is written down after each.
for (const file of chosen) {
  const startedAt = new Date().toISOString().slice(0, 16).replace('T', ' ');
  const run: Run = { commit, isChanged, startedAt, ...(part === undefined ? {} : { part }) };
  const rows = runFile(root, file, part);
  if (rows.some(({ result }) => result === 'failed')) process.exitCode = 1;
  const ran = rows.some(({ result }) => result !== 'not run');
  if (!ran) console.error(`${file}: no case ran, so its section of ${reportName} stays as it is.`);

  // Read anew each time: another file's section may have been written meanwhile.
  const known = existsSync(report) ? parsed(readFileSync(report, 'utf8')) : [];
  const before = known.find((section) => section.file === file);
  const now = merged(before, { file, ...(ran ? { run } : {}), rows });
  const others = known.filter((section) => section.file !== file && all.includes(section.file));
  writeFileSync(report, written([...others, now]));
}
