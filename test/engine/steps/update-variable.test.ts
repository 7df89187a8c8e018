import { expect, test } from 'vitest';
import { updateVariable } from '../../../src/engine/steps/update-variable.ts';
import type { JsonObject } from '../../../src/json.ts';
import { stepBed } from '../../support/step-bed.ts';

const bedOf = (inputs: JsonObject) =>
  stepBed({
    step: { action: 'aws:updateVariable', inputs },
    document: { variables: { Count: { type: 'Integer', default: 1 } } },
  });

test.each(['variable:Count', 'variable:{{ Count }}'])(
  'gives the variable another value, by the name %s',
  async (Name) => {
    const { run, frame } = bedOf({ Name, Value: 7 });
    const seen = frame.execution.variables;
    expect(await updateVariable(run)).toMatchObject({ status: 'Success', result: { note: 'Count = 7' } });
    expect(frame.execution.variables).toEqual({ Count: 7 });
    expect(seen, 'what a step saw stays as it was').not.toEqual({ Count: 7 });
  },
);

test.each([
  [
    { Name: 'variable:Other', Value: 7 },
    /^A changes "variable:Other", which is not a variable of the document$/,
  ],
  [{ Value: 7 }, /^A changes null, which is not a variable of the document$/],
  [{ Name: 'variable:toString', Value: 7 }, /not a variable of the document/],
  [{ Name: 'variable:Count', Value: 'many' }, /^A: /],
])('%j is refused, and every variable stays as it was', async (inputs, message) => {
  const { run, frame } = bedOf(inputs);
  const before = frame.execution.variables;
  expect(await updateVariable(run)).toMatchObject({
    status: 'Failed',
    failure: { code: 'INVALID_INPUT', message: expect.stringMatching(message) },
  });
  expect(frame.execution.variables).toBe(before);
});

test('a long value is told in short', async () => {
  const bed = stepBed({
    step: { action: 'aws:updateVariable', inputs: { Name: 'variable:Text', Value: 'x'.repeat(500) } },
    document: { variables: { Text: { type: 'String', default: '' } } },
  });
  const { result } = await updateVariable(bed.run);
  expect(result.note.length).toBeLessThan(120);
});
