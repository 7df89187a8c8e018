import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ranTogether } from '../../src/engine/ran-together.ts';

test('a step that ran at several places is named once, with all of them', () => {
  expect(
    ranTogether([
      { step: 'Note', targets: ['db1'] },
      { step: 'Tell', targets: ['db1'] },
      { step: 'Note', targets: ['db2', 'db1'] },
    ]),
  ).toEqual([
    { step: 'Note', targets: ['db1', 'db2'] },
    { step: 'Tell', targets: ['db1'] },
  ]);
});

test('where one of its places is not known, it may have run anywhere, whatever comes before or after', () => {
  for (const order of [
    [[], ['db1']],
    [['db1'], []],
    [['db1'], [], ['db2']],
  ])
    expect(ranTogether(order.map((targets) => ({ step: 'Note', targets })))).toEqual([
      { step: 'Note', targets: [] },
    ]);
});

test('what nobody knows of one of its places, nobody knows of the step; nor of those that are not named', () => {
  expect(
    ranTogether([
      { step: 'Note', targets: ['db1'] },
      { step: 'Note', targets: ['db2'], isUnsure: true },
      { step: 'Tell', targets: ['db1'] },
    ]),
  ).toEqual([
    { step: 'Note', targets: ['db1', 'db2'], isUnsure: true },
    { step: 'Tell', targets: ['db1'] },
  ]);
  const many = Array.from({ length: 120 }, (_, index) => ({
    step: `Step${index}`,
    targets: ['db1'],
    ...(index === 110 ? { isUnsure: true as const } : {}),
  }));
  expect(ranTogether(many).at(-1)).toEqual({ step: 'Step99', targets: [], isUnsure: true });
});

test('no place is lost: each is named, or something may have run anywhere; and never more than a hundred steps', () => {
  const ran = fc.record({
    step: fc.integer({ min: 1, max: 300 }).map((number) => `Step${number}`),
    targets: fc.array(fc.constantFrom('db1', 'db2', 'db3'), { maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.array(ran, { maxLength: 400 }), (all) => {
      const together = ranTogether(all);
      expect(together.length).toBeLessThanOrEqual(100);
      const isAnywhere = together.some(({ targets }) => targets.length === 0);
      const named = new Set(together.flatMap(({ targets }) => targets));
      expect(isAnywhere || all.every(({ targets }) => targets.every((each) => named.has(each)))).toBe(true);
    }),
  );
});
