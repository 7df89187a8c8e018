import { expect, test } from 'vitest';
import { bake, takeTurn, turnScope } from '../../../src/engine/steps/turn.ts';
import type { ActivityCall, OutcomeResult } from '../../../src/engine/index.ts';
import { plain, step } from '../../support/run-toy.ts';
import { failedWith, gave, stepBed } from '../../support/step-bed.ts';

const acts = (name: string, more = {}) => step({ name, action: 'toy:put', ...more });
const gate = [step({ name: 'Quorum', action: 'toy:check' })];

/** A rolling whose turn of `db1` is taken. */
function bedWith(
  steps: readonly ReturnType<typeof acts>[],
  answer: (call: ActivityCall) => OutcomeResult | undefined,
) {
  const bed = stepBed({
    step: { nested: { Gate: gate, Steps: steps } },
    nested: {
      'A/Gate/Quorum': plain,
      ...Object.fromEntries(steps.map(({ name }) => [`A/Steps/${name}`, { ...plain, effect: 'repeatable' }])),
    },
    answer: (call) =>
      answer(call) ?? (call.kind === 'wait' ? gave({ Id: 7 }) : { status: 'ok', value: null }),
  });
  const turn = turnScope(bed.frame, bed.record, 'db1', ['db1', 'db2']);
  const paths = (): string[] => [...new Set(bed.calls.map(({ step: path }) => path))];
  return { ...bed, turn, paths, take: () => takeTurn(bed.frame.with({ scope: turn }), turn) };
}

const at =
  (path: string, outcome: OutcomeResult<never>) =>
  (call: ActivityCall): OutcomeResult | undefined =>
    call.step === path && call.kind === 'wait' ? outcome : undefined;

test('a turn is the gate, the steps and the gate again, all under the path of the target', async () => {
  const { take, paths } = bedWith([acts('Stop'), acts('Start')], () => undefined);
  expect(await take()).toEqual({ status: 'Success', failure: null });
  expect(paths()).toEqual([
    'A@db1/gate-before/Quorum',
    'A@db1/Stop',
    'A@db1/Start',
    'A@db1/gate-after/Quorum',
  ]);
});

test('steps of a turn read what came before them in it, and the target', async () => {
  const reads = acts('Start', { inputs: { Key: '{{ A.Target }}', Of: '{{ Stop.Id }}' } });
  const { take, calls } = bedWith([acts('Stop'), reads], () => undefined);
  await take();
  const begun = calls.find(({ step: path }) => path === 'A@db1/Start');
  expect(begun?.input).toMatchObject({ inputs: { Key: 'db1', Of: 7 } });
});

test('a gate that is closed before it lets no step begin', async () => {
  const { take, paths } = bedWith(
    [acts('Stop')],
    at('A@db1/gate-before/Quorum', failedWith('TOO_FEW', 'known')),
  );
  expect(await take()).toMatchObject({ status: 'Failed', failure: { code: 'GATE_CLOSED' } });
  expect(paths()).toEqual(['A@db1/gate-before/Quorum']);
});

test('a step that fails ends it in the words of that step, and the gate behind it is not asked', async () => {
  const { take, paths } = bedWith(
    [acts('Stop'), acts('Start')],
    at('A@db1/Stop', failedWith('BROKEN', 'known')),
  );
  expect(await take()).toEqual({
    status: 'Failed',
    failure: { code: 'BROKEN', message: 'Stop: BROKEN came back', retryable: false },
  });
  expect(paths()).toEqual(['A@db1/gate-before/Quorum', 'A@db1/Stop']);
});

test('a failure that its author has handled does not end it', async () => {
  const handled = acts('Stop', { onFailure: { kind: 'Continue' }, isCritical: false });
  const { take, paths } = bedWith([handled, acts('Start')], at('A@db1/Stop', failedWith('BROKEN', 'known')));
  expect(await take()).toEqual({ status: 'Success', failure: null });
  expect(paths()).toContain('A@db1/Start');
});

test('a gate that closes behind it fails it', async () => {
  const { take } = bedWith([acts('Stop')], at('A@db1/gate-after/Quorum', failedWith('TOO_FEW', 'known')));
  expect(await take()).toMatchObject({ status: 'Failed', failure: { code: 'GATE_CLOSED' } });
});

test('a cancelled execution takes no turn', async () => {
  const { take, runtime, paths } = bedWith([acts('Stop')], () => undefined);
  runtime.store.isCancelled = true;
  expect(await take()).toEqual({ status: 'Cancelled', failure: null });
  expect(paths()).toEqual([]);
});

/** A clock that only sleeps move. */
function baking(seconds: number | undefined, budgetMs?: number) {
  let now = 0;
  const bed = stepBed({
    step: { inputs: seconds === undefined ? {} : { BakeSeconds: seconds } },
    now: () => now,
    pause: (ms) => {
      now += ms;
      return Promise.resolve();
    },
    ...(budgetMs === undefined ? {} : { budgetMs }),
  });
  return { ...bed, bake: () => bake(bed.frame, bed.record, 'db1'), slept: () => now };
}

test('a target has its time to show that it holds, and people see it', async () => {
  const { bake: baked, slept, events } = baking(60);
  expect(await baked()).toBe('elapsed');
  expect(slept()).toBe(60_000);
  expect(events()).toMatchObject([
    { type: 'StepWaiting', step: 'A', waiting: { kind: 'sleep', seconds: 60 } },
  ]);
});

test('without such a time nothing waits, and never longer than the time of all', async () => {
  for (const seconds of [undefined, 0]) {
    const { bake: baked, slept, events } = baking(seconds);
    expect(await baked()).toBe('elapsed');
    expect(slept()).toBe(0);
    expect(events()).toEqual([]);
  }
  const short = baking(60, 5_000);
  await short.bake();
  expect(short.slept()).toBe(5_000);
});

test('a cancel ends the time', async () => {
  const { bake: baked, runtime } = baking(60);
  runtime.store.isCancelled = true;
  expect(await baked()).toBe('cancelled');
});
