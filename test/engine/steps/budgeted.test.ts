import { expect, test } from 'vitest';
import { budgeted } from '../../../src/engine/steps/budgeted.ts';
import { stepBed } from '../../support/step-bed.ts';

test('a step runs while there is time, and where there is no budget', async () => {
  for (const bed of [stepBed(), stepBed({ budgetMs: 1000 })]) {
    await budgeted(bed.next)(bed.run);
    expect(bed.inner).toHaveLength(1);
  }
});

test('nothing begins when the budget is spent', async () => {
  const { next, run, inner, frame } = stepBed({ budgetMs: 1000 });
  frame.execution.heard({ endedAt: 1000 });
  expect(await budgeted(next)(run)).toMatchObject({
    status: 'TimedOut',
    attempts: 0,
    failure: { code: 'TIMED_OUT', message: 'no time was left for A' },
  });
  expect(inner).toEqual([]);
});

test('time in which nobody ran the execution is on no budget', async () => {
  const { next, run, inner, frame } = stepBed({ budgetMs: 1000 });
  frame.execution.heard({ endedAt: 5000, absentMs: 4500 });
  await budgeted(next)(run);
  expect(inner).toHaveLength(1);
});
