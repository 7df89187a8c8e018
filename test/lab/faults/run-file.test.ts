import { expect, test } from 'vitest';
import { rowsOf } from './run-file.ts';

const results = (message: string, ...assertionResults: readonly object[]) =>
  ({ testResults: [{ message, assertionResults }] }) as Parameters<typeof rowsOf>[0];

test('a case is a row with the titles around it but the outermost, and its seconds when it ran', () => {
  const rows = rowsOf(
    results(
      '',
      { ancestorTitles: ['Config'], title: 'ends 0', status: 'passed', duration: 1_501 },
      { ancestorTitles: ['Config', 'when killed'], title: 'ends 8', status: 'failed', duration: 499 },
      { ancestorTitles: ['Config'], title: 'ends 9', status: 'skipped' },
    ),
    false,
  );
  expect(rows).toEqual([
    { title: 'ends 0', result: 'passed', seconds: 2 },
    { title: 'when killed: ends 8', result: 'failed', seconds: 0 },
    { title: 'ends 9', result: 'not run' },
  ]);
});

test('a file that could not be read, and a failure outside of all cases, are rows of their own', () => {
  expect(rowsOf(results('SyntaxError: no\n  at x'), false)).toEqual([
    { title: 'The file itself: SyntaxError: no', result: 'failed', seconds: 0 },
  ]);
  const passed = { ancestorTitles: ['a'], title: 'b', status: 'passed', duration: 1 };
  expect(rowsOf(results('', passed), false).map(({ result }) => result)).toEqual(['passed', 'failed']);
});
