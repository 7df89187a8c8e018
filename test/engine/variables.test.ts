/** Variables of a document: what they are at the start, how steps change them, and what an undo reads of them. */
import { expect, test } from 'vitest';
import type { Document, Parameter, Step } from '../../src/document/index.ts';
import type { Json } from '../../src/json.ts';
import { runToy, runbook, step, temporaryJournal, type ToyOptions } from '../support/run-toy.ts';

const set = (name: string, value: Json, variable = 'variable:v') =>
  step({ name, action: 'aws:updateVariable', inputs: { Name: variable, Value: value } });
const tell = (name: string, text = '{{ variable:v }}') =>
  step({ name, action: 'toy:tell', inputs: { Text: text } });
const fail = step({ name: 'Fail', action: 'toy:restore', inputs: { Ids: ['gone'] } });
const string: Parameter = { type: 'String', default: 'first' };

async function run(
  steps: readonly Step[],
  variables: Document['variables'] = { v: string },
  options: ToyOptions = {},
  rollback: 'never' | 'onFailure' = 'never',
) {
  using store = temporaryJournal();
  const more = { variables, rollback: { when: rollback, timeoutSeconds: 60 } } as Partial<Document>;
  const ran = await runToy(runbook(steps, more), store, options);
  return { ...ran, find: (name: string) => ran.state.steps.find((each) => each.name === name) };
}

test('a variable begins with its default, and later steps read what a step gave it', async () => {
  const { find, result } = await run([tell('Before'), set('Set', 'second'), tell('After')]);
  expect(result.status).toBe('Success');
  expect(find('Before')?.inputs).toEqual({ Text: 'first' });
  expect(find('After')?.inputs).toEqual({ Text: 'second' });
  expect(find('Set')?.note).toBe('v = "second"');
});

test('a default may hold expressions, and a map may be written as JSON text', async () => {
  const ran = await run(
    [tell('Tell', '{{ variable:a }} {{ variable:m }} {{ variable:l }}')],
    {
      a: { type: 'String', default: 'of {{ P }}' },
      m: { type: 'StringMap', default: '{}' },
      l: { type: 'StringList', default: [] },
    },
    { input: { parameters: { P: 'p' } } },
  );
  expect(ran.find('Tell')?.inputs).toEqual({ Text: 'of p {} []' });
});

test('a variable without a default has no value until a step gives it one', async () => {
  const ran = await run([tell('Read')], { v: { type: 'String' } });
  expect(ran.find('Read')?.failure?.message).toBe(
    '{{ variable:v }} has no value: variable v has no value yet',
  );
  expect((await run([set('Set', 'x'), tell('Read')], { v: { type: 'String' } })).result.status).toBe(
    'Success',
  );
});

test('who reads a variable whose default is not of its type is told so', async () => {
  const ran = await run(
    [tell('Read')],
    { v: { type: 'Integer', default: '{{ P }}' } },
    { input: { parameters: { P: 'many' } } },
  );
  expect(ran.find('Read')?.failure?.message).toContain(
    'variable v is Integer, but "many" is not a whole number',
  );
});

test.each([
  [{ type: 'Integer', default: 0 }, '1', 'variable v is Integer, but "1" is a string'],
  [{ type: 'Boolean', default: false }, 'true', 'variable v is Boolean, but "true" is a string'],
  [{ type: 'String', default: '' }, 1, 'variable v is String, but 1 is a number'],
  [{ type: 'StringList', default: [] }, [1], 'variable v is StringList, but [1] is a list'],
  [{ type: 'StringMap', default: '{}' }, '{}', 'variable v is StringMap, but "{}" is a string'],
  [{ type: 'MapList', default: [] }, ['{}'], 'variable v is MapList, but ["{}"] is a list'],
  [
    { type: 'String', default: 'a', allowedValues: ['a', 'b'] },
    'c',
    '"c" is not allowed for variable v; allowed: a, b',
  ],
  [{ type: 'Integer', default: 0, maxValue: 2 }, 3, 'variable v has 3, allowed: at most 2'],
] as readonly [Parameter, Json, string][])(
  '%j does not take %j, and keeps what it has',
  async (variable, value, problem) => {
    const ran = await run(
      [step({ ...set('Set', value), onFailure: { kind: 'Continue' } }), tell('After', 'x{{ variable:v }}')],
      {
        v: variable,
      },
    );
    expect(ran.find('Set')?.failure).toEqual({
      code: 'INVALID_INPUT',
      message: `Set: ${problem}`,
      retryable: false,
    });
    expect(ran.find('After')?.status).toBe('Success');
  },
);

test('values keep their type, and the name may be written in both ways of AWS', async () => {
  const ran = await run(
    [
      set('Set', '{{ P }}', 'variable:{{v}}'),
      step({ name: 'Tell', action: 'toy:check', inputs: { Key: 'a', Equals: '{{ variable:v }}' } }),
    ],
    { v: { type: 'StringMap', default: '{}' } },
    { input: { parameters: { P: { a: [1] } } } },
  );
  expect(ran.find('Tell')?.inputs).toEqual({ Key: 'a', Equals: { a: [1] } });
});

test('a loop counts in a variable until its condition is false', async () => {
  const loop = step({
    name: 'Each',
    action: 'aws:loop',
    inputs: { LoopCondition: { Not: { Variable: '{{ variable:v }}', StringEquals: 'xxx' } } },
    nested: { Steps: [set('Set', '{{ variable:v }}x')] },
  });
  const ran = await run([loop, tell('After')], { v: { type: 'String', default: '' } });
  expect(ran.find('After')?.inputs).toEqual({ Text: 'xxx' });
  expect(ran.find('Each')?.outputs).toEqual({ CurrentIteration: 3 });
});

test('an undo list reads the variables as its step saw them', async () => {
  const put = (name: string) =>
    step({
      name,
      action: 'toy:put',
      inputs: { Key: name, Value: 'new' },
      undo: {
        kind: 'steps',
        steps: [
          step({
            name: `Back${name}`,
            action: 'toy:put',
            inputs: { Key: `${name}-{{ variable:v }}`, Value: 'x' },
          }),
        ],
      },
    });
  const ran = await run(
    [put('A'), set('Set', 'second'), put('B'), set('SetAgain', 'third'), fail],
    undefined,
    {},
    'onFailure',
  );
  expect(ran.world.effects.slice(2).map(({ what }) => what)).toEqual(['put B-second=x', 'put A-first=x']);
});
