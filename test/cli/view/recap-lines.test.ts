import { expect, test } from 'vitest';
import { recapLines } from '../../../src/cli/view/recap-lines.ts';
import { begin, change, ended, started, viewAfter, type Told } from '../story.ts';

const patched = (count: number): Told[] => {
  const hosts = Array.from({ length: count }, (_, index) => `h${index + 1}`);
  return [
    begin('Patch'),
    started(0, 'Patch'),
    ended(41, 'Patch', {
      targets: hosts,
      changes: hosts.slice(1).map((host) => change('minio', '2026-01-01', '2026-02-12', host)),
    }),
    [41, { type: 'ExecutionEnded', status: 'Success', rollbackStatus: 'notRequested', outputs: {} }],
  ];
};

test('more than four targets get a line each, in the order that people count in', () => {
  const lines = recapLines(viewAfter(patched(12)));
  expect(lines).toHaveLength(12);
  expect(lines[0]).toBe('  h1   nothing changed');
  expect(lines[1]).toBe('  h2   1 changed        minio 2026-01-01 → 2026-02-12');
  expect(lines[11]).toMatch(/^ {2}h12 /);
});

test('few targets need no recap, and a great many are cut', () => {
  expect(recapLines(viewAfter(patched(4)))).toEqual([]);
  const lines = recapLines(viewAfter(patched(60)));
  expect(lines).toHaveLength(51);
  expect(lines.at(-1)).toContain('10 more: belay show');
});

test('a run that failed lists what is still changed, and that is enough', () => {
  expect(recapLines(viewAfter(patched(12), { status: 'Failed' }))).toEqual([]);
});
