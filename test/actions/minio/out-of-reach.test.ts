/** How long a node that keeps silent is waited for. */
import { expect, it } from 'vitest';
import { OutOfReach } from '../../../src/actions/minio/out-of-reach.ts';
import type { NodeHealth } from '../../../src/actions/minio/probe.ts';

const node = (host: string, isOutOfReach: boolean): NodeHealth => ({
  host,
  state: isOutOfReach ? 'hangs' : 'serving',
  says: '',
  writeQuorum: null,
  tookMs: null,
  isOutOfReach,
});

it('counts from when the question was asked that was the first to stay without an answer', () => {
  const away = new OutOfReach();
  away.take([node('a', false), node('b', true)], 1_000);
  away.take([node('a', false), node('b', true)], 20_000);
  expect(away.isTooLong(40_999)).toBe(false);
  expect(away.isTooLong(41_000)).toBe(true);
});

it('begins anew for a node that has answered, and counts each node by itself', () => {
  const away = new OutOfReach();
  away.take([node('a', true)], 0);
  away.take([node('a', false), node('b', true)], 30_000);
  expect(away.isTooLong(60_000)).toBe(false);
  expect(away.isTooLong(70_000)).toBe(true);
});

it('does not wait at all where it is not to', () => {
  const away = new OutOfReach();
  expect(away.isTooLong(0, 0)).toBe(false);
  away.take([node('a', true)], 5);
  expect(away.isTooLong(5, 0)).toBe(true);
});

it('counts a silence that was waited for otherwise, and the earlier of two', () => {
  const away = new OutOfReach();
  away.isSilent('a', 1_000);
  away.take([node('a', true)], 31_000);
  expect(away.isTooLong(40_999)).toBe(false);
  expect(away.isTooLong(41_000)).toBe(true);
  away.take([node('a', false)], 45_000);
  expect(away.isTooLong(90_000)).toBe(false);
});
