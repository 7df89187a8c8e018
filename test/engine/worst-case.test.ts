import { expect, test } from 'vitest';
import type { Step } from '../../src/document/index.ts';
import { plan, worstCaseTime, type StepDescriptor } from '../../src/engine/index.ts';
import { runbook, step } from '../support/run-toy.ts';

const flows: Readonly<Record<string, StepDescriptor['flow']>> = {
  'aws:branch': 'branch',
  'aws:sleep': 'sleep',
  'aws:approve': 'approve',
  'belay:rolling': 'rolling',
};
const describeStep = ({ action }: Step): StepDescriptor => ({
  flow: flows[action] ?? null,
  effect: 'begun',
  observes: false,
  undo: { kind: 'notNeeded' },
  timeoutSeconds: 30,
  removesRestorePoints: null,
  usesRestorePoints: null,
  verdict: null,
});
const put = (name: string, more: Partial<Step> = {}) => step({ ...more, name, action: 'toy:put' });
const worst = (document: ReturnType<typeof runbook>, targets?: number) =>
  worstCaseTime(plan(document, describeStep), {
    parameters: { Limit: 40, Pause: 'PT1M' },
    targets: () => targets,
  });
/** The rollback's 60 s, and two minutes for stopping. */
const rollbackMs = 180_000;

test('a limit of the document is the worst case, whatever its steps may take', () => {
  expect(worst(runbook([put('A')], { timeoutSeconds: 90 }))).toEqual({
    kind: 'known',
    forwardMs: 90_000,
    rollbackMs,
  });
});

test('without one, the limits of all steps add up, with every try and the pauses between them', () => {
  const document = runbook([
    put('A', { timeoutSeconds: 10, maxAttempts: 3 }),
    put('B', { timeoutSeconds: '{{ Limit }}' }),
    step({ name: 'Wait', action: 'aws:sleep', inputs: { Duration: '{{ Pause }}' } }),
  ]);
  expect(worst(document)).toEqual({ kind: 'known', forwardMs: 30_000 + 3_000 + 40_000 + 60_000, rollbackMs });
});

test('a default limit, a person, a jump back and an instant make it unknown, and each is named', () => {
  const document = runbook([
    put('A'),
    step({ name: 'Ask', action: 'aws:approve', inputs: {} }),
    put('Again', { timeoutSeconds: 5, onFailure: { kind: 'step', step: 'A' } }),
    step({
      name: 'Choose',
      action: 'aws:branch',
      inputs: { Choices: [{ NextStep: 'Ask', Variable: 'x', StringEquals: 'x' }] },
    }),
    step({ name: 'Until', action: 'aws:sleep', inputs: { Timestamp: '2026-12-01T00:00:00Z' } }),
    put('Late', { timeoutSeconds: '{{ Other }}' }),
  ]);
  expect(worst(document)).toEqual({
    kind: 'unknown',
    rollbackMs,
    steps: [
      { path: 'A', why: 'has no timeoutSeconds of its own' },
      { path: 'Ask', why: 'waits for a person' },
      { path: 'Again', why: 'may go back to A, and nobody can say how often' },
      { path: 'Choose', why: 'may go back to Ask, and nobody can say how often' },
      { path: 'Until', why: 'sleeps until an instant, or for a time that is only known when it runs' },
      { path: 'Late', why: 'has no timeoutSeconds of its own' },
    ],
  });
});

test('a rolling takes its turns, with the gate before and after each', () => {
  const rolling = step({
    name: 'Each',
    action: 'belay:rolling',
    inputs: { MaxUnavailable: 2, MaxErrors: '20%', BakeSeconds: 5 },
    nested: { Steps: [put('A', { timeoutSeconds: 20 })], Gate: [put('Ok', { timeoutSeconds: 10 })] },
  });
  expect(worst(runbook([rolling]), 5)).toEqual({ kind: 'known', forwardMs: 3 * 45_000, rollbackMs });
  // Without an error to spare only one is in its turn: those in flight count as failed.
  const strict = step({ ...rolling, inputs: { MaxUnavailable: 2, BakeSeconds: 5 } });
  expect(worst(runbook([strict]), 5)).toEqual({ kind: 'known', forwardMs: 5 * 45_000, rollbackMs });
  expect(worst(runbook([rolling]))).toMatchObject({
    kind: 'unknown',
    steps: [{ path: 'Each', why: 'has targets that are only known when it runs' }],
  });
});
