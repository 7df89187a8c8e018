import { expect, test } from 'vitest';
import { recapLines } from '../../../src/cli/view/recap-lines.ts';
import { showLines } from '../../../src/cli/view/show-lines.ts';
import { makeStyle } from '../../../src/cli/view/style.ts';
import { begin, change, ended, failure, started, viewAfter, type Told } from '../story.ts';

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

test('of two hundred targets in turns the one that failed is on the last screen, and those without a change are counted', () => {
  const hosts = Array.from({ length: 200 }, (_, index) => `h${index + 1}`);
  const turns = hosts.flatMap((host): Told[] => [
    started(1, `Each@${host}/Check`, { action: 'host:command' }),
    ended(2, `Each@${host}/Check`, {
      targets: [host],
      ...(host === 'h9'
        ? { status: 'Failed', failure: failure('COMMAND_FAILED', 'h9: exit code 1, wanted 0') }
        : {}),
    }),
  ]);
  const story: Told[] = [
    begin('Each'),
    started(0, 'Each', { action: 'belay:rolling' }),
    ...turns,
    ended(9, 'Each', { targets: hosts, outputs: { Failed: ['h9'] } }),
    [9, { type: 'ExecutionEnded', status: 'Success', rollbackStatus: 'notRequested', outputs: {} }],
  ];
  expect(recapLines(viewAfter(story))).toEqual([
    '  h9  failed, nothing changed  h9: exit code 1, wanted 0',
    '  199 more: belay show 1RS0ABCDEFGH',
  ]);
  const shown = showLines(viewAfter(story), makeStyle({ color: false, unicode: true }), 0);
  expect(shown.at(-2)).toBe('  h9  failed, nothing changed  h9: exit code 1, wanted 0');
});

test('of a command that told nothing nobody says that nothing was changed', () => {
  const hosts = ['h1', 'h2', 'h3', 'h4', 'h5'];
  const ran = (kind: 'stays' | 'harmless'): readonly string[] =>
    recapLines(
      viewAfter([
        begin('Restart'),
        started(0, 'Restart', {
          action: 'host:command',
          reach: { kind, reason: 'its author says so' },
        }),
        ended(1, 'Restart', { targets: hosts, acted: 'yes' }),
        [1, { type: 'ExecutionEnded', status: 'Success', rollbackStatus: 'notRequested', outputs: {} }],
      ]),
    );
  expect(ran('stays')[0]).toBe('  h1  may have changed something');
  expect(ran('harmless')[0]).toBe('  h1  told no change');
});
