/** Ten thousand passes: they come to their end, all of them are undone, and a replay asks the world nothing. Times are in npm run bench. */
import { expect, test } from 'vitest';
import { plan, runExecution, type ActivityCall, type OutcomeResult } from '../../../src/engine/index.ts';
import { MemoryRuntime, MemoryStore } from '../../support/memory-runtime.ts';
import { describeToy, runbook, step } from '../../support/run-toy.ts';
import { ToyWorld, toyActions } from '../../support/toy-world.ts';

const passes = 10_000;

test('ten thousand passes are run, undone and replayed', { timeout: 60_000 }, async () => {
  const loop = step({
    name: 'Each',
    action: 'aws:loop',
    inputs: { Iterators: Array.from({ length: passes }, (_, index) => `k${index}`) },
    nested: {
      Steps: [
        step({
          name: 'Put',
          action: 'toy:put',
          inputs: { Key: '{{ Each.CurrentIteratorValue }}', Value: 'v' },
        }),
      ],
    },
  });
  const fail = step({ name: 'Fail', action: 'toy:check', inputs: { Key: 'x', Equals: 'y' } });
  const actions = toyActions(new ToyWorld());
  const program = plan(runbook([loop, fail]), (each) => describeToy(actions, each));
  let undone = 0;
  const answer = (call: ActivityCall): OutcomeResult => {
    if (call.step === 'Fail')
      return { status: 'failed', code: 'NO', message: 'no', retryable: false, effect: 'known' };
    if (call.kind === 'prepare') return { status: 'ok', value: { observed: { Value: null }, captures: {} } };
    if (call.kind !== 'wait') return { status: 'ok', value: null };
    if ('undo' in call.input) undone += 1;
    const change = { target: 'toy', subject: call.id, from: 'a', to: 'b' };
    return {
      status: 'ok',
      value: { outputs: {}, changes: [change], restorePoints: [], targets: ['toy'], note: '' },
    };
  };
  const input = { parameters: {}, rollbackWhen: 'onFailure', rollbackRequests: [], failAt: null } as const;
  const store = new MemoryStore();
  const result = await runExecution(new MemoryRuntime({ run: answer }, store), program, input);
  expect(result).toMatchObject({ status: 'Failed', rollbackStatus: 'clean', owed: 0 });
  expect(undone).toBe(passes);
  const silent = (): OutcomeResult => {
    throw new Error('a replay asked the world');
  };
  expect(await runExecution(new MemoryRuntime({ run: silent }, store), program, input)).toEqual(result);
});
