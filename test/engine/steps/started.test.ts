import { expect, test } from 'vitest';
import { started } from '../../../src/engine/steps/started.ts';
import { stepBed } from '../../support/step-bed.ts';

test('inputs are resolved before the step runs, and shown as resolved', async () => {
  const { next, run, record, inner, events } = stepBed({
    step: { inputs: { Key: '{{ P }}' } },
    input: { parameters: { P: 'x' } },
  });
  await started(next)(run);
  expect(record.inputs).toEqual({ Key: 'x' });
  expect(events()).toMatchObject([
    { type: 'StepStarted', step: 'A', action: 'toy:put', inputs: { Key: 'x' } },
  ]);
  expect(inner).toHaveLength(1);
});

test('a step whose inputs cannot be resolved is shown as written, and does not run', async () => {
  const { next, run, inner, events } = stepBed({ step: { inputs: { Key: 'a-{{ Gone.Value }}' } } });
  expect(await started(next)(run)).toMatchObject({
    status: 'Failed',
    attempts: 0,
    failure: { code: 'ABSENT_VALUE' },
  });
  expect(events()).toMatchObject([{ type: 'StepStarted', inputs: { Key: 'a-{{ Gone.Value }}' } }]);
  expect(inner).toEqual([]);
});

test('what a step that has not run would have given is null where it stands alone, and that is told', async () => {
  const { next, run, record, events } = stepBed({
    step: { inputs: { Key: '{{ Gone.Value }}', List: ['{{ Gone.Ids }}'] } },
  });
  await started(next)(run);
  expect(record.inputs).toEqual({ Key: null, List: [null] });
  expect(events()).toMatchObject([
    {
      absent: [
        '{{ Gone.Value }} is null: step Gone has not run',
        '{{ Gone.Ids }} is null: step Gone has not run',
      ],
    },
  ]);
});

test('a branch gets its choices as written', async () => {
  const inputs = { Choices: [{ Variable: '{{ Gone.Value }}', NextStep: 'B' }] };
  const { next, run, record, inner } = stepBed({ step: { inputs }, descriptor: { flow: 'branch' } });
  await started(next)(run);
  expect(record.inputs).toEqual(inputs);
  expect(inner).toHaveLength(1);
});
