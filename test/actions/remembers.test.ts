/** What an action remembers between two looks is its step's alone, and its patience counts from the first look of any runner. */
import { expect, test } from 'vitest';
import { newMemory } from '../../src/actions/define-action.ts';
import { isStillPatient } from '../../src/actions/effects/patience.ts';

test('what is kept is made once, under each name, and another step has its own', () => {
  const [one, other] = [newMemory(), newMemory()];
  const counting = (): { looks: number } => ({ looks: 0 });
  one('looks', counting).looks += 1;
  one('looks', counting).looks += 1;
  expect([
    one('looks', counting).looks,
    one('others', counting).looks,
    other('looks', counting).looks,
  ]).toEqual([2, 0, 0]);
});

test('what is kept may be nothing, and is not made again for that', () => {
  const kept = newMemory();
  let made = 0;
  const nothing = (): undefined => void (made += 1);
  kept('nothing', nothing);
  kept('nothing', nothing);
  expect(made).toBe(1);
});

test('patience is over when its seconds have passed since the first look, whoever looked then', () => {
  const at = (now: number, startedAt: number) => ({ now: () => now, startedAt });
  expect(isStillPatient(at(1_000, 1_000), 0)).toBe(false);
  expect(isStillPatient(at(1_000, 1_000), 5)).toBe(true);
  expect(isStillPatient(at(5_999, 1_000), 5)).toBe(true);
  expect(isStillPatient(at(6_000, 1_000), 5)).toBe(false);
});
