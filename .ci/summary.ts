/** Reads vitest's JSON report, refuses skips of what must run, and prints the closing line. */
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const [reportFile = '', failedBefore = '0'] = process.argv.slice(2);
const root = join(import.meta.dirname, '..');
const report: Report = existsSync(reportFile)
  ? (JSON.parse(readFileSync(reportFile, 'utf8')) as Report)
  : { testResults: [] };
const tests = report.testResults.flatMap(({ name, status, assertionResults }) =>
  assertionResults.length > 0
    ? assertionResults.map((test) => ({ file: name, ...test }))
    : [{ file: name, status, fullName: 'the file itself', failureMessages: [] }],
);

const mustRun = readFileSync(join(root, '.ci', 'must-run.txt'), 'utf8')
  .split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '' && !line.startsWith('#'));
const trouble: string[] = [];
for (const line of mustRun) {
  const [file = '', allowed = '0'] = line.split(/\s+/);
  const own = tests.filter((test) => relative(root, test.file) === file);
  if (own.length === 0) trouble.push(`${file} did not run`);
  const skipped = own.filter(({ status }) => status !== 'passed' && status !== 'failed');
  for (const { status, fullName } of skipped.slice(Number(allowed))) {
    trouble.push(`${file}: "${fullName}" was ${status}, and may not be`);
  }
}
for (const { file, fullName, status, failureMessages } of tests) {
  if (status !== 'passed' || failureMessages.length === 0) continue;
  console.log(
    `ci: needed a second try: ${relative(root, file)}: "${fullName}": ${failureMessages[0]?.split('\n')[0] ?? ''}`,
  );
}
for (const line of trouble) console.log(`ci: ${line}`);

const passed = tests.filter(({ status }) => status === 'passed').length;
let failed = tests.filter(({ status }) => status === 'failed').length + trouble.length;
if (failed === 0 && (failedBefore !== '0' || passed === 0)) {
  console.log(
    'ci: a step before the tests failed (format, lint, types, set-up), or the search for secrets after them',
  );
  failed = 1;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
