import { expect, test } from 'vitest';
import { cancelled, nothing, notTried } from '../../../src/engine/endings.ts';
import { told } from '../../../src/engine/steps/told.ts';
import { stepBed } from '../../support/step-bed.ts';

const change = { target: 'db1', subject: 'a', from: null, to: 'b' };
const leaves = { kind: 'none', reason: 'gone is gone', leavesChange: true } as const;
const acted = [{ token: 't', handle: null }];

test('says how the step ended and keeps what it gave for later steps', async () => {
  const { next, run, record, frame, events } = stepBed();
  expect(await told(next)(run)).toMatchObject({ status: 'Success' });
  expect(record).toMatchObject({ status: 'Success', result: { outputs: { Value: 'given' } } });
  expect(frame.scope.outputs.get('A')).toEqual({ Value: 'given' });
  expect(events()).toMatchObject([
    { type: 'StepEnded', step: 'A', status: 'Success', failure: null, critical: true },
  ]);
});

test('a failure is told with its words, and outputs of before are not kept', async () => {
  const failure = { code: 'E', message: 'm', retryable: false };
  const { next, run, frame, events } = stepBed({ ending: notTried(failure), step: { isCritical: false } });
  frame.scope.outputs.set('A', { Value: 'old' });
  await told(next)(run);
  expect(frame.scope.outputs.get('A')).toEqual({});
  expect(events()).toMatchObject([{ status: 'Failed', failure, attempts: 0, critical: false }]);
});

test.each([
  ['what it changed is not known', nothing, { untold: 'gone is gone' }],
  ['what it changed is known', { ...nothing, changes: [change] }, { noUndo: 'gone is gone' }],
] as const)('of a step without an undo that acted, where %s', async (_when, result, expected) => {
  const bed = stepBed({ descriptor: { undo: leaves }, ending: cancelled(1, result) });
  bed.record.attempts = acted;
  await told(bed.next)(bed.run);
  expect(bed.events()).toMatchObject([expected]);
});

test('nothing is said of undo where nothing was tried, or its author says how it is undone', async () => {
  const quiet = stepBed({ descriptor: { undo: leaves } });
  await told(quiet.next)(quiet.run);
  const listed = stepBed({ descriptor: { undo: leaves }, step: { undo: { kind: 'steps', steps: [] } } });
  listed.record.attempts = acted;
  await told(listed.next)(listed.run);
  for (const { events } of [quiet, listed]) {
    expect(events()[0]).not.toHaveProperty('untold');
    expect(events()[0]).not.toHaveProperty('noUndo');
  }
});
