import { expect, test } from 'vitest';
import { limited } from '../../../src/engine/steps/limited.ts';
import { stepBed } from '../../support/step-bed.ts';

const bedWith = (timeoutSeconds?: number | string, P: string | number = '90') =>
  stepBed({ step: timeoutSeconds === undefined ? {} : { timeoutSeconds }, input: { parameters: { P } } });

test.each([
  [30, 30],
  ['{{ P }}', 90],
  [undefined, null],
])('timeoutSeconds: %s allows %s s', async (written, expected) => {
  const { next, run, inner } = bedWith(written);
  await limited(next)(run);
  expect(inner).toMatchObject([{ timeoutSeconds: expected }]);
});

test.each(['soon', '', '0', '-5', 'Infinity', 0])(
  '%j is not a time, and the step does not run',
  async (P) => {
    const { next, run, inner } = bedWith('{{ P }}', P);
    expect(await limited(next)(run)).toMatchObject({
      status: 'Failed',
      attempts: 0,
      failure: {
        code: 'INVALID_INPUT',
        message: `timeoutSeconds of A is ${JSON.stringify(P)}, and must be a positive number`,
      },
    });
    expect(inner).toEqual([]);
  },
);

test('a reference to what is not there is named', async () => {
  const { next, run } = bedWith('{{ Gone.Seconds }}');
  expect(await limited(next)(run)).toMatchObject({
    failure: { code: 'ABSENT_VALUE', message: expect.stringContaining('Gone') as string },
  });
});
