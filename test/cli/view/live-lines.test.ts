/** The part of the screen that moves. */
import { expect, test } from 'vitest';
import { heartbeatLines, liveLines, type LiveOptions } from '../../../src/cli/view/live-lines.ts';
import {
  begin,
  ended,
  failedPatch,
  plain,
  progressAfter,
  rollbackStarted,
  started,
  startedAt,
  undoing,
  undone,
  type Told,
} from '../story.ts';

const at = (seconds: number, more: Partial<LiveOptions> = {}): LiveOptions => ({
  notices: new Map(),
  now: startedAt + seconds * 1000,
  frame: 2,
  columns: 100,
  rows: 24,
  ...more,
});

const half: readonly Told[] = [
  begin('Stop', 'Patch', 'Start'),
  started(0, 'Stop'),
  ended(1, 'Stop'),
  started(1, 'Patch'),
];

test('one moving line per active step with elapsed time and the latest notice, then what is to come', () => {
  const notices = new Map([['Patch', 'waiting for \u001B[31mapt\u001B[0m']]);
  expect(liveLines(progressAfter(half), at(3.4, { notices }), plain)).toEqual([
    '  ⠹ Patch  db1  0:02    waiting for apt',
    '  · Start',
  ]);
});

test('a long notice is cut at the edge of the terminal, not wrapped', () => {
  const notices = new Map([['Patch', 'x'.repeat(200)]]);
  const [line = ''] = liveLines(progressAfter(half), at(3, { notices, columns: 40 }), plain);
  expect(line.length).toBeLessThan(40);
  expect(line.endsWith('…')).toBe(true);
});

test('many steps to come leave room for those under way', () => {
  const names = Array.from({ length: 500 }, (_, index) => `Step${index}`);
  const lines = liveLines(progressAfter([begin(...names), started(0, 'Step0')]), at(1, { rows: 10 }), plain);
  expect(lines.length).toBeLessThanOrEqual(9);
  expect(lines[0]).toContain('Step0');
  expect(lines.at(-1)).toMatch(/· \d+ more$/);
});

test('a sleeping step counts down', () => {
  const story: Told[] = [
    begin('Nap'),
    [0, { type: 'StepStarted', step: 'Nap', action: 'aws:sleep', inputs: {} }],
    [0, { type: 'StepWaiting', step: 'Nap', waiting: { kind: 'sleep', seconds: 30 } }],
  ];
  expect(liveLines(progressAfter(story), at(5), plain)).toEqual(['  ⠹ Nap  0:05    sleeping, 25 s left']);
});

test('while it climbs down, undos are under way and the others are to come', () => {
  const story = [
    ...failedPatch,
    rollbackStarted(9.5, 'Start', 'Patch', 'Stop'),
    undoing(9.5, 'Start'),
    undone(10, 'Start'),
    undoing(10, 'Patch'),
  ];
  expect(liveLines(progressAfter(story), at(12), plain)).toEqual([
    '  ⠹ Patch              0:02    undoing',
    '  · Stop',
  ]);
});

test('nothing moves once the execution has ended', () => {
  const story: Told[] = [
    ...half,
    ended(4, 'Patch'),
    [4, { type: 'ForwardEnded', status: 'Success', failedStep: null }],
  ];
  expect(liveLines(progressAfter(story), at(5), plain)).toEqual([]);
});

test('the sign of life says since when and what is waited for', () => {
  const notices = new Map([['Patch', 'waiting for apt']]);
  expect(heartbeatLines(progressAfter(half), at(31, { notices }), plain)).toEqual([
    '  · Patch  db1  0:30    waiting for apt',
  ]);
});
