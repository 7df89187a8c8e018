/** The line that says which node is stopped or drained, word for word. */
import { expect, test } from 'vitest';
import { outOfServiceLine } from '../../../src/cli/view/out-of-service.ts';
import {
  begin,
  change,
  ended,
  id,
  rollbackStarted,
  started,
  undoing,
  undone,
  viewAfter,
  type Told,
} from '../story.ts';

const drained = change('minio01.lab:9000', 'serving', 'drained', 'lb1');
const stopped = change('minio', 'active', 'inactive', 'minio01');
const patching: readonly Told[] = [
  begin('Drain', 'Stop', 'Patch'),
  started(0, 'Drain'),
  ended(1, 'Drain', { changes: [drained] }),
  started(1, 'Stop'),
  ended(2, 'Stop', { changes: [stopped] }),
  started(2, 'Patch'),
];
const lineOf = (story: readonly Told[], more = {}): string | undefined =>
  outOfServiceLine(viewAfter(story, { status: 'Interrupted', ...more }));

test('killed in a step: what is stopped and drained, the step that was under way, what to type', () => {
  expect(lineOf(patching)).toBe(
    `${id}: minio01.lab:9000 is out of the load balancer on lb1, minio is stopped on minio01; Patch was under way. belay resume ${id} goes on, belay cancel ${id} climbs down`,
  );
});

test('killed in the very step that takes a node out: nobody knows, and it is said', () => {
  const killedIn = (action: string, inputs: Record<string, string>) =>
    lineOf([
      begin('Look', 'Take'),
      started(0, 'Look'),
      ended(1, 'Look'),
      started(1, 'Take', { action, inputs }),
    ]);
  const next = `belay resume ${id} goes on, belay cancel ${id} climbs down`;
  const drain = { Host: 'lb1', Server: 'minio01.lab:9000' };
  expect(killedIn('nginx:drain', drain)).toBe(
    `${id}: Take was under way; minio01.lab:9000 may be out of the load balancer on lb1. ${next}`,
  );
  expect(killedIn('nginx:drain', { ...drain, State: 'serving' })).toBeUndefined();
  const service = { Host: 'db1', Name: 'postgresql@15-main' };
  expect(killedIn('host:service', { ...service, State: 'stopped' })).toBe(
    `${id}: Take was under way; postgresql@15-main may be stopped on db1. ${next}`,
  );
  expect(killedIn('host:service', { ...service, State: 'started' })).toBeUndefined();
});

test('one that somebody runs, or that was discarded, is not told of', () => {
  expect(lineOf(patching, { isLive: true })).toBeUndefined();
  const closing = { kind: 'discarded', at: 0, by: 'ops', why: 'done by hand' };
  expect(lineOf(patching, { closing })).toBeUndefined();
});

test('killed while it climbs down: what an undo has started again is not called stopped', () => {
  const story: readonly Told[] = [
    ...patching,
    ended(3, 'Patch', { status: 'Failed' }),
    rollbackStarted(3, 'Stop', 'Drain'),
    undoing(3, 'Stop'),
    started(3, 'Stop/undo/StartAgain'),
    ended(4, 'Stop/undo/StartAgain', { changes: [change('minio', 'inactive', 'active', 'minio01')] }),
    started(4, 'Stop/undo/SettleAgain'),
  ];
  expect(lineOf(story)).toBe(
    `${id}: minio01.lab:9000 is out of the load balancer on lb1; Stop/undo/SettleAgain was under way. belay resume ${id} goes on climbing down`,
  );
});

test('an undo that ended clean and told nothing has put its step back', () => {
  const story: readonly Told[] = [
    ...patching,
    ended(3, 'Patch', { status: 'Failed' }),
    rollbackStarted(3, 'Stop', 'Drain'),
    undoing(3, 'Stop'),
    undone(4, 'Stop'),
    undoing(4, 'Drain'),
    undone(5, 'Drain'),
  ];
  expect(lineOf(story)).toBeUndefined();
});

test('an end with something left stopped is put back by a rollback', () => {
  const story: readonly Told[] = [
    ...patching,
    ended(3, 'Patch', { status: 'Failed' }),
    [3, { type: 'ExecutionEnded', status: 'Failed', rollbackStatus: 'notRequested', outputs: {} }],
  ];
  expect(lineOf(story, { status: 'Failed' })).toMatch(/\. belay rollback \S+ puts it back$/);
});

test('an execution that stops nothing has no such line', () => {
  expect(lineOf([begin('Look'), started(0, 'Look')])).toBeUndefined();
});
