import { describe, expect, it } from 'vitest';
import {
  commandOutput,
  failureSentence,
  type Invocation,
} from '../../../../src/actions/aws/command/output.ts';

const long = 'x'.repeat(3_000);

describe('commandOutput', () => {
  it('puts standard error under a title, and leaves the title away where there is none', () => {
    expect(commandOutput('out', 'err')).toBe('out\n----------ERROR-------\nerr');
    expect(commandOutput('out', '')).toBe('out');
    expect(commandOutput('', '')).toBe('');
  });

  it('cuts at 2,500 characters, marks included', () => {
    for (const [stdout, stderr] of [
      [long, ''],
      ['', long],
      [long, long],
      [long, 'short'],
      ['short', long],
    ] as const)
      expect(commandOutput(stdout, stderr)).toHaveLength(2_500);
  });

  it('halves the room between two long streams', () => {
    // 100 - 24 for the title leaves 38 for each, and 23 of them for its mark.
    expect(commandOutput(long, long, 100)).toBe(
      `${'x'.repeat(15)}\n---Output truncated---\n----------ERROR-------\n${'x'.repeat(15)}\n---Error truncated----`,
    );
  });

  it('keeps the shorter stream whole', () => {
    expect(commandOutput(long, 'why', 100)).toBe(
      `${'x'.repeat(50)}\n---Output truncated---\n----------ERROR-------\nwhy`,
    );
    expect(commandOutput('what', long, 100)).toBe(
      `what\n----------ERROR-------\n${'x'.repeat(49)}\n---Error truncated----`,
    );
  });
});

describe('failureSentence', () => {
  const failed = (target: string): Invocation => ({
    target,
    status: 'Failed',
    exitCode: 2,
    output: '',
    said: 'one\ntwo\nthree\nfour\n',
  });

  it('quotes the last three lines', () => {
    expect(failureSentence('AWS-RunShellScript', [failed('db1')])).toBe(
      'AWS-RunShellScript failed on db1: exit code 2: two | three | four',
    );
  });

  it('names five targets and counts the rest', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const sentence = failureSentence('D', names.map(failed));
    expect(sentence).toMatch(/^D failed on 7 of 7 targets: a: /);
    expect(sentence).toMatch(/; and 2 more$/);
  });

  it('tells an exit code that is not the reason', () => {
    const timedOut = { ...failed('db1'), status: 'ExecutionTimedOut', exitCode: 137, said: '' };
    expect(failureSentence('D', [timedOut])).toBe(
      'D failed on db1: ExecutionTimedOut (exit code 137): it said nothing',
    );
  });
});
