/** What an execution has seen and touched, asked without a look at each of its steps. */
import { expect, test } from 'vitest';
import type { StepRecord } from '../../src/engine/records.ts';
import { Traces } from '../../src/engine/traces.ts';
import type { JsonObject } from '../../src/json.ts';
import { plain, step } from '../support/run-toy.ts';
import { stepBed } from '../support/step-bed.ts';

const base = stepBed().record;
const acted = [{ token: 't', handle: null }];

function recordsOf(...made: readonly Partial<StepRecord>[]): StepRecord[] {
  return made.map((one, index) => ({ ...base, index, attempts: acted, ...one }));
}
const about = (inputs: JsonObject, before: string, after: string): Partial<StepRecord> => ({
  inputs,
  before,
  after,
});
const on = (...targets: string[]): Partial<StepRecord> => ({
  result: { outputs: {}, changes: [], restorePoints: [], targets, note: '' },
});
const opaque = {
  descriptor: { ...plain, undo: { kind: 'none', reason: 'r', leavesChange: true } },
} as const;

test('states of one thing are those around all steps about it, whatever else the steps want of it', () => {
  const [first, second, other] = recordsOf(
    about({ Host: 'db1', Path: '/etc/a', Content: '1' }, 'a0', 'a1'),
    about({ Host: 'db1', Path: '/etc/a', Content: '2' }, 'a1', 'a2'),
    about({ Host: 'db1', Path: '/etc/b' }, 'b0', 'b1'),
  );
  if (first === undefined || second === undefined || other === undefined) throw new Error('three were made');
  const traces = new Traces([first, second, other]);
  expect(traces.statesOf(first)).toEqual(['a0', 'a1', 'a1', 'a2']);
  expect(traces.statesOf(other)).toEqual(['b0', 'b1']);
});

test('what another host has by the same name is another thing', () => {
  const records = recordsOf(
    about({ Host: 'db1', Names: ['openssl'] }, '1', '2'),
    about({ Host: 'db2', Names: ['openssl'] }, '3', '4'),
  );
  expect(records.map((record) => new Traces(records).statesOf(record))).toEqual([
    ['1', '2'],
    ['3', '4'],
  ]);
});

test.each([
  ['a later step that cannot tell what it changed there', { ...opaque, ...on('db1') }, true],
  ['one that does not say where', { ...opaque, ...on() }, true],
  [
    'one with an undo list',
    { step: step({ name: 'B', action: 'toy:shell', undo: { kind: 'steps', steps: [] } }), ...on('db1') },
    true,
  ],
  ['one elsewhere', { ...opaque, ...on('db2') }, false],
  ['one that never acted', { ...opaque, ...on('db1'), attempts: [] }, false],
  ['one that can tell', on('db1'), false],
] as const)('%s blurs: %#', (_what, later, expected) => {
  const records = recordsOf(on('db1'), later);
  const [first] = records;
  if (first === undefined) throw new Error('one was made');
  expect(new Traces(records).isBlurred(first)).toBe(expected);
});

test('an earlier step blurs nothing', () => {
  const records = recordsOf({ ...opaque, ...on('db1') }, on('db1'));
  expect(records.map((record) => new Traces(records).isBlurred(record))).toEqual([false, false]);
});
