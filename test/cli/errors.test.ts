/** What people read when a command could not do what they asked for. */
import { expect, test } from 'vitest';
import { reportError } from '../../src/cli/errors.ts';
import { Declined, Interrupted } from '../../src/cli/interrupted.ts';
import { JournalFailure } from '../../src/journal/errors.ts';
import { Refusal } from '../../src/runtime/refusal.ts';
import { plain } from './story.ts';

test('a refusal is its code, its sentence and what to do next', () => {
  const refusal = new Refusal('refused', 'ALREADY_RUNNING', 'X is being run by pid 7 on ops1', {
    hint: 'belay logs -f X follows it',
  });
  expect(reportError(refusal, plain)).toEqual({
    lines: ['ALREADY_RUNNING  X is being run by pid 7 on ops1', '  belay logs -f X follows it'],
    exitCode: 5,
  });
});

test('several problems keep their own codes and lines', () => {
  const refusal = new Refusal(
    'usage',
    'BAD_PARAMETERS',
    'MISSING  Host has no value\n  give it with -p\nWRONG_TYPE  x',
  );
  expect(reportError(refusal, plain)).toEqual({
    lines: ['MISSING  Host has no value', '  give it with -p', 'WRONG_TYPE  x'],
    exitCode: 2,
  });
});

test('diagnostics show the line with a caret and say that nothing was started', () => {
  const position = { line: 2, column: 3 };
  const refusal = new Refusal('usage', 'BAD_DOCUMENT', 'the runbook is not right', {
    diagnostics: [
      {
        severity: 'error',
        code: 'UNKNOWN_KEY',
        message: 'there is no key b',
        file: 'a.yaml',
        start: position,
        end: { line: 2, column: 4 },
      },
    ],
    sources: [{ file: 'a.yaml', text: 'a:\n  b: 1\n' }],
  });
  const { lines, exitCode } = reportError(refusal, plain);
  expect(exitCode).toBe(2);
  expect(lines.join('\n')).toContain('a.yaml:2:3  UNKNOWN_KEY');
  expect(lines.join('\n')).toMatch(/2 \| {3}b: 1\n +\| {3}\^/);
  expect(lines.at(-1)).toBe('1 error in 1 file. Nothing was started.');
});

test('a missing secret waits, a journal that cannot be used is a matter of configuration', () => {
  expect(reportError(new Refusal('waiting', 'MISSING_SECRET', 'x'), plain).exitCode).toBe(6);
  const full = new JournalFailure('DISK_FULL', 'no room is left. Nothing further was begun.');
  expect(reportError(full, plain)).toEqual({
    lines: ['DISK_FULL  no room is left. Nothing further was begun.'],
    exitCode: 2,
  });
});

test('a no and a Ctrl-C at the question start nothing', () => {
  expect(reportError(new Declined(), plain)).toEqual({ lines: ['Nothing was started.'], exitCode: 1 });
  expect(reportError(new Interrupted(), plain)).toEqual({ lines: ['Nothing was started.'], exitCode: 130 });
});

test('a bug ends 70 in three sentences, without a stack trace and without control sequences', () => {
  const { lines, exitCode } = reportError(new TypeError('x is \u001B[31mundefined'), plain);
  expect(exitCode).toBe(70);
  expect(lines[0]).toBe('A bug in Belay: x is undefined');
  expect(lines.join('\n')).not.toContain('    at ');
});
