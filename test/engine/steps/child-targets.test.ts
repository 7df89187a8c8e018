import { expect, test } from 'vitest';
import { child } from '../../../src/engine/steps/child.ts';
import { turnScope } from '../../../src/engine/steps/turn.ts';
import { childBed, type ChildBedOptions } from '../../support/child-bed.ts';
import { failedWith, gave } from '../../support/step-bed.ts';
import type { JsonObject } from '../../../src/json.ts';

const over = (values: readonly string[], more: JsonObject = {}) => ({
  TargetParameterName: 'Name',
  Targets: [{ Key: 'ParameterValues', Values: values }],
  ...more,
});

async function run(inputs: JsonObject, options: ChildBedOptions = {}) {
  const bed = childBed({ inputs, ...options });
  return { ...bed, ending: await child(bed.run) };
}
const failing =
  (...bad: readonly string[]) =>
  (name: string) =>
    bad.includes(name) ? failedWith('BROKEN', 'known') : gave({});
const names = (children: readonly { readonly parameters: JsonObject }[]) =>
  children.map(({ parameters }) => parameters['Name']);

test('each value is a child of its own, with the common parameters and its value', async () => {
  const { ending, children, record } = await run(over(['a', 'b'], { RuntimeParameters: { Other: 1 } }));
  expect(children()).toMatchObject([
    { parameters: { Other: 1, Name: 'a' } },
    { parameters: { Other: 1, Name: 'b' } },
  ]);
  expect(record.children?.map(({ call }) => call)).toEqual(['A@a:child', 'A@b:child']);
  expect(ending).toMatchObject({
    status: 'Success',
    result: {
      note: '2 of 2 targets done',
      outputs: { Status: 'Success', Targets: ['a', 'b'], Succeeded: ['a', 'b'], Failed: [], NotStarted: [] },
    },
  });
});

test('what a tag chooses is asked of the host', async () => {
  const inputs = { TargetParameterName: 'Name', Targets: [{ Key: 'tag:Role', Values: ['db', 'web'] }] };
  const { children, asked } = await run(inputs, {
    answer: ({ kind }) => (kind === 'findTargets' ? { status: 'ok', value: ['i-1', 'i-2'] } : undefined),
  });
  expect(asked('findTargets')).toMatchObject([
    { id: 'A:targets', input: { key: 'tag:Role', values: ['db', 'web'] }, onLost: 'rerun' },
  ]);
  expect(names(children())).toEqual(['i-1', 'i-2']);
});

test('what cannot be found out about targets fails the step in the words of the host, and nothing is started', async () => {
  const inputs = { TargetParameterName: 'Name', Targets: [{ Key: 'tag:Role', Values: ['db'] }] };
  const { ending, children } = await run(inputs, {
    answer: ({ kind }) => (kind === 'findTargets' ? failedWith('DENIED') : undefined),
  });
  expect(ending).toMatchObject({ status: 'Failed', failure: { code: 'DENIED' } });
  expect(children()).toEqual([]);
});

test('maps are children named by their values, each name once, without what parts a path', async () => {
  const TargetMaps = [{ Name: ['a', 'b'], Zone: 1 }, { Name: 'x/y@z' }, { Name: 'x:y#z' }];
  const { ending, children } = await run({ TargetMaps });
  expect(ending).toMatchObject({ result: { outputs: { Targets: ['a+b,1', 'x_y_z', 'x_y_z-2'] } } });
  expect(children().map(({ parameters }) => parameters)).toEqual(TargetMaps);
});

test.each<[string, JsonObject, string]>([
  ['no target at all', over([]), 'NO_TARGETS'],
  [
    'targets without the parameter that takes them',
    { Targets: [{ Key: 'ParameterValues', Values: ['a'] }] },
    'INVALID_INPUT',
  ],
  ['two maps of targets', { ...over([]), Targets: [{ Key: 'a' }, { Key: 'b' }] }, 'INVALID_INPUT'],
  ['a map without a key', { ...over([]), Targets: [{ Values: ['a'] }] }, 'INVALID_INPUT'],
  ['parameters that are no map', over(['a'], { RuntimeParameters: ['x'] }), 'INVALID_INPUT'],
  ['a concurrency that is not a number', over(['a'], { MaxConcurrency: 'many' }), 'INVALID_INPUT'],
])('%s starts nothing', async (_what, inputs, code) => {
  const { ending, children } = await run(inputs);
  expect(ending).toMatchObject({ status: 'Failed', failure: { code } });
  expect(children()).toEqual([]);
});

test('no child is begun once more have failed than may, and the step says which were not', async () => {
  const inputs = over(['a', 'b', 'c', 'd'], { MaxConcurrency: 1, MaxErrors: 1 });
  const { ending, children } = await run(inputs, { ends: failing('a', 'b') });
  expect(names(children())).toEqual(['a', 'b']);
  expect(ending).toMatchObject({
    status: 'Failed',
    failure: {
      code: 'BROKEN',
      message: expect.stringMatching(
        /^A stopped after more than 1 of its targets had failed \(0 of 4 targets done, failed: a, b; 2 not begun\): child /,
      ),
    },
    result: { outputs: { Status: 'Failed', Failed: ['a', 'b'], NotStarted: ['c', 'd'] } },
  });
});

test('as many failures as may be are no failure of the step', async () => {
  const { ending } = await run(over(['a', 'b', 'c'], { MaxConcurrency: 1, MaxErrors: 1 }), {
    ends: failing('b'),
  });
  expect(ending).toMatchObject({
    status: 'Success',
    result: { note: '2 of 3 targets done, failed: b', outputs: { Succeeded: ['a', 'c'], Failed: ['b'] } },
  });
});

test('what the children changed is what the step changed', async () => {
  const { ending } = await run(over(['a', 'b']), {
    ends: (name) => ({
      status: 'ok',
      value: {
        outputs: {},
        changes: [{ target: name, subject: 'key', from: null, to: 'new' }],
        restorePoints: [],
        targets: [name],
        note: '',
      },
    }),
  });
  expect(ending.result.changes.map(({ target }) => target)).toEqual(['a', 'b']);
});

test('a cancel begins no further child, and the step is cancelled with what was done so far', async () => {
  const bed = childBed({
    inputs: over(['a', 'b'], { MaxConcurrency: 1 }),
    ends: () => {
      bed.runtime.store.isCancelled = true;
      return gave({});
    },
  });
  const ending = await child(bed.run);
  expect(names(bed.children())).toEqual(['a']);
  expect(ending).toMatchObject({ status: 'Cancelled', result: { outputs: { NotStarted: ['b'] } } });
});

test('within a turn of a rolling there are no targets of its own', async () => {
  const { run: outer, record, frame, children } = childBed({ inputs: over(['a']) });
  const scope = turnScope(frame, { ...record, path: 'Roll' }, 'db1', ['db1']);
  const ending = await child({ ...outer, record: { ...record, scope } });
  expect(ending).toMatchObject({ status: 'Failed', failure: { code: 'NESTING' } });
  expect(children()).toEqual([]);
});
