/** What stays because its author wrote that it needs no undo, in the words of each ending. */
import { beforeAll, expect, test } from 'vitest';
import { endingLines } from '../../../src/cli/view/ending.ts';
import { outOfServiceLine } from '../../../src/cli/view/out-of-service.ts';
import { accountOf } from '../../../src/engine/index.ts';
import {
  begin,
  change,
  ended,
  failure,
  id,
  plain,
  rollbackStarted,
  started,
  undoing,
  undone,
  viewAfter,
  type Told,
} from '../story.ts';

beforeAll(() => {
  process.env['TZ'] = 'UTC';
});

const byWord = { reach: { kind: 'harmless', reason: 'it is to stay' } } as const;
const ending = (story: readonly Told[]): string => endingLines(viewAfter(story), plain).join('\n');
const over = (
  seconds: number,
  status: 'Success' | 'Failed',
  rollbackStatus: 'notRequested' | 'clean' | 'partial',
): Told => [seconds, { type: 'ExecutionEnded', status, rollbackStatus, outputs: {} }];

/** Write is undone by its action, Look by nobody. */
const twoSteps = (look: Parameters<typeof ended>[2], target = 'db1'): Told[] => [
  begin('Write', 'Look'),
  started(0, 'Write', { reach: { kind: 'undone', by: 'action' } }),
  ended(1, 'Write', { acted: 'yes', changes: [change('/etc/motd', 'a', 'b', target)], targets: [target] }),
  started(1, 'Look', byWord),
  ended(2, 'Look', { acted: 'yes', ...look }),
];
const failing: Told[] = [
  started(2, 'Check', { reach: { kind: 'nothing' } }),
  ended(3, 'Check', { status: 'Failed', failure: failure('BAD', 'no') }),
  [3, { type: 'ForwardEnded', status: 'Failed', failedStep: 'Check' }],
];
const rolledBack = (result: 'undone' | 'failed'): Told[] => [
  ...failing,
  rollbackStarted(3, 'Look', 'Write'),
  undoing(3, 'Look'),
  undone(3, 'Look', { result: 'nothingToDo', reason: 'it is to stay', targets: [] }),
  undoing(3, 'Write'),
  undone(4, 'Write', result === 'undone' ? {} : { result, failure: failure('NO', 'no way') }),
  over(4, 'Failed', result === 'undone' ? 'clean' : 'partial'),
];
const clean = 'Failed at Check, rolled back clean in 1.0 s. ';
const rest = 'What else was changed on db1 is as it was at 02:14:07.';

test('clean: what ran, what may have changed something and what stays are named, and the rest is told apart', () => {
  const first = (look: Parameters<typeof ended>[2]): string | undefined =>
    ending([...twoSteps(look), ...rolledBack('undone')]).split('\n')[0];
  expect(first({})).toBe(`${clean}Look ran on db1; by its undo: none there is nothing to take back. ${rest}`);
  expect(first({ status: 'TimedOut', acted: 'unknown', targets: [] })).toBe(
    `${clean}Look may have changed something on db1; by its undo: none nothing takes that back. ${rest}`,
  );
  expect(first({ changes: [change('nginx', 'active', 'inactive')], noUndo: 'it is to stay' })).toBe(
    `${clean}What Look changed on db1 stays, by its undo: none. ${rest}`,
  );
  expect(first({ status: 'Failed', acted: 'no', targets: [] })).toBe(`${clean}db1 is as it was at 02:14:07.`);
});

test('clean: an instance may be the host on which such a step ran, so it is not called as it was either', () => {
  const story = [...twoSteps({}, 'i-0a7c3e5d9b1f48260'), ...rolledBack('undone')];
  expect(ending(story)).toContain('What else was changed on i-0a7c3e5d9b1f48260 is as it was at 02:14:07.');
});

