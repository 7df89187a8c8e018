import { expect, test } from 'vitest';
import { attempted } from '../../../src/engine/steps/attempted.ts';
import type { ActivityCall, OutcomeResult } from '../../../src/engine/index.ts';
import { failedWith, gave, stepBed } from '../../support/step-bed.ts';

const begun = { effect: 'begun' } as const;
const begins = (rest: (call: ActivityCall) => OutcomeResult) => (call: ActivityCall) =>
  call.kind === 'begin' ? ({ status: 'ok', value: 'handle' } as const) : rest(call);

test('a begun effect is begun and waited for under one token', async () => {
  const { run, record, calls } = stepBed({ descriptor: begun, answer: begins(() => gave({ Value: 1 })) });
  expect(await attempted(run)).toMatchObject({ status: 'Success', result: { outputs: { Value: 1 } } });
  expect(calls.map(({ id }) => id)).toEqual(['A#1:begin1', 'A#1:wait']);
  expect(record.attempts).toEqual([{ token: 'MEMORY000001/A/0', handle: 'handle' }]);
});

test.each([
  ['the step’s own', 7, 30, 7000],
  ['its action’s', null, 30, 30_000],
  ['an hour', null, null, 3_600_000],
])('the time of a try is %s', async (_what, timeoutSeconds, ofAction, expected) => {
  const bed = stepBed({
    descriptor: { ...begun, timeoutSeconds: ofAction },
    answer: begins(() => gave({})),
  });
  await attempted({ ...bed.run, timeoutSeconds });
  expect(bed.calls.find(({ kind }) => kind === 'wait')?.timeoutMs).toBe(expected);
});

test('a try that may have changed something is remembered for the undo, one that cannot is not', async () => {
  const known = stepBed({ descriptor: begun, answer: begins(() => failedWith('NO', 'known')) });
  expect(await attempted(known.run)).toMatchObject({
    status: 'Failed',
    attempts: 1,
    failure: { code: 'NO' },
  });
  expect(known.record.attempts).toHaveLength(1);
  const none = stepBed({ descriptor: begun, answer: () => failedWith('NO') });
  await attempted(none.run);
  const read = stepBed({ answer: () => failedWith('NO', 'known') });
  await attempted(read.run);
  expect([none.record.attempts, read.record.attempts]).toEqual([[], []]);
});

test('what a failing try gave is kept', async () => {
  const failing = { ...failedWith('NO', 'known'), value: { ...value, outputs: { Half: 1 } } };
  const { run } = stepBed({ descriptor: begun, answer: begins(() => failing) });
  expect(await attempted(run)).toMatchObject({ status: 'Failed', result: { outputs: { Half: 1 } } });
});

test('a cancel stops what was begun, and it may have changed something', async () => {
  const { run, record, calls } = stepBed({
    descriptor: begun,
    answer: begins(({ kind }) =>
      kind === 'stop' ? { status: 'ok', value: 'stopped' } : { status: 'cancelled' },
    ),
  });
  expect(await attempted(run)).toMatchObject({ status: 'Cancelled' });
  expect(calls.at(-1)).toMatchObject({ kind: 'stop', ignoreCancel: true, input: { handle: 'handle' } });
  expect(record.attempts).toHaveLength(1);
});

const value = { outputs: {}, changes: [], restorePoints: [], targets: [], note: '' };
