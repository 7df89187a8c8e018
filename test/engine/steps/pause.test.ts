import { expect, test } from 'vitest';
import { pause } from '../../../src/engine/steps/pause.ts';
import type { Json } from '../../../src/json.ts';
import { stepBed } from '../../support/step-bed.ts';

function paused(answer?: Json, inputs: { readonly Message?: string } = {}) {
  const bed = stepBed({ step: { action: 'aws:pause', inputs } });
  if (answer !== undefined) bed.runtime.store.signal('continue:A', answer, 'one', Date.now());
  return bed;
}

test('waits until somebody says go on, with the words of its author', async () => {
  const { run, events } = paused('happened', { Message: 'look at the graphs' });
  expect(await pause(run)).toMatchObject({ status: 'Success' });
  expect(events()).toMatchObject([
    { type: 'StepWaiting', step: 'A', waiting: { kind: 'pause', message: 'look at the graphs' } },
  ]);
});

test('a person may say no, which fails it', async () => {
  const { run } = paused('didNotHappen');
  expect(await pause(run)).toMatchObject({ status: 'Failed', failure: { code: 'REJECTED' } });
});

test('where nobody answers in its time it says so', async () => {
  const { run } = paused();
  expect(await pause({ ...run, timeoutSeconds: 0.02 })).toMatchObject({
    status: 'TimedOut',
    failure: { code: 'TIMED_OUT', message: 'nobody continued A within 0.02 s' },
  });
});

test('a cancel ends it', async () => {
  const { run, runtime } = paused();
  runtime.store.isCancelled = true;
  expect(await pause(run)).toMatchObject({ status: 'Cancelled' });
});
