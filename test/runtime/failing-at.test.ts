/** `--fail-at`: the step acts, then fails; whatever it tries further acts no more. */
import { expect, test } from 'vitest';
import { failingAt } from '../../src/runtime/failing-at.ts';
import { attempted } from '../../src/engine/steps/attempted.ts';
import { gave, stepBed, type StepBedOptions } from '../support/step-bed.ts';

const answer: StepBedOptions['answer'] & {} = ({ kind }) =>
  kind === 'begin' ? { status: 'ok', value: 'handle' } : gave({ Value: 1 });

async function failing(step: string, triesMax = 1) {
  const bed = stepBed({ descriptor: { effect: 'begun' }, step: { maxAttempts: triesMax }, answer });
  const frame = bed.frame.with({ runtime: failingAt(bed.runtime, step) });
  return { ...bed, ending: await attempted({ ...bed.run, frame }) };
}

test('the step has acted, and fails without outputs; it is remembered for the undo', async () => {
  const { ending, record, calls } = await failing('A');
  expect(ending).toMatchObject({
    status: 'Failed',
    failure: { code: 'SIMULATED', message: 'A was made to fail by --fail-at' },
    result: { outputs: {} },
  });
  expect(calls.map(({ kind }) => kind)).toEqual(['begin', 'wait']);
  expect(record.attempts).toHaveLength(1);
});

test('its further tries fail and act no more', async () => {
  const { ending, calls } = await failing('A', 2);
  expect(ending).toMatchObject({ status: 'Failed', attempts: 2, failure: { code: 'SIMULATED' } });
  expect(calls.map(({ kind }) => kind)).toEqual(['begin', 'wait']);
});

test('every other step is as it is', async () => {
  expect((await failing('B')).ending).toMatchObject({ status: 'Success' });
});
