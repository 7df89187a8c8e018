/** The last lines of a run, word for word. */
import { beforeAll, expect, test } from 'vitest';
import { accountOf } from '../../../src/engine/index.ts';
import { endingLines, stoppedLines } from '../../../src/cli/view/ending.ts';
import { leftWaitingLines } from '../../../src/cli/view/left-waiting.ts';
import {
  begin,
  change,
  ended,
  failedPatch,
  failure,
  id,
  packages,
  plain,
  rollbackStarted,
  started,
  startedAt,
  undoing,
  undone,
  viewAfter,
  type Told,
} from '../story.ts';

beforeAll(() => {
  process.env['TZ'] = 'UTC';
});

const success = (seconds: number): Told => [
  seconds,
  { type: 'ExecutionEnded', status: 'Success', rollbackStatus: 'notRequested', outputs: {} },
];
const failed = (seconds: number, rollbackStatus: 'notRequested' | 'clean' | 'partial' | 'failed'): Told => [
  seconds,
  { type: 'ExecutionEnded', status: 'Failed', rollbackStatus, outputs: {} },
];
const endingOf = (story: readonly Told[]): string => endingLines(viewAfter(story), plain).join('\n');

test('done: how much changed, the restore point that stays, how to take it back', () => {
  const story = [...failedPatch.slice(0, 9), success(9.2)];
  expect(endingOf(story)).toBe(
    `Done in 9.1 s. 3 changed on db1. Restore point snap-0a17 (02:14:09) stays; belay rollback ${id} takes everything back.`,
  );
});

test('done: a service that its package started again counts as what it is, not as stopped', () => {
  const story = [
    ...failedPatch.slice(0, 7),
    started(9, 'Start'),
    ended(9.1, 'Start', { changes: [change('postgresql@15-main', 'active', 'active')] }),
    success(9.2),
  ];
  expect(endingOf(story)).toContain('3 changed on db1.');
});

test('done: what no undo brings back is not promised, and is told when the rest was taken back', () => {
  const backup: Told[] = [
    begin('Backup'),
    started(0, 'Backup'),
    ended(2, 'Backup', {
      changes: [
        { target: 'bk1', subject: 'older state of 3 copies', from: 'there', to: null, isForGood: true },
      ],
      restorePoints: [{ id: 'belay-manifests/b-1/', of: '2 buckets' }],
    }),
  ];
  expect(endingOf([...backup, success(2)])).toBe(
    `Done in 2.0 s. 1 changed on bk1. Restore point belay-manifests/b-1/ (02:14:09) stays; belay rollback ${id} takes back what has an undo.`,
  );
  const back: Told[] = [
    rollbackStarted(3, 'Backup'),
    undoing(3, 'Backup'),
    undone(4, 'Backup', { changes: [] }),
    [4, { type: 'ExecutionEnded', status: 'Success', rollbackStatus: 'clean', outputs: {} }],
  ];
  expect(endingOf([...backup, success(2), ...back])).toMatch(
    /  but bk1  older state of 3 copies is gone, was there\n.*Rolled back clean/,
  );
});

test('done without a change says so', () => {
  expect(endingOf([begin('Look'), started(0, 'Look'), ended(2, 'Look'), success(2)])).toBe(
    'Done in 2.0 s. Nothing was changed.',
  );
});

test('failed and nothing undone: where, why, what is still changed, what to type', () => {
  expect(endingOf([...failedPatch, failed(9.5, 'notRequested')])).toBe(
    [
      'Failed at VerifyData: VERSION_MISMATCH  the server answers 15.18, wanted 15.20',
      'Nothing was undone. Still changed:',
      '  db1  postgresql-15 is 15.20, was 15.18',
      '  db1  postgresql-client-15 is 15.20, was 15.18',
      '  db1  libpq5 is 15.20, was 15.18',
      '  kept: restore point snap-0a17 (02:14:09)',
      `  why   belay logs ${id} --step VerifyData`,
      `  next  belay rollback ${id} takes it back`,
    ].join('\n'),
  );
});

