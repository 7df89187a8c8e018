/** What stays on the screen, word for word. */
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { activeText, eventLines, recalledText, startedLines } from '../../../src/cli/view/event-lines.ts';
import { makeStyle } from '../../../src/cli/view/style.ts';
import {
  ascii,
  begin,
  change,
  ended,
  failedPatch,
  failure,
  id,
  packages,
  plain,
  progressAfter,
  record,
  rollbackStarted,
  started,
  transcript,
  undoing,
  undone,
  type Told,
} from '../story.ts';

const rolledBack: readonly Told[] = [
  ...failedPatch,
  rollbackStarted(9.5, 'Start', 'Patch', 'SnapshotData', 'Stop'),
  undoing(9.5, 'Start'),
  undone(10.4, 'Start', { changes: [change('postgresql@15-main', 'active', 'inactive')] }),
  undoing(10.4, 'Patch'),
  undone(15.2, 'Patch', { changes: packages('15.20-0+deb12u1', '15.18-0+deb12u1') }),
  undoing(15.2, 'SnapshotData'),
  undone(15.5, 'SnapshotData', { note: 'snap-0a17 removed, nobody needed it' }),
  undoing(15.5, 'Stop'),
  undone(16.6, 'Stop', { result: 'nothingToDo', reason: 'it was as before already' }),
  [16.6, { type: 'RollbackEnded', pass: 0, status: 'clean' }],
];

test('a run that fails and climbs down says what changed, from and to, on lines that line up', () => {
  expect(transcript(rolledBack)).toBe(
    [
      '  ✔ Stop          db1  1.2 s   postgresql@15-main active → inactive',
      '  ✔ SnapshotData  db1  0.8 s   snap-0a17 of vol-0b2c (2 GiB)',
      '  ✔ Patch         db1  5.1 s   postgresql-15 15.18 → 15.20, 2 more',
      '  ✔ Start         db1  2.0 s   postgresql@15-main inactive → active',
      '  ✖ VerifyData    db1  0.4 s   VERSION_MISMATCH  the server answers 15.18, wanted 15.20',
      'Climbing down, last step first (at most 30 min)',
      '  ↶ Start         db1  0.9 s   postgresql@15-main active → inactive',
      '  ↶ Patch         db1  4.8 s   postgresql-15 15.20 → 15.18, 2 more',
      '  ↶ SnapshotData  db1  0.3 s   snap-0a17 removed, nobody needed it',
      '  · Stop          db1          nothing to undo: it was as before already',
    ].join('\n'),
  );
});

test('without UTF-8 every mark and arrow is ASCII', () => {
  const lines = transcript(rolledBack, ascii).split('\n');
  expect(lines[0]).toBe('  ok Stop          db1  1.2 s   postgresql@15-main active -> inactive');
  expect(lines[4]).toBe(
    '  XX VerifyData    db1  0.4 s   VERSION_MISMATCH  the server answers 15.18, wanted 15.20',
  );
  expect(lines[6]).toBe('  <- Start         db1  0.9 s   postgresql@15-main active -> inactive');
  expect(lines.join('')).toMatch(/^[\x20-\x7e]*$/);
});

test('colour adds escape sequences and nothing else', () => {
  const colored = transcript(rolledBack, makeStyle({ color: true, unicode: true }));
  expect(colored).toContain('\u001B[32m✔\u001B[39m Stop');
  expect(stripVTControlCharacters(colored)).toBe(transcript(rolledBack));
});

