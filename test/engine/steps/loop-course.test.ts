import { expect, test } from 'vitest';
import { courseOf } from '../../../src/engine/steps/loop-course.ts';

const condition = { Variable: '{{ A.Value }}', StringEquals: 'x' };

test('a loop goes over its items, each in the type that it says', () => {
  expect(courseOf({ Iterators: ['a', 7, true] })).toEqual({
    kind: 'items',
    items: ['a', '7', 'true'],
    max: 100_000,
  });
  expect(courseOf({ Iterators: ['1', 2], IteratorDataType: 'Integer' })).toMatchObject({ items: [1, 2] });
  expect(courseOf({ Iterators: ['true', false], IteratorDataType: 'Boolean' })).toMatchObject({
    items: [true, false],
  });
  expect(courseOf({ Iterators: [{ a: 'b' }], IteratorDataType: 'StringMap' })).toMatchObject({
    items: [{ a: 'b' }],
  });
});

test('a text is a list too: with commas, or as JSON', () => {
  expect(courseOf({ Iterators: 'a,b' })).toMatchObject({ items: ['a', 'b'] });
  expect(courseOf({ Iterators: '["a","b"]' })).toMatchObject({ items: ['a', 'b'] });
});

test('no items are no passes, and no error', () => {
  expect(courseOf({ Iterators: [] })).toMatchObject({ kind: 'items', items: [] });
});

test('a loop with a condition has a hundred passes, or as many as it says', () => {
  expect(courseOf({ LoopCondition: condition })).toEqual({ kind: 'condition', condition, max: 100 });
  expect(courseOf({ LoopCondition: condition, MaxIterations: '3' })).toMatchObject({ max: 3 });
});

test.each([
  [{}, 'a loop needs either Iterators or LoopCondition'],
  [{ Iterators: ['a'], LoopCondition: condition }, 'a loop needs either Iterators or LoopCondition'],
  [{ LoopCondition: 'x' }, 'LoopCondition is "x", and must be a condition'],
  [{ Iterators: { a: 1 } }, 'Iterators is {"a":1}, and must be a list'],
  [
    { Iterators: ['a'], IteratorDataType: 'Date' },
    'IteratorDataType is "Date", and must be one of String, Integer, Boolean, StringMap',
  ],
  [{ Iterators: ['a'], MaxIterations: 0 }, 'MaxIterations is 0, and must be a whole number from 1 to 100000'],
  [
    { Iterators: ['a'], MaxIterations: 1.5 },
    'MaxIterations is 1.5, and must be a whole number from 1 to 100000',
  ],
  [
    { Iterators: ['a'], MaxIterations: 'many' },
    'MaxIterations is "many", and must be a whole number from 1 to 100000',
  ],
])('%j is not a loop that can run', (inputs, why) => {
  expect(courseOf(inputs)).toBe(why);
});

test('an item that is not of the type is named, and so are more items than passes', () => {
  expect(courseOf({ Iterators: ['a'], IteratorDataType: 'Integer' })).toMatch(
    /^Iterators is a list of Integer, but .*a/,
  );
  expect(courseOf({ Iterators: Array.from({ length: 100_001 }, () => 'x') })).toBe(
    'Iterators holds 100001 items, and a loop has at most 100000 passes',
  );
});