test('failed before anything changed', () => {
  const story: Told[] = [
    begin('Look'),
    started(0, 'Look'),
    ended(1, 'Look', { status: 'Failed', failure: failure('UNREACHABLE', 'no route to db1') }),
    [1, { type: 'ForwardEnded', status: 'Failed', failedStep: 'Look' }],
    failed(1, 'notRequested'),
  ];
  expect(endingOf(story)).toBe(
    [
      'Failed at Look: UNREACHABLE  no route to db1',
      'Nothing is left changed.',
      `  why   belay logs ${id} --step Look`,
    ].join('\n'),
  );
});

test('rolled back clean: since when all is as before', () => {
  const story = [
    ...failedPatch,
    rollbackStarted(9.5, 'Start', 'Patch', 'SnapshotData', 'Stop'),
    ...['Start', 'Patch', 'SnapshotData', 'Stop'].flatMap((step, index) => [
      undoing(9.5 + index * 2, step),
      undone(11.5 + index * 2, step),
    ]),
    failed(17.5, 'clean'),
  ];
  expect(endingOf(story)).toBe(
    [
      'Failed at VerifyData, rolled back clean in 8.0 s. db1 is as it was at 02:14:07.',
      `  why   belay logs ${id} --step VerifyData`,
    ].join('\n'),
  );
});

test('a restore point that was kept is named although the rollback was clean', () => {
  const story = [
    ...failedPatch,
    rollbackStarted(9.5, 'SnapshotData'),
    undoing(9.5, 'SnapshotData'),
    undone(9.5, 'SnapshotData', { result: 'kept', reason: 'nothing has judged the data' }),
    failed(10, 'clean'),
  ];
  expect(endingOf(story)).toContain('  kept: restore point snap-0a17 (02:14:09)');
});

test('partial: per target what is still changed, why its undo failed, and the next command last', () => {
  const story = [
    ...failedPatch,
    rollbackStarted(9.5, 'Start', 'Patch', 'SnapshotData', 'Stop'),
    undoing(9.5, 'Start'),
    undone(10, 'Start', { changes: [change('postgresql@15-main', 'active', 'inactive')] }),
    undoing(10, 'Patch'),
    undone(15, 'Patch', {
      result: 'failed',
      failure: failure('VERSION_GONE', 'version 15.18 is no longer in the cache or the repository'),
    }),
    undoing(15, 'SnapshotData'),
    undone(15, 'SnapshotData', { result: 'kept', reason: 'the undo of Patch did not end clean' }),
    undoing(15, 'Stop'),
    undone(16, 'Stop'),
    failed(16, 'partial'),
  ];
  const lines = endingLines(viewAfter(story), plain);
  expect(lines[0]).toBe('Failed at VerifyData, rollback PARTIAL. Still changed:');
  expect(lines[1]).toBe(
    '  db1  postgresql-15 is 15.20, was 15.18            undo failed: version 15.18 is no longer in the cache or the repository',
  );
  expect(lines.at(-2)).toBe('  kept: restore point snap-0a17 (02:14:09)');
  expect(lines.at(-1)).toBe(`  next: when that is put right  belay rollback ${id} --step Patch`);
});

test('what the undo list put back before it failed is not called changed, and the failure is told all the same', () => {
  const at = (name: string): string => `Stop/undo/${name}`;
  const story: Told[] = [
    begin('Stop', 'Check'),
    started(0, 'Stop'),
    ended(1, 'Stop', { changes: [change('minio', 'active', 'inactive')] }),
    started(1, 'Check'),
    ended(2, 'Check', { status: 'Failed', failure: failure('BAD', 'it is not well') }),
    [2, { type: 'ForwardEnded', status: 'Failed', failedStep: 'Check' }],
    rollbackStarted(2, 'Stop'),
    undoing(2, 'Stop'),
    started(2, at('StartAgain')),
    ended(3, at('StartAgain'), { changes: [change('minio', 'inactive', 'active')] }),
    started(3, at('HealAgain')),
    ended(4, at('HealAgain'), { status: 'Failed', failure: failure('TORN', 'one object is torn') }),
    undone(4, 'Stop', { result: 'failed', failure: failure('TORN', 'one object is torn') }),
    failed(4, 'failed'),
  ];
  expect(endingLines(viewAfter(story), plain)).toEqual([
    'Failed at Check, rollback FAILED. Still changed:',
    '  db1  Stop was undone in part     undo failed: one object is torn',
    `  next: when that is put right  belay rollback ${id} --step Stop`,
  ]);
});