test('undos that fail, are kept or left over say why', () => {
  const story: Told[] = [
    begin('Migrate', 'SnapshotData', 'Patch'),
    rollbackStarted(1, 'Patch', 'SnapshotData', 'Migrate'),
    undoing(1, 'Patch'),
    [
      2,
      {
        type: 'AttemptFailed',
        step: 'Patch/undo',
        attempt: 1,
        of: 3,
        failure: failure('UNREACHABLE', 'db1 (10.77.1.20): connection timed out after 10 s'),
      },
    ],
    undone(5.8, 'Patch', {
      result: 'failed',
      failure: failure('VERSION_GONE', 'version 15.18 is no longer in the cache or the repository'),
    }),
    undoing(5.8, 'SnapshotData'),
    undone(5.8, 'SnapshotData', {
      result: 'kept',
      reason: 'the undo of Patch did not end clean',
      targets: [],
    }),
    undoing(5.8, 'Migrate'),
    undone(5.8, 'Migrate', { result: 'leftOver', reason: 'nobody knows what the command changed' }),
  ];
  expect(transcript(story)).toBe(
    [
      'Climbing down, last step first (at most 30 min)',
      '  ↻ Patch                 try 1 of 3: UNREACHABLE  db1 (10.77.1.20): connection timed out after 10 s',
      '  ✖ Patch         db1  4.8 s   VERSION_GONE  version 15.18 is no longer in the cache or the repository',
      '  · SnapshotData               kept: the undo of Patch did not end clean',
      '  ✖ Migrate       db1          left as it is: nobody knows what the command changed',
    ].join('\n'),
  );
});

test('after a crash the line says what was found to have happened', () => {
  const story: Told[] = [
    begin('Patch', 'Start'),
    started(0, 'Patch'),
    [60, { type: 'EffectAdopted', step: 'Patch', found: 'done' }],
    ended(60, 'Patch', { changes: packages('15.18', '15.20') }),
    started(60, 'Start'),
    [61, { type: 'EffectAdopted', step: 'Start', found: 'absent' }],
    ended(62, 'Start'),
  ];
  expect(transcript(story)).toBe(
    ['  ✔ Patch  db1  1 min 0 s  adopted: postgresql-15 15.18 → 15.20, 2 more', '  ✔ Start  db1  2.0 s'].join(
      '\n',
    ),
  );
});

test('an approval inside an undo list shows the message, the command to type, who may and until when', () => {
  const story: Told[] = [
    begin('SnapshotData'),
    rollbackStarted(1, 'SnapshotData'),
    undoing(1, 'SnapshotData'),
    [
      1,
      {
        type: 'StepStarted',
        step: 'SnapshotData/undo/AskRestore',
        action: 'aws:approve',
        inputs: {},
      },
    ],
    [
      1,
      {
        type: 'StepWaiting',
        step: 'SnapshotData/undo/AskRestore',
        waiting: {
          kind: 'approval',
          message: 'Put the data back to 02:14:09?\nLater writes are lost.',
          approvers: ['dba'],
          wanted: 1,
          given: 0,
          timeoutSeconds: 604_800,
        },
      },
    ],
  ];
  expect(transcript(story)).toBe(
    [
      'Climbing down, last step first (at most 30 min)',
      '    ⏸ AskRestore          Put the data back to 02:14:09? Later writes are lost.',
      `     approve with  belay approve ${id} --step AskRestore     (dba; 1 of 1 wanted; a prompt, not signed; expires in 7 days)`,
    ].join('\n'),
  );
});

test('a pause, an unknown outcome and an open rollback each name the commands that answer them', () => {
  const waits = (step: string, waiting: Extract<Told[1], { type: 'StepWaiting' }>['waiting']): Told => [
    1,
    { type: 'StepWaiting', step, waiting },
  ];
  const text = transcript([
    begin('Look', 'Swap', 'Patch'),
    started(0, 'Look'),
    waits('Look', { kind: 'pause', timeoutSeconds: 1800 }),
    waits('Swap', { kind: 'pause', message: 'Replace the drive.', timeoutSeconds: 1800 }),
    started(1, 'Patch'),
    waits('Patch', { kind: 'unknownOutcome', message: 'the host was rebooted' }),
    waits('rollback', { kind: 'rollbackDecision', steps: ['Patch', 'Look'] }),
  ]);
  expect(text).toContain('⏸ Look');
  expect(text).toContain('at most 30 min');
  expect(text).toContain('Replace the drive.');
  expect(text).toContain(`go on with  belay continue ${id} --step Look`);
  expect(text).toContain('nobody knows whether it happened: the host was rebooted');
  expect(text).toContain(`it happened:        belay continue ${id} --step Patch`);
  expect(text).toContain(`it did not happen:  belay reject ${id} --step Patch`);
  expect(text).toContain('undo Patch, Look?');
  expect(text).toContain(`climb down:         belay rollback ${id}`);
  expect(text).toContain(`leave it as it is:  belay cancel ${id}`);
});

