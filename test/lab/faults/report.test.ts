import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { merged, parsed, written, type Run, type Section } from './report.ts';

const run: Run = { commit: 'bdc5862769', isChanged: false, startedAt: '2026-11-27 23:39' };
const later: Run = { commit: '0123456789', isChanged: true, startedAt: '2026-11-28 01:02' };
const before: Section = {
  file: 'test/evidence/minio/rotate.test.ts',
  run,
  rows: [
    { title: 'TLS: forward', result: 'passed', seconds: 41 },
    { title: 'key: a | b, in `c`', result: 'failed', seconds: 3 },
    { title: 'key: killed', result: 'not run' },
    { title: 'key: a case of last week', result: 'passed', seconds: 1 },
  ],
};
const other: Section = {
  file: 'test/evidence/keys/rotate-key-pair.test.ts',
  rows: [{ title: 'a key that one host refuses', result: 'not run' }],
};

test('what was written is read again, sections in the order of their files', () => {
  const partly: Section = {
    file: 'test/evidence/minio/upgrade.test.ts',
    run: { ...later, part: 'forward|back' },
    rows: [{ title: 'forward', result: 'passed', seconds: 0, from: 'bdc5862769 of 2026-11-27' }],
  };
  expect(parsed(written([before, partly, other]))).toEqual([other, before, partly]);
});

test('the report says how many ended well, what failed and what was not run, and each file its commit and time', () => {
  const text = written([before, other]);
  expect(text).toContain('5 cases: 2 ended as they must, 1 failed, 2 not run.');
  expect(text).toContain('Commit bdc5862769, 2026-11-27 23:39 UTC. 2 of 3 cases ended as they must.\n');
  expect(text).toContain('| key: a \\| b, in `c` | **FAILED** | 3 |');
  expect(text).toContain('Not run yet.');
});

test('a file that is run whole says only what it said now', () => {
  const now: Section = {
    file: before.file,
    run: later,
    rows: [{ title: 'TLS: forward', result: 'failed', seconds: 9 }],
  };
  expect(merged(before, now)).toEqual(now);
  expect(merged(undefined, now)).toEqual(now);
});

test('of a part, the cases that were left out keep their result and say whose it is; what is gone goes', () => {
  const now: Section = {
    file: before.file,
    run: { ...later, part: 'killed' },
    rows: [
      { title: 'TLS: forward', result: 'not run' },
      { title: 'key: killed', result: 'passed', seconds: 12 },
      { title: 'key: new', result: 'not run' },
    ],
  };
  const once = merged(before, now);
  expect(once.rows).toEqual([
    { title: 'TLS: forward', result: 'passed', seconds: 41, from: 'bdc5862769 of 2026-11-27' },
    { title: 'key: killed', result: 'passed', seconds: 12 },
    { title: 'key: new', result: 'not run' },
  ]);
  expect(written([once])).toContain(
    'with changes that were not committed, 2026-11-28 01:02 UTC. 1 of 1 cases ended as they must. A part of the file, `-t killed`;',
  );
  // And keep saying so after the next part.
  const next: Section = {
    file: before.file,
    run: { ...later, commit: 'fedcba9876', part: 'new' },
    rows: now.rows.map(({ title }) =>
      title === 'key: new' ? { title, result: 'passed' } : { title, result: 'not run' },
    ),
  };
  expect(merged(once, next).rows.map(({ from }) => from)).toEqual([
    'bdc5862769 of 2026-11-27',
    '0123456789 of 2026-11-28',
    undefined,
  ]);
});

test('where nothing ran, nothing is forgotten', () => {
  const now: Section = {
    file: before.file,
    rows: before.rows.map(({ title }) => ({ title, result: 'not run' })),
  };
  expect(merged(before, now)).toBe(before);
  expect(merged(undefined, now)).toBe(now);
});

test('docs/fault-report.md is what would be written from it', () => {
  const text = readFileSync(new URL('../../../docs/fault-report.md', import.meta.url), 'utf8');
  const sections = parsed(text);
  expect(sections.length).toBeGreaterThan(0);
  expect(written(sections)).toBe(text);
});