test('a step without undo is named as left over, with what a person has to do', () => {
  const story: Told[] = [
    begin('Migrate', 'Check'),
    started(0, 'Migrate'),
    ended(1, 'Migrate'),
    started(1, 'Check'),
    ended(2, 'Check', { status: 'Failed', failure: failure('BAD', 'no') }),
    [2, { type: 'ForwardEnded', status: 'Failed', failedStep: 'Check' }],
    rollbackStarted(2, 'Migrate'),
    undoing(2, 'Migrate'),
    undone(2, 'Migrate', { result: 'leftOver', reason: 'nobody knows what a command changes' }),
    failed(2, 'partial'),
  ];
  expect(endingOf(story)).toBe(
    [
      'Failed at Check, rollback PARTIAL. What may be changed:',
      '  db1  Migrate may have left something behind     no undo: nobody knows what a command changes',
      `  next: look at what Migrate left, as nothing takes it back; belay show ${id} has it all`,
    ].join('\n'),
  );
});

const noUndo = 'nobody knows what a command changes';
const shellText = (...names: readonly string[]): Told[] =>
  names.flatMap((name, index) => [started(index, name), ended(index + 1, name, { untold: noUndo })]);

test('done: of commands without undo nobody says that nothing was changed', () => {
  expect(endingOf([begin('Migrate'), ...shellText('Migrate'), success(2)])).toBe(
    ['  only its author knows what it changed: Migrate', 'Done in 1.0 s.'].join('\n'),
  );
  const story = [
    begin('Stop', 'Snap'),
    ...shellText('Stop'),
    ended(2, 'Snap', { restorePoints: [{ id: 'snap-1', of: 'vol-1' }] }),
    success(2),
  ];
  expect(endingOf(story)).toBe(
    [
      '  only its author knows what it changed: Stop',
      'Done in 2.0 s. Restore point snap-1 (02:14:09) stays.',
    ].join('\n'),
  );
});

test('failed behind commands without undo: they are named, and nobody is sent to a rollback that can do nothing', () => {
  const story: Told[] = [
    begin('Stop', 'Snap', 'Upgrade', 'Verify'),
    ...shellText('Stop', 'Upgrade'),
    ended(2, 'Snap', { restorePoints: [{ id: 'snap-1', of: 'vol-1' }], targets: ['vol-1'] }),
    started(3, 'Verify'),
    ended(4, 'Verify', {
      status: 'Failed',
      failure: failure('COMMAND_FAILED', 'exit code 1'),
      untold: noUndo,
    }),
    [4, { type: 'ForwardEnded', status: 'Failed', failedStep: 'Verify' }],
    failed(4, 'notRequested'),
  ];
  expect(endingOf(story)).toBe(
    [
      'Failed at Verify: COMMAND_FAILED  exit code 1',
      'Nothing was undone. What may be changed:',
      `  db1  Stop, Upgrade, Verify may have left something behind     no undo: ${noUndo}`,
      '  kept: restore point snap-1 (02:14:09)',
      `  why   belay logs ${id} --step Verify`,
      `  next  look at what Stop, Upgrade, Verify left, as nothing takes it back; belay show ${id} has it all`,
    ].join('\n'),
  );
});

