import { expect, test } from 'vitest';
import { notTried } from '../../../src/engine/endings.ts';
import type { UndoScope } from '../../../src/engine/records.ts';
import { observed } from '../../../src/engine/steps/observed.ts';
import { stepBed, type StepBedOptions } from '../../support/step-bed.ts';

const settled = { observes: true, settled: ['Sha'] } as const;
const answer: StepBedOptions['answer'] & {} = () => ({ status: 'ok', value: { Sha: 'new' } });

async function looked(options: StepBedOptions, attempts = [{ token: 't', handle: null }]) {
  const bed = stepBed({ descriptor: settled, answer, ...options });
  bed.record.attempts = attempts;
  await observed(bed.next)(bed.run);
  return { calls: bed.calls.map(({ id }) => id), after: bed.record.after };
}

test('what a step that acted has left is read right after it', async () => {
  expect(await looked({})).toEqual({ calls: ['A:after:observe'], after: { Sha: 'new' } });
});

test('what could not be read is not known', async () => {
  expect((await looked({ answer: () => ({ status: 'timeout' }) })).after).toBeUndefined();
});

test.each([
  ['nothing of it is settled', { descriptor: {} }],
  ['it failed', { ending: notTried({ code: 'E', message: 'm', retryable: false }) }],
  ['its author says how it is undone', { step: { undo: { kind: 'steps', steps: [] } } }],
] as const)('nothing is read where %s', async (_when, options) => {
  expect(await looked(options)).toEqual({ calls: [], after: undefined });
});

test('nothing is read where it did not act, nor in an undo list', async () => {
  expect(await looked({}, [])).toEqual({ calls: [], after: undefined });
  const { record } = stepBed();
  const scope: UndoScope = { kind: 'undo', outputs: new Map(), parent: record.scope, of: record };
  expect(await looked({ parts: { scope } })).toEqual({ calls: [], after: undefined });
});
