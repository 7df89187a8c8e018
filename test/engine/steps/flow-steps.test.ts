import { expect, test } from 'vitest';
import { actions, describeStep } from '../../../src/actions/index.ts';
import { runStep } from '../../../src/engine/run-step.ts';
import { flowSteps } from '../../../src/engine/steps/flow-steps.ts';
import { step } from '../../support/run-toy.ts';
import { gave, stepBed } from '../../support/step-bed.ts';

const flowOf = new Map(
  [...actions.keys()].map((action) => [action, describeStep(actions, step({ name: 'A', action })).flow]),
);

test('every entry of the table is of one action of the registry, and every such action has one', () => {
  const named = [...flowOf.values()].filter((flow) => flow !== null);
  expect(named.toSorted()).toEqual(Object.keys(flowSteps).toSorted());
});

test('a flow step is run by the engine, and its action is asked for nothing', async () => {
  const { frame, record, calls } = stepBed({
    step: { action: 'aws:sleep', inputs: { Duration: 'PT0S' } },
    descriptor: { flow: 'sleep' },
  });
  expect(await runStep(frame, record)).toMatchObject({ status: 'Success' });
  expect(calls).toEqual([]);
});

test('a step without an entry is one of its action', async () => {
  const { frame, record, calls } = stepBed({ answer: () => gave({}) });
  expect(await runStep(frame, record)).toMatchObject({ status: 'Success' });
  expect(calls.map(({ kind }) => kind)).toEqual(['wait']);
});