test('a refusal for drift shows only what differs', () => {
  const text = transcript([
    begin('Greet'),
    [
      1,
      {
        type: 'RollbackRefused',
        pass: 1,
        drift: [
          {
            step: 'Greet',
            left: { kind: 'file', sha256: 'af18', mode: '0644' },
            found: { kind: 'file', sha256: '7f8b', mode: '0644' },
          },
        ],
      },
    ],
  ]);
  expect(text).toBe('  ✖ Greet          since the run: sha256 af18 → 7f8b');
});

test('text from hosts cannot steer the terminal', () => {
  const text = transcript([
    begin('Check'),
    started(0, 'Check'),
    ended(1, 'Check', {
      status: 'Failed',
      note: 'a\u001B[2Jb',
      failure: failure('BAD', 'red \u001B[31malert\u001B[0m\u0007 \u202Ereversed\r\nsecond line'),
      changes: [change('name\u001B]0;title\u0007', 'x\u0000', 'y')],
    }),
  ]);
  expect(text).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
  expect(text).toContain('red alert␇ \\u202ereversed second line');
});

test('a step on many hosts is one line', () => {
  const hosts = Array.from({ length: 48 }, (_, index) => `h${index}`);
  const text = transcript([
    begin('Patch'),
    started(0, 'Patch'),
    ended(41, 'Patch', {
      targets: hosts,
      changes: hosts.map((host) => change('minio', '2026-01-01', '2026-02-12', host)),
    }),
  ]);
  expect(text).toBe('  ✔ Patch  48 hosts  41 s    minio 2026-01-01 → 2026-02-12');
});

test('where lines cannot move, a beginning is a line, except for steps whose end says everything', () => {
  const [first, second, third, fourth] = record([
    started(0, 'Patch'),
    [1, { type: 'StepStarted', step: 'Choose', action: 'aws:branch', inputs: {} }],
    [2, { type: 'StepWaiting', step: 'Nap', waiting: { kind: 'sleep', seconds: 30 } }],
    undoing(3, 'Patch'),
  ]);
  const progress = progressAfter([begin('Patch', 'Choose', 'Nap'), started(0, 'Patch')]);
  const lines = [first, second, third, fourth].flatMap((event) =>
    event === undefined ? [] : startedLines(event, progress, plain),
  );
  expect(lines).toEqual([
    '  ▸ Patch   db1          host:service',
    '  ▸ Nap                  sleeps for 30 s',
    '  ▸ Patch   db1          undo',
  ]);
});

test('a failed notification is told, and the bookkeeping events are silent', () => {
  const progress = progressAfter([begin('Patch')]);
  const lines = record([
    [1, { type: 'NotifyFailed', failure: failure('NotFound', 'Topic does not exist') }],
    [1, { type: 'ForwardEnded', status: 'Success', failedStep: null }],
    [1, { type: 'ExecutionEnded', status: 'Success', rollbackStatus: 'notRequested', outputs: {} }],
  ]).flatMap((event) => eventLines(event, progress, plain));
  expect(lines).toEqual(['  ! nobody could be notified: NotFound  Topic does not exist']);
});

test('sentences about the present name what is under way and what was done before', () => {
  const progress = progressAfter([
    begin('Stop', 'Patch'),
    started(0, 'Stop'),
    ended(1, 'Stop'),
    started(1, 'Patch'),
  ]);
  expect(activeText(progress)).toBe('Patch on db1');
  expect(recalledText(progress)).toBe('1 step was done before: Stop');
});
