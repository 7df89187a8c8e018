import { expect, test } from 'vitest';
import { pairsOf } from '../../src/cli/options.ts';
import { Refusal } from '../../src/runtime/refusal.ts';

test('a pair is split at its first equals sign', () => {
  expect(pairsOf('-p', ['Host=db1', 'Query=a=b', 'Empty='])).toEqual({
    Host: 'db1',
    Query: 'a=b',
    Empty: '',
  });
});

test.each(['Host', '=db1'])('%s is not a pair', (text) => {
  expect(() => pairsOf('-p', [text])).toThrow(Refusal);
  expect(() => pairsOf('-p', [text])).toThrow(/that is not a NAME=VALUE/);
});

test('a name that is given twice is refused, with how to give a list', () => {
  expect(() => pairsOf('-p', ['Host=a', 'Host=b'])).toThrow(
    expect.objectContaining({
      kind: 'usage',
      code: 'GIVEN_TWICE',
      hint: expect.stringContaining('["a", "b"]'),
    }),
  );
});
