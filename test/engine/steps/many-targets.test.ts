/** Ten thousand targets of a rolling and ten thousand hosts of a step: all come to their end, all are undone, and a replay asks the world nothing. */
import { expect, test } from 'vitest';
import {
  plan,
  runExecution,
  type ActivityCall,
  type OutcomeResult,
  type StepDescriptor,
} from '../../../src/engine/index.ts';
import type { Step } from '../../../src/document/index.ts';
import { MemoryRuntime, MemoryStore } from '../../support/memory-runtime.ts';
import { plain, runbook, step } from '../../support/run-toy.ts';
import { failedWith } from '../../support/step-bed.ts';

const targets = Array.from({ length: 10_000 }, (_, index) => `h${index}`);
const acts: StepDescriptor = { ...plain, effect: 'repeatable', undo: { kind: 'restore' } };

const rolling = step({
  name: 'Roll',
  action: 'belay:rolling',
  inputs: { Targets: targets, MaxUnavailable: 10 },
  nested: { Steps: [step({ name: 'Put', action: 'toy:put' })] },
});
const overHosts = step({
  name: 'Put',
  action: 'toy:hosts',
  inputs: { Hosts: targets, MaxConcurrency: '10' },
});

const describeAny = ({ action }: Step): StepDescriptor => {
  if (action === 'belay:rolling') return { ...plain, flow: 'rolling' };
  if (action === 'toy:check') return plain;
  return action === 'toy:hosts' ? { ...acts, overHosts: true } : acts;
};

test.each([
  ['targets of a rolling', rolling],
  ['hosts of a step', overHosts],
])('ten thousand %s are acted on, undone and replayed', { timeout: 60_000 }, async (_what, many) => {
  const program = plan(runbook([many, step({ name: 'Fail', action: 'toy:check' })]), describeAny);
  let undone = 0;
  const answer = (call: ActivityCall): OutcomeResult => {
    if (call.step === 'Fail') return failedWith('NO', 'known');
    if (call.kind === 'prepare')
      return { status: 'ok', value: { observed: { Targets: targets }, captures: {} } };
    if (call.kind === 'findTargets') return { status: 'ok', value: targets };
    if (call.kind !== 'wait') return { status: 'ok', value: null };
    if ('undo' in call.input) undone += 1;
    const change = { target: call.step, subject: 'x', from: 'a', to: 'b' };
    return {
      status: 'ok',
      value: { outputs: {}, changes: [change], restorePoints: [], targets: [call.step], note: '' },
    };
  };
  const input = { parameters: {}, rollbackWhen: 'onFailure', rollbackRequests: [], failAt: null } as const;
  const store = new MemoryStore();
  const result = await runExecution(new MemoryRuntime({ run: answer }, store), program, input);
  expect(result).toMatchObject({ status: 'Failed', rollbackStatus: 'clean', owed: 0 });
  expect(undone).toBe(targets.length);
  const silent = (): OutcomeResult => {
    throw new Error('a replay asked the world');
  };
  expect(await runExecution(new MemoryRuntime({ run: silent }, store), program, input)).toEqual(result);
});