test('of steps without undo that say what they changed nobody is sent to a rollback that can do nothing', () => {
  const declared = {
    changes: [change('web1', 'running', 'stopped')],
    noUndo: 'it stays stopped',
    targets: ['db1'],
  };
  const failing: Told[] = [
    started(2, 'Check'),
    ended(3, 'Check', { status: 'Failed', failure: failure('BAD', 'no') }),
    [3, { type: 'ForwardEnded', status: 'Failed', failedStep: 'Check' }],
    failed(3, 'notRequested'),
  ];
  const stop: Told[] = [begin('Stop', 'Check'), started(1, 'Stop'), ended(2, 'Stop', declared)];
  expect(endingOf([...stop, ...failing])).toBe(
    [
      'Failed at Check: BAD  no',
      'Nothing was undone. Still changed:',
      '  db1  web1 is stopped, was running     no undo: it stays stopped',
      `  why   belay logs ${id} --step Check`,
      `  next  look at what Stop left, as nothing takes it back; belay show ${id} has it all`,
    ].join('\n'),
  );
  expect(endingOf([begin('Stop'), started(1, 'Stop'), ended(2, 'Stop', declared), success(2)])).toBe(
    'Done in 2.0 s. 1 changed on db1.',
  );
});

/** Data that was hurt; the undo list of SnapshotData asks somebody. */
const asked = (ends: Told): Told[] => [
  ...failedPatch,
  rollbackStarted(9.5, 'Start', 'Patch', 'SnapshotData', 'Stop'),
  undoing(9.5, 'Start'),
  undone(9.7, 'Start', { changes: [change('postgresql@15-main', 'active', 'inactive')] }),
  undoing(9.7, 'Patch'),
  undone(12, 'Patch', { changes: packages('15.20', '15.18') }),
  undoing(12, 'SnapshotData'),
  started(12, 'SnapshotData/undo/AskRestore'),
  ended(13, 'SnapshotData/undo/AskRestore'),
  ends,
  undoing(20, 'Stop'),
  undone(21, 'Stop', { result: 'nothingToDo', reason: 'it was as before already' }),
];

test('clean with a volume from the snapshot: what is different now and the restore point that stays are named', () => {
  const changes = [
    change('postgresql@15-main', 'active', 'inactive'),
    change('/dev/sdf', 'vol-0b2c', 'vol-0d4e'),
  ];
  expect(endingOf([...asked(undone(20, 'SnapshotData', { changes })), failed(21, 'clean')])).toBe(
    [
      'Failed at VerifyData, rolled back clean in 12 s. db1 is as it was at 02:14:07.',
      '  but db1  /dev/sdf is vol-0d4e, was vol-0b2c',
      '  kept: restore point snap-0a17 (02:14:09)',
      `  why   belay logs ${id} --step VerifyData`,
    ].join('\n'),
  );
});

test('clean after a step that told nothing: what its undo put back is not a difference, where a look found it as before', () => {
  const story = (looked: 'asBefore' | 'unread'): readonly Told[] => [
    begin('Stop'),
    started(0, 'Stop'),
    ended(1, 'Stop', { status: 'Failed', failure: failure('TIMED_OUT', 'it took too long') }),
    [1, { type: 'ForwardEnded', status: 'Failed', failedStep: 'Stop' }],
    rollbackStarted(1, 'Stop'),
    undoing(1, 'Stop'),
    undone(2, 'Stop', { changes: [change('nginx', 'inactive', 'active')], looked }),
    failed(2, 'clean'),
  ];
  expect(endingOf(story('asBefore'))).not.toContain('nginx');
  expect(endingOf(story('unread'))).toContain('  but db1  nginx is active, was inactive');
});

test('clean with the snapshot dropped by the list: there is nothing to name', () => {
  const changes = [change('snapshot', 'snap-0a17', null, 'vol-0b2c')];
  expect(endingOf([...asked(undone(20, 'SnapshotData', { changes })), failed(21, 'clean')])).toBe(
    [
      'Failed at VerifyData, rolled back clean in 12 s. db1 is as it was at 02:14:07.',
      `  why   belay logs ${id} --step VerifyData`,
    ].join('\n'),
  );
});

