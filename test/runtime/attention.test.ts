import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import { Attention } from '../../src/runtime/attention.ts';

let version: number;
let mark: string;
let marksRead: number;
let ahead: number;
let attention: Attention;

beforeEach(() => {
  version = 1;
  mark = '';
  marksRead = 0;
  ahead = 0;
  attention = new Attention({
    version: async () => version,
    mark: async () => {
      marksRead += 1;
      return mark;
    },
    now: () => Date.now() + ahead,
  });
});

/** Waits again whenever it is woken; gives the times that it was. */
async function waiting(untilMs: number): Promise<number> {
  const until = performance.now() + untilMs;
  let woken = 0;
  while (performance.now() < until) {
    await attention.something(until - performance.now(), attention.turn);
    woken += 1;
  }
  return woken;
}

test('however many wait, the journal is looked at once for all of them, and read only where it was written', async () => {
  const woken = await Promise.all(Array.from({ length: 50 }, () => waiting(700)));
  // The first look, and the end of the time, which a timer may see a millisecond early.
  expect(Math.max(...woken)).toBeLessThanOrEqual(4);
  expect(marksRead).toBe(1);
});

test('something new for the execution wakes who waits, something for another one does not', async () => {
  const heard: string[] = [];
  const wait = attention.something(60_000, attention.turn).then(() => heard.push('first look'));
  await wait;
  version += 1;
  const again = attention.something(60_000, attention.turn).then(() => heard.push('signal'));
  await delay(400);
  expect(heard).toEqual(['first look']);
  version += 1;
  mark = 'entry 1';
  await again;
  expect(heard).toEqual(['first look', 'signal']);
});

test('a clock that was set, or a machine that slept, wakes who waits for a time', async () => {
  await attention.something(60_000, attention.turn);
  const wait = attention.something(60_000, attention.turn);
  ahead = 3_600_000;
  await wait;
});

test('whoever is asked to leave is woken at once, and nobody waits any more', async () => {
  const wait = attention.something(60_000, attention.turn);
  attention.leave();
  await wait;
  await attention.something(60_000, attention.turn);
  expect(attention.isLeaving).toBe(true);
});

test('a look that fails wakes who waits, so that it says what is wrong', async () => {
  const broken = new Attention({
    version: async () => {
      throw new Error('the disk is gone');
    },
    mark: async () => '',
    now: Date.now,
  });
  await broken.something(60_000, broken.turn);
});

test('what comes between a look and the waiting is not missed', async () => {
  const other = attention.something(60_000, attention.turn);
  const { turn } = attention;
  attention.wake();
  await other;
  const heard: string[] = [];
  await attention.something(60_000, turn);
  using _listening = attention.listen(() => void heard.push('told'), turn);
  expect(heard).toEqual(['told']);
});

test('a listener that fails keeps nobody else from being told', async () => {
  const heard: string[] = [];
  const { turn } = attention;
  using _failing = attention.listen(() => Promise.reject(new Error('the disk is gone')), turn);
  using _other = attention.listen(() => void heard.push('told'), turn);
  attention.wake();
  await delay(1);
  expect(heard).toEqual(['told']);
});
