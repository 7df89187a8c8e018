import { expect, test } from 'vitest';
import { sleep } from '../../../src/engine/steps/sleep.ts';
import type { JsonObject } from '../../../src/json.ts';
import { stepBed, type StepBedOptions } from '../../support/step-bed.ts';

const bedOf = (inputs: JsonObject, more: StepBedOptions = {}) =>
  stepBed({ step: { action: 'aws:sleep', inputs }, ...more });
const startedAt = Date.parse('2026-01-31T02:00:00Z');

/** A clock that a look moves on by so many ms. */
const movingBy = (ms: number) => {
  let at = startedAt - ms;
  return () => (at += ms);
};

test('sleeps for a duration, and says for how long', async () => {
  const { run, events } = bedOf({ Duration: 'PT10M' }, { now: movingBy(60_000) });
  expect(await sleep(run)).toMatchObject({ status: 'Success' });
  expect(events()).toEqual([{ type: 'StepWaiting', step: 'A', waiting: { kind: 'sleep', seconds: 600 } }]);
});

test('sleeps until an instant; one that has passed goes on at once', async () => {
  const future = bedOf({ Timestamp: '2026-01-31T02:05:00Z' }, { now: movingBy(60_000) });
  expect(await sleep(future.run)).toMatchObject({ status: 'Success' });
  expect(future.events()).toMatchObject([{ waiting: { kind: 'sleep' } }]);
  const past = bedOf({ Timestamp: '2026-01-31T01:00:00Z' }, { now: movingBy(1_000) });
  expect(await sleep(past.run)).toMatchObject({ status: 'Success' });
  expect(past.events()).toEqual([]);
});

test.each([
  [{ Duration: '10 minutes' }, 'Duration "10 minutes" is not an ISO-8601 duration such as PT10M'],
  [{ Timestamp: 'tomorrow' }, 'Timestamp "tomorrow" is not an ISO-8601 instant such as 2026-01-31T02:00:00Z'],
  [{}, 'Duration or Timestamp must be a text'],
])('%j is refused, and nothing is waited for', async (inputs, message) => {
  const { run, events } = bedOf(inputs);
  expect(await sleep(run)).toMatchObject({ status: 'Failed', failure: { code: 'INVALID_INPUT', message } });
  expect(events()).toEqual([]);
});

test('a cancel ends it', async () => {
  const { run, runtime } = bedOf({ Duration: 'PT10M' });
  runtime.store.isCancelled = true;
  expect(await sleep(run)).toMatchObject({ status: 'Cancelled' });
});

test('its own time limit ends it, which versions before did not hold it to', async () => {
  const asked = (interpreter: 2 | 3) => {
    const bed = bedOf({ Duration: 'PT10M' }, { now: movingBy(60_000), interpreter });
    return sleep({ ...bed.run, timeoutSeconds: 60 });
  };
  expect(await asked(3)).toMatchObject({
    status: 'TimedOut',
    failure: { code: 'TIMED_OUT', message: 'A did not end within 60 s' },
  });
  expect(await asked(2)).toMatchObject({ status: 'Success' });
});

test('the time of the execution ends it, and the step says whose time it was', async () => {
  const bed = bedOf({ Duration: 'PT10M' }, { now: movingBy(30_000), budgetMs: 60_000 });
  expect(await sleep(bed.run)).toMatchObject({
    status: 'TimedOut',
    failure: { message: 'the time of the execution was over while A slept' },
  });
});