test('a rejected approval: who rejected what, and that the same command asks again', () => {
  const rejected = undone(20, 'SnapshotData', {
    result: 'failed',
    failure: failure('REJECTED', 'dba rejected SnapshotData/undo/AskRestore: they were to go'),
  });
  expect(endingOf([...asked(rejected), failed(21, 'partial')])).toBe(
    [
      'Failed at VerifyData, rollback PARTIAL. Still changed:',
      '  db1  SnapshotData was not undone     dba rejected SnapshotData/undo/AskRestore: they were to go',
      '  kept: restore point snap-0a17 (02:14:09)',
      `  next: belay rollback ${id} --step SnapshotData asks again`,
    ].join('\n'),
  );
});

test('an undo that failed is told as such, in the words of its failure', () => {
  const busy = undone(20, 'SnapshotData', {
    result: 'failed',
    failure: failure('MOUNT_BUSY', 'db1: /data is in use by sleep (1). Stop it first; nothing was changed'),
  });
  expect(endingOf([...asked(busy), failed(21, 'partial')])).toContain(
    '  db1  SnapshotData was not undone     undo failed: db1: /data is in use by sleep (1). Stop it first',
  );
});

test('drift refuses, names the steps and the way on', () => {
  const story: Told[] = [
    ...failedPatch.slice(0, 9),
    success(9.2),
    [60, { type: 'RollbackRefused', pass: 1, drift: [{ step: 'Patch', left: '15.20', found: '15.21' }] }],
    success(60),
  ];
  expect(endingOf(story)).toBe(
    [
      'Refused: since the run ended, somebody changed what Patch left. Nothing was undone.',
      '  Patch: 15.20 → 15.21',
      `  to undo it all the same  belay rollback ${id} --force`,
    ].join('\n'),
  );
});

test('of a run that was discarded in its rollback nothing is said of that end, and no rollback is offered', () => {
  const story: Told[] = [
    begin('Patch', 'Fail'),
    started(0, 'Patch'),
    ended(5, 'Patch', { changes: [change('libpq5', '15.18', '15.20')] }),
    started(5, 'Fail'),
    ended(6, 'Fail', { status: 'Failed', failure: failure('COMMAND_FAILED', 'exit code 1') }),
    rollbackStarted(6, 'Patch'),
    undoing(6, 'Patch'),
  ];
  const at = startedAt + 60_000;
  const closing = { kind: 'discarded', at, by: 'ops', why: 'mended by hand' } as const;
  const view = viewAfter(story, {
    status: 'Failed',
    failedStep: 'Fail',
    rollbackStatus: 'running',
    closing,
    endedAt: at,
  });
  expect(endingLines(view, plain)).toEqual([
    'Failed at Fail: COMMAND_FAILED  exit code 1',
    'Its rollback did not come to its end. Still changed:',
    '  db1  libpq5 is 15.20, was 15.18     its undo had begun, and its end is not known',
    `  why   belay logs ${id} --step Fail`,
    '  next  nothing more is taken back: ops has discarded it: mended by hand',
  ]);
  expect(accountOf(view).offersRollback).toBe(false);
});

test('of a rollback that was partial and closed by a person no further one is offered', () => {
  const story: Told[] = [
    ...failedPatch.slice(0, 9),
    rollbackStarted(10, 'Patch'),
    undone(20, 'Patch', { result: 'failed', failure: failure('UNDO_FAILED', 'no mirror') }),
    failed(21, 'partial'),
  ];
  const closing = { kind: 'closed', at: startedAt, by: 'ops', why: 'mended by hand' } as const;
  expect(endingLines(viewAfter(story, { closing }), plain).at(-1)).toBe(
    '  next: nothing more is taken back: ops has closed it: mended by hand',
  );
});

