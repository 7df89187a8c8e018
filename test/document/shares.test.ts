/** `5` or `10%` of so many targets. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shareOf } from '../../src/document/index.ts';

test.each([
  ['5', 50, 1, 5],
  [5, 50, 1, 5],
  [' 10 % ', 50, 1, undefined],
  ['10%', 50, 0, 5],
  ['10%', 9, 0, 0],
  ['10%', 9, 1, 1],
  ['100%', 3, 1, 3],
  ['101%', 3, 1, undefined],
  ['0', 3, 0, 0],
  ['0', 3, 1, undefined],
  ['0%', 3, 1, 1],
  ['-1', 3, 0, undefined],
  ['1.5', 3, 0, undefined],
  ['ten', 3, 0, undefined],
  [null, 3, 0, undefined],
  [true, 3, 0, undefined],
] as const)('%j of %i targets, at least %i, is %s', (written, total, least, wanted) => {
  expect(shareOf(written, total, least)).toBe(wanted);
});

test('a percentage is never more than there are, and grows with what is written', () => {
  fc.assert(
    fc.property(fc.nat(100), fc.nat(100), fc.nat(10_000), (a, b, total) => {
      const [less, more] = [Math.min(a, b), Math.max(a, b)].map(
        (percent) => shareOf(`${percent}%`, total, 0) ?? -1,
      );
      expect(less).toBeGreaterThanOrEqual(0);
      expect(more).toBeGreaterThanOrEqual(less ?? 0);
      expect(more).toBeLessThanOrEqual(total);
    }),
  );
});