test('clean: what a command did, and what took it back, only its author knows: the rest is told apart', () => {
  const byList = { reach: { kind: 'undone', by: 'list' } } as const;
  const story = (more: Parameters<typeof ended>[2]): Told[] => [
    ...twoSteps({}).slice(0, 3),
    started(1, 'Restart', byList),
    ended(2, 'Restart', { acted: 'yes', ...more }),
    ...failing,
    rollbackStarted(3, 'Restart', 'Write'),
    undoing(3, 'Restart'),
    undone(3, 'Restart', { looked: 'unread', changes: [] }),
    undoing(3, 'Write'),
    undone(4, 'Write'),
    over(4, 'Failed', 'clean'),
  ];
  const said = `${clean}What Restart did on db1 is as its undo list left it. ${rest}`;
  expect(ending(story({})).split('\n')[0]).toBe(said);
  expect(ending(story({ status: 'Failed', acted: 'unknown', targets: [] })).split('\n')[0]).toBe(said);
});

test('partial: under what is still changed', () => {
  expect(ending([...twoSteps({}), ...rolledBack('failed')]).split('\n')).toEqual([
    'Failed at Check, rollback PARTIAL. Still changed:',
    '  db1  /etc/motd is b, was a     undo failed: no way',
    '  Look ran on db1; by its undo: none there is nothing to take back',
    `  next: when that is put right  belay rollback ${id} --step Write`,
  ]);
  const stopped = { changes: [change('nginx', 'active', 'inactive')], noUndo: 'it is to stay' };
  expect(ending([...twoSteps(stopped), ...rolledBack('failed')])).toContain(
    '  db1  nginx is inactive, was active     no undo: it is to stay',
  );
});

test('done: a rollback is not said to take everything back', () => {
  expect(ending([...twoSteps({}), over(2, 'Success', 'notRequested')]).split('\n')).toEqual([
    '  Look ran on db1; by its undo: none there is nothing to take back',
    `Done in 2.0 s. 1 changed on db1. belay rollback ${id} takes back what has an undo.`,
  ]);
});

test('failed, nothing undone: what nobody knows the end of may have left something, and no rollback is offered for it', () => {
  const story = [
    begin('Look'),
    started(1, 'Look', byWord),
    ended(2, 'Look', {
      status: 'TimedOut',
      acted: 'unknown',
      targets: [],
      failure: failure('TIMED_OUT', 'late'),
    }),
    [2, { type: 'ForwardEnded', status: 'TimedOut', failedStep: 'Look' }] satisfies Told,
    over(2, 'Failed', 'notRequested'),
  ];
  expect(ending(story)).toContain('Look may have left something behind     no undo: it is to stay');
  expect(ending(story)).not.toContain('belay rollback');
});

test('what it stopped for good is not said to be put back by a rollback', () => {
  const stopped = { changes: [change('nginx', 'active', 'inactive')], noUndo: 'it is to stay' };
  const story = [begin('Look'), started(1, 'Look', byWord), ended(2, 'Look', { acted: 'yes', ...stopped })];
  expect(outOfServiceLine(viewAfter([...story, ...failing, over(4, 'Failed', 'notRequested')]))).toBe(
    `${id}: nginx is stopped on db1. Nothing puts it back: no step that did it has an undo`,
  );
});

test('a step that only reads has an undo list that acts: then something was touched, and what the list made is left', () => {
  const at = 'Look/undo/Back';
  const story: Told[] = [
    begin('Look'),
    started(0, 'Look', { reach: { kind: 'nothing' } }),
    ended(1, 'Look', { acted: 'no' }),
    ...failing,
    rollbackStarted(3, 'Look'),
    undoing(3, 'Look'),
    started(3, at, { reach: { kind: 'undone', by: 'action' } }),
    ended(4, at, { acted: 'yes', changes: [change('/etc/motd', null, 'x')] }),
    undone(4, 'Look', { changes: [change('/etc/motd', null, 'x')] }),
    over(4, 'Failed', 'clean'),
  ];
  expect(accountOf(viewAfter(story))).toMatchObject({ isUntouched: false, isNothingLeft: false });
  expect(ending(story)).toContain('  but db1  /etc/motd is x, was absent');
});
