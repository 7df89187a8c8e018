import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IndexSet } from '../../src/engine/index-set.ts';

test('finds what a plain set would, at every size', () => {
  const changes = fc.array(fc.record({ index: fc.nat(39_999), isIn: fc.boolean(), from: fc.nat(40_000) }));
  fc.assert(
    fc.property(fc.constantFrom(1, 31, 32, 33, 1024, 1025, 40_000), changes, (size, steps) => {
      const set = new IndexSet(size);
      const plain = new Set<number>();
      for (const { index, isIn, from } of steps) {
        const at = index % size;
        if (isIn) plain.add(at);
        else plain.delete(at);
        if (isIn) set.add(at);
        else set.delete(at);
        const first = [...plain].filter((each) => each >= from).toSorted((a, b) => a - b)[0];
        expect(set.firstFrom(from)).toBe(first);
      }
    }),
  );
});

test('an empty one has nothing', () => {
  expect(new IndexSet(0).firstFrom(0)).toBeUndefined();
});
