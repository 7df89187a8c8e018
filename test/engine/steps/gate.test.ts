import { expect, test } from 'vitest';
import type { ActivityCall, OutcomeResult } from '../../../src/engine/index.ts';
import { runGate } from '../../../src/engine/steps/gate.ts';
import { turnScope } from '../../../src/engine/steps/turn.ts';
import { plain, step } from '../../support/run-toy.ts';
import { failedWith, gave, stepBed } from '../../support/step-bed.ts';

const reads = (name: string, more = {}) => step({ name, action: 'toy:check', ...more });
const nested = { 'A/Gate/Quorum': plain, 'A/Gate/Canary': plain };

function bedWith(steps: readonly ReturnType<typeof reads>[], answer?: (call: ActivityCall) => OutcomeResult) {
  const asked = answer ?? (() => gave({}));
  const bed = stepBed({ step: { nested: { Gate: steps, Steps: [] } }, nested, answer: asked });
  const turn = turnScope(bed.frame, bed.record, 'db1', ['db1']);
  return {
    ...bed,
    gate: () => runGate(bed.frame.with({ scope: turn }), turn, 'before', 'A@db1/gate-before/'),
  };
}

test('a rolling without a gate is open, and nothing is asked', async () => {
  const { gate, calls } = bedWith([]);
  expect(await gate()).toEqual({ status: 'Success', failure: null });
  expect(calls).toEqual([]);
});

test('it is open when every step of it held, each under a path of the turn', async () => {
  const { gate, calls } = bedWith([reads('Quorum'), reads('Canary')]);
  expect(await gate()).toEqual({ status: 'Success', failure: null });
  expect(calls.map(({ step: path }) => path)).toEqual([
    'A@db1/gate-before/Quorum',
    'A@db1/gate-before/Canary',
  ]);
});

test('the first step that does not hold closes it, in the words of that step, and the rest is not asked', async () => {
  const { gate, calls } = bedWith([reads('Quorum'), reads('Canary')], () => failedWith('TOO_FEW', 'known'));
  expect(await gate()).toEqual({
    status: 'Failed',
    failure: {
      code: 'GATE_CLOSED',
      message: 'the gate of A is closed before db1: TOO_FEW Quorum: TOO_FEW came back',
      retryable: false,
    },
  });
  expect(calls).toHaveLength(1);
});

test('a step whose failure its author has handled leaves it open', async () => {
  const handled = reads('Quorum', { onFailure: { kind: 'continue' }, isCritical: false });
  const { gate } = bedWith([handled, reads('Canary')], ({ step: path }) =>
    path.endsWith('Quorum') ? failedWith('TOO_FEW', 'known') : gave({}),
  );
  expect(await gate()).toEqual({ status: 'Success', failure: null });
});

test('a cancel while it is asked is a cancel, and no word on the gate', async () => {
  const { gate, runtime } = bedWith([reads('Quorum')]);
  runtime.store.isCancelled = true;
  expect(await gate()).toEqual({ status: 'Cancelled', failure: null });
});
