/** A runner dies, and the next one comes an hour later: the time in which nobody ran it is on no clock but a step's own. */
import { expect, test } from 'vitest';
import type { Outcome } from '../../src/engine/index.ts';
import type { Journal } from '../../src/journal/index.ts';
import { Vault } from '../../src/runtime/secrets/vault.ts';
import { EmbeddedRuntime } from '../../src/runtime/embedded.ts';
import { executionId, runToy, runbook, step, temporaryJournal, type ToyRun } from '../support/run-toy.ts';
import { Crash } from '../support/toy-world.ts';

const hourMs = 3_600_000;
const put = (name: string) => step({ name, action: 'toy:put', inputs: { Key: name, Value: 'new' } });
const fail = step({ name: 'Fail', action: 'toy:restore', inputs: { Ids: ['gone'] } });
const climbing = runbook([put('A'), step({ name: 'Snap', action: 'toy:snapshot' }), put('B'), fail]);

/** A journal whose first runner dies right after it wrote down that the activity began; `died` sees to what happens before the next. */
const dyingAt =
  (activity: string, died: (journal: Journal) => unknown) =>
  (journal: Journal): Journal =>
    new Proxy(journal, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        if (name !== 'begin') return member;
        return async (...args: unknown[]): Promise<unknown> => {
          const isNew = (await journal.activity(executionId, activity)) === undefined;
          const result: unknown = await Reflect.apply(member, target, args);
          if (!isNew || args[1] !== activity) return result;
          await died(journal);
          throw new Crash();
        };
      },
    });

/** An hour passes before the next runner comes. */
async function diesIn(activity: string): Promise<ToyRun> {
  using store = temporaryJournal();
  let outageMs = 0;
  const wrap = dyingAt(activity, () => (outageMs += hourMs));
  const ran = await runToy(climbing, store, { wrap, now: () => Date.now() + outageMs });
  expect(ran.crashes, `a kill in ${activity}`).toBe(1);
  return ran;
}

test.each(['B:prepare', 'B#1:begin1', 'B#1:wait'])(
  'an hour without a runner in %s changes nothing',
  async (activity) => {
    const { state } = await diesIn(activity);
    expect(state.steps.map(({ name, status }) => [name, status])).toEqual([
      ['A', 'Success'],
      ['Snap', 'Success'],
      ['B', 'Success'],
      ['Fail', 'Failed'],
    ]);
    expect(state.rollbackStatus).toBe('clean');
  },
);

test.each(['rollback0/B/undo#1:begin1', 'rollback0/B/undo#1:wait', 'rollback0/Snap/undo#1:begin1'])(
  'an hour without a runner in %s is not on the rollback’s clock of a minute',
  async (activity) => {
    const { state, world } = await diesIn(activity);
    expect(state.rollback.map(({ name, result }) => [name, result])).toEqual([
      ['B', 'undone'],
      ['A', 'undone'],
      ['Snap', 'undone'],
    ]);
    expect(state.rollbackStatus).toBe('clean');
    expect(world.state()).toEqual((await untouchedState()).before);
  },
);

test.each([
  ['prepare', hourMs],
  ['adopt', hourMs],
  ['wait', 0],
] as const)('%s has its time again when it is asked again: %i ms of an hour', async (kind, again) => {
  using store = temporaryJournal();
  await runToy(runbook([]), store);
  const deadlines: number[] = [];
  const starts: number[] = [];
  const deliver = (now: number, answer: () => Promise<{ status: 'timeout' }>): Promise<Outcome> =>
    new EmbeddedRuntime({
      executionId,
      journal: store.journal,
      host: {
        run: (_call, { startedAt, deadlineAt }) => {
          starts.push(startedAt);
          deadlines.push(deadlineAt);
          return answer();
        },
        settled: () => Promise.resolve(),
      },
      onWait: 'leave',
      seal: new Vault([]),
      now: () => now,
    }).activity({
      id: `Late:${kind}`,
      kind,
      input: { action: 'toy:put', inputs: {}, before: null, handle: null },
      step: 'Late',
      token: 'late',
      timeoutMs: 60_000,
      onLost: 'rerun',
      ignoreCancel: false,
    });
  await expect(deliver(1_000_000, () => Promise.reject(new Crash()))).rejects.toThrow(Crash);
  const outcome = await deliver(1_000_000 + hourMs, () => Promise.resolve({ status: 'timeout' }));
  expect(deadlines).toEqual([1_060_000, 1_060_000 + again]);
  expect(starts).toEqual([1_000_000, 1_000_000 + again]);
  expect(outcome).toMatchObject({ startedAt: 1_000_000, absentMs: hourMs });
});

test.each([
  ['in its time', 30_000, 'Success'],
  ['too late', 90_000, 'TimedOut'],
] as const)('an answer that came %s while nobody ran it counts as that', async (_when, afterMs, status) => {
  using store = temporaryJournal();
  let outageMs = 0;
  const wrap = dyingAt('Ask:signal', async (journal) => {
    outageMs = hourMs;
    await journal.signal(executionId, 'continue:Ask', 'happened', 'once', Date.now() + afterMs);
  });
  const ask = runbook([step({ name: 'Ask', action: 'aws:pause', timeoutSeconds: 60 })]);
  const ran = await runToy(ask, store, { wrap, now: () => Date.now() + outageMs });
  expect(ran.crashes).toBe(1);
  expect(ran.state.steps).toMatchObject([{ name: 'Ask', status }]);
});

async function untouchedState() {
  using store = temporaryJournal();
  const { world } = await runToy(climbing, store);
  return { before: world.state() };
}