test('a rollback of a finished run that ended clean', () => {
  const story: Told[] = [
    begin('Patch'),
    started(0, 'Patch'),
    ended(5, 'Patch', { changes: packages('15.18', '15.20') }),
    success(5),
    rollbackStarted(60, 'Patch'),
    undoing(60, 'Patch'),
    undone(64, 'Patch'),
    [64, { type: 'ExecutionEnded', status: 'Success', rollbackStatus: 'clean', outputs: {} }],
  ];
  expect(endingOf(story)).toBe('Rolled back clean in 4.0 s. db1 is as it was at 02:14:07.');
});

test('rolled back clean: what nobody could compare rests on its undo’s word, and what stays by an author’s word is named', () => {
  const on = (step: string, target: string, subject = 'x') =>
    ended(5, step, { targets: [target], changes: [change(subject, 'a', 'b', target)] });
  const harmless = { kind: 'harmless', reason: 'wanted' } as const;
  const story: Told[] = [
    begin('Seen', 'Told', 'Word'),
    started(0, 'Seen'),
    on('Seen', 'db1'),
    started(0, 'Told'),
    on('Told', 'vol-1'),
    started(0, 'Word', { reach: harmless }),
    on('Word', 'db2'),
    success(5),
    rollbackStarted(60, 'Word', 'Told', 'Seen'),
    undoing(60, 'Word'),
    undone(61, 'Word', { result: 'nothingToDo', reason: 'wanted', looked: 'unread' }),
    undoing(61, 'Told'),
    undone(62, 'Told', { looked: 'unread' }),
    undoing(62, 'Seen'),
    undone(64, 'Seen'),
    [64, { type: 'ExecutionEnded', status: 'Success', rollbackStatus: 'clean', outputs: {} }],
  ];
  expect(endingOf(story)).toBe(
    'Rolled back clean in 4.0 s. db1 is as it was at 02:14:07. By what its undo told, vol-1 is as it was at 02:14:07. What Word changed on db2 stays, by its undo: none.',
  );
});

test('timed out and cancelled are called by their names', () => {
  const endedAs = (status: 'TimedOut' | 'Cancelled'): string =>
    endingOf([
      begin('Nap'),
      started(0, 'Nap'),
      ended(1, 'Nap', { status }),
      [1, { type: 'ForwardEnded', status, failedStep: 'Nap' }],
      [1, { type: 'ExecutionEnded', status, rollbackStatus: 'notRequested', outputs: {} }],
    ]).split('\n')[0] ?? '';
  expect(endedAs('TimedOut')).toBe('Timed out at Nap: TimedOut');
  expect(endedAs('Cancelled')).toBe('Cancelled at Nap: Cancelled');
});

test('leaving while it waits says what to type, and then resume', () => {
  const story: Told[] = [begin('Ask'), started(0, 'Ask')];
  const waiting = {
    kind: 'approval',
    message: 'May I?',
    approvers: ['dba'],
    wanted: 1,
    given: 0,
    timeoutSeconds: 604_800,
  } as const;
  expect(leftWaitingLines(viewAfter(story, { waiting, at: 'Ask' }), plain)).toEqual([
    'Waiting at Ask: May I?',
    `  approve with  belay approve ${id} --step Ask     (dba; 1 of 1 wanted; a prompt, not signed; expires in 7 days)`,
    `  and then  belay resume ${id}`,
  ]);
  expect(leftWaitingLines(viewAfter(story, { waiting, at: 'Ask', isLive: true }), plain)).toHaveLength(2);
  expect(stoppedLines(viewAfter(story, { at: 'Ask' }), plain)).toEqual([
    'Stopped at Ask; its state is saved.',
    `  go on  belay resume ${id}     climb down  belay cancel ${id}`,
  ]);
  expect(stoppedLines(viewAfter(story, { at: 'Ask', rollbackStatus: 'running' }), plain)).toEqual([
    'Stopped at Ask; its state is saved.',
    `  go on climbing down  belay resume ${id}`,
  ]);
});
