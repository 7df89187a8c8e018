import { expect, test } from 'vitest';
import { driftText } from '../../src/engine/drift-text.ts';

const absent = { kind: 'absent', sha256: null, owner: null };
const there = { kind: 'file', sha256: 'a'.repeat(64), owner: 'root' };

test('only what differs is told', () => {
  expect(driftText({ left: { ...there, owner: 'ops' }, found: there })).toBe('owner ops → root');
  expect(driftText({ left: { a: null, b: 1 }, found: { a: 2, b: 1 } })).toBe('a nothing → 2');
  expect(driftText({ left: 'on', found: 'off' })).toBe('on → off');
});

test('a thing that came or went is told as a whole, in both directions', () => {
  const file = 'file (sha256 aaaaaaaa…, owner root)';
  expect(driftText({ left: absent, found: there })).toBe(`absent → ${file}`);
  expect(driftText({ left: there, found: absent })).toBe(`${file} → absent`);
});

test('of many things in one state only those that differ are told, each by its name', () => {
  const of = (version: string | null, state: string) => ({
    packages: { libpq5: { version: '15.18', state: 'installed' }, demo: { version, state } },
  });
  expect(driftText({ left: of('1.1', 'installed'), found: of(null, 'absent') })).toBe(
    'packages demo version 1.1 → nothing, packages demo state installed → absent',
  );
  const keys = Array.from({ length: 20 }, (_, index) => [`k${index}`, index] as const);
  const left = Object.fromEntries(keys);
  const found = Object.fromEntries(keys.map(([key]) => [key, 'x']));
  expect(driftText({ left, found })).toMatch(/^k0 0 → x, .*, 8 more$/);
});
