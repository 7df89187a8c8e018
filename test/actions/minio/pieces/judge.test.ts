/** Which objects are whole, torn, or the rests of a deletion, by what lies on the drives of four nodes with four drives each. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgePieces, type Piece } from '../../../../src/actions/minio/pieces/judge.ts';
import type { PieceVersion } from '../../../../src/actions/minio/pieces/xl-meta.ts';

const set = { drives: 16, parity: 4, unseen: 0 };
const noVersion = '0'.repeat(32);
const drives = Array.from({ length: 16 }, (_, index) => ({
  drive: `d${index}`,
  host: `n${Math.floor(index / 4)}`,
}));

const version = (own: Partial<PieceVersion> = {}): PieceVersion => ({
  id: noVersion,
  kind: 'object',
  write: 'first',
  modifiedAt: 1n,
  data: 12,
  ...own,
});
const piece = (
  index: number,
  versions: Piece['versions'],
  parts: Readonly<Record<string, number>> = {},
): Piece => ({
  drive: drives[index]?.drive ?? '',
  host: drives[index]?.host ?? '',
  versions,
  parts: new Map(Object.entries(parts)),
});
const on = (indexes: readonly number[], one: PieceVersion): Piece[] =>
  indexes.map((index) => piece(index, [one]));
const first = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const kindsOf = (pieces: readonly Piece[], size = set): string[] =>
  judgePieces(pieces, size).map(({ kind }) => kind);

it.each([
  [16, []],
  [12, []],
  [11, ['torn']],
  [7, ['torn']],
  [5, ['torn']],
  [4, ['remains']],
  [1, ['remains']],
])('an object that needs 12 drives and is on the first %i: %j', (count, kinds) => {
  expect(kindsOf(on(first(count), version()))).toEqual(kinds);
});

it('four pieces on four nodes are no rest of a deletion: no node that was away has left them', () => {
  expect(kindsOf(on([0, 4, 8, 12], version()))).toEqual(['torn']);
});

it('says how many drives hold it, and how many are needed', () => {
  expect(judgePieces(on(first(9), version()), set)).toMatchObject([
    { has: 9, needs: 12, version: noVersion },
  ]);
});

it('an object that was written with more parity needs fewer drives', () => {
  expect(kindsOf(on(first(8), version({ data: 8 })))).toEqual([]);
  expect(kindsOf(on(first(7), version({ data: 8 })))).toEqual(['torn']);
});

it('an older write does not count for a newer one', () => {
  const old = on([0, 1, 2, 3, 4], version({ write: 'old', modifiedAt: 0n }));
  expect(kindsOf([...old, ...on(first(16).slice(5), version())])).toEqual(['torn']);
  expect(kindsOf([...old.slice(1), ...on([0, ...first(16).slice(5)], version())])).toEqual([]);
});

describe('parts', () => {
  const inParts = version({ parts: { folder: 'f', numbers: [1, 2] } });
  const whole = { 'f/part.1': 100, 'f/part.2': 40 };
  it.each([
    ['are missing', { 'f/part.1': 100 }],
    ['are shorter', { 'f/part.1': 100, 'f/part.2': 39 }],
    ['belong to another write', { 'g/part.1': 100, 'g/part.2': 40 }],
  ])('that %s on five drives tear an object whose xl.meta is on all', (_what, parts) => {
    const pieces = (hurt: number) =>
      first(16).map((index) => piece(index, [inParts], index < hurt ? parts : whole));
    expect(kindsOf(pieces(5))).toEqual(['torn']);
    expect(kindsOf(pieces(4))).toEqual([]);
  });
});

it('a delete marker is whole on half of the drives', () => {
  expect(kindsOf(on(first(8), version({ kind: 'marker' })))).toEqual([]);
  expect(kindsOf(on(first(7), version({ kind: 'marker' })))).toEqual(['torn']);
});

it('one version may be torn and the others whole', () => {
  const pieces = first(16).map((index) =>
    piece(index, [version({ id: 'a' }), ...(index < 6 ? [version({ id: 'b' })] : [])]),
  );
  expect(judgePieces(pieces, set).map(({ version: id, kind }) => [id, kind])).toEqual([['b', 'torn']]);
});

it('drives that nobody could look at may hold what is missing', () => {
  expect(kindsOf(on(first(10), version()), { ...set, unseen: 2 })).toEqual([]);
  expect(kindsOf(on(first(9), version()), { ...set, unseen: 2 })).toEqual(['torn']);
});

it('an xl.meta that is damaged is not a piece', () => {
  const damaged = (indexes: readonly number[]) => indexes.map((index) => piece(index, undefined));
  expect(kindsOf([...damaged([0, 1, 2, 3]), ...on(first(16).slice(4), version())])).toEqual([]);
  expect(kindsOf([...damaged([0, 1, 2, 3, 4]), ...on(first(16).slice(5), version())])).toEqual(['torn']);
  expect(kindsOf(damaged(first(16)))).toEqual(['torn']);
});

it('whatever is on the drives: what enough of them hold alike is never named, and too little always is', () => {
  fc.assert(
    fc.property(fc.subarray(first(16), { minLength: 1 }), fc.integer({ min: 1, max: 15 }), (held, data) => {
      const kinds = kindsOf(on(held, version({ data })));
      expect(kinds.length).toBe(held.length >= data ? 0 : 1);
    }),
  );
});

it('the print is the same whatever the order in which hosts answered, and another one when a piece goes', () => {
  const pieces = on(first(9), version());
  const printOf = (some: readonly Piece[]) => judgePieces(some, set)[0]?.print;
  expect(printOf(pieces.toReversed())).toBe(printOf(pieces));
  expect(printOf(pieces.slice(1))).not.toBe(printOf(pieces));
});
