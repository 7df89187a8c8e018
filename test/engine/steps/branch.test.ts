import { expect, test } from 'vitest';
import { branch } from '../../../src/engine/steps/branch.ts';
import { stepBed } from '../../support/step-bed.ts';

const choose = (P: string, inputs: Parameters<typeof stepBed>[0] & object) => {
  const bed = stepBed({ ...inputs, input: { parameters: { P } } });
  return branch(bed.run);
};
const choices = {
  step: {
    action: 'aws:branch',
    inputs: {
      Choices: [
        { NextStep: 'Blue', Variable: '{{ P }}', StringEquals: 'blue' },
        { NextStep: 'Either', Variable: '{{ P }}', StringEquals: 'either' },
      ],
    },
  },
};
const withDefault = {
  step: { ...choices.step, inputs: { ...choices.step.inputs, Default: 'Other' } },
};

test.each([
  ['blue', 'Blue'],
  ['either', 'Either'],
])('goes on at the first choice that is true: %s', async (P, jump) => {
  expect(await choose(P, choices)).toMatchObject({
    status: 'Success',
    jump,
    result: { note: `→ ${jump}` },
    decidedBy: [expect.anything()],
  });
});

test('goes on at its default where no choice is true', async () => {
  expect(await choose('green', withDefault)).toMatchObject({ status: 'Success', jump: 'Other' });
});

test('goes on with the step below where no choice is true and there is no default, and says so', async () => {
  expect(await choose('green', choices)).toMatchObject({
    status: 'Success',
    jump: null,
    result: { note: 'no choice was true' },
  });
});

test('a choice that cannot be compared fails the step and leads nowhere', async () => {
  const inputs = { Choices: [{ NextStep: 'Blue', Variable: '{{ P }}', NumericEquals: 3 }] };
  expect(await choose('blue', { step: { action: 'aws:branch', inputs } })).toMatchObject({
    status: 'Failed',
    failure: { code: 'BRANCH_FAILED' },
  });
});
