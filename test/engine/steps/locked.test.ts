import { expect, test } from 'vitest';
import { locked } from '../../../src/engine/steps/locked.ts';
import { failedWith, stepBed, type StepBedOptions } from '../../support/step-bed.ts';

const bed = (answer: StepBedOptions['answer'], locks = ['volume:{{ P }}']) =>
  stepBed({
    step: { locks },
    input: { parameters: { P: 'b' } },
    ...(answer === undefined ? {} : { answer }),
  });

test('the step’s locks are taken before it runs', async () => {
  const { next, run, inner, calls, events } = bed(() => ({
    status: 'ok',
    value: { kind: 'taken', unheard: [] },
  }));
  await locked(next)(run);
  expect(calls).toMatchObject([{ kind: 'lock', input: { locks: ['volume:b'] } }]);
  expect(events()).toMatchObject([{ type: 'LocksTaken', locks: ['volume:b'] }]);
  expect(inner).toHaveLength(1);
});

test('it does not run where somebody else has one, nor where one cannot be taken', async () => {
  const message = 'volume:b is held by another';
  const held = { kind: 'held', lock: 'volume:b', holder: 'x', since: 1, message } as const;
  const refused = bed(() => ({ status: 'ok', value: held }));
  expect(await locked(refused.next)(refused.run)).toMatchObject({
    status: 'Failed',
    failure: { code: 'LOCKED', message },
  });
  const unproven = bed(() => failedWith('LOCK_UNPROVEN'));
  expect(await locked(unproven.next)(unproven.run)).toMatchObject({ failure: { code: 'LOCK_UNPROVEN' } });
  expect([...refused.inner, ...unproven.inner]).toEqual([]);
});

test('a cancel while it waits ends it cancelled', async () => {
  const { next, run, inner } = bed(() => ({ status: 'cancelled' }));
  expect(await locked(next)(run)).toMatchObject({ status: 'Cancelled', attempts: 0 });
  expect(inner).toEqual([]);
});

test('a step without locks asks nobody', async () => {
  const { next, run, inner, calls } = bed(undefined, []);
  await locked(next)(run);
  expect(calls).toEqual([]);
  expect(inner).toHaveLength(1);
});
