import { relative } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const report = process.env['BELAY_TEST_REPORT'];
// One for all files, where nobody gave BELAY_SEED: of some that cost minutes only one is drawn. The workers inherit it.
process.env['BELAY_RUN_SEED'] ??= String(Math.floor(Math.random() * 2 ** 31));

/**
 * Files that take minutes begin first, so that no worker is left alone with one at the end; those that work side by side with
 * those that wait.
 */
const longestFirst = [
  'test/evidence/crash/demo.test.ts',
  'test/evidence/minio/',
  'test/evidence/patch/',
  'test/evidence/keys/',
  'test/evidence/crash/postgresql.test.ts',
  'test/evidence/crash/',
  'test/transports/hosts/',
  'test/world/named-scripts.lab.test.ts',
  'test/evidence/',
  'test/lab/',
];

function rank(path: string): number {
  const file = relative(import.meta.dirname, path);
  const place = longestFirst.findIndex((start) => file.startsWith(start));
  return place === -1 ? longestFirst.length : place;
}

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((left, right) => rank(left.moduleId) - rank(right.moduleId));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/secret-search/global-setup.ts'],
    testTimeout: 60_000,
    // What a program said is compared as one text: all of it is shown where it is not as it must be, in CI's log, too.
    diff: { expand: true },
    // The search for secrets after all tests.
    teardownTimeout: 300_000,
    // Each test twice in the same world, when asked for: see the file.
    ...(process.env['BELAY_DRILL'] === 'twice' ? { runner: './test/support/drill.ts' } : {}),
    pool: 'forks',
    // One more than CI has cores: tests on real hosts wait half of their time. There are three labs for them.
    maxWorkers: 3,
    // Real hosts on a shared machine: CI tries a failed test once more and names every test that needed it.
    retry: report === undefined ? 0 : 1,
    sequence: { sequencer: LongestFirst },
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
});
