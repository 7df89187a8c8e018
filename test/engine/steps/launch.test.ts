import fc from 'fast-check';
import { setImmediate as soon } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { launch, type Launching } from '../../../src/engine/steps/launch.ts';
import type { TurnEnding } from '../../../src/engine/steps/turn.ts';
import { stepBed } from '../../support/step-bed.ts';

const succeeded: TurnEnding = { status: 'Success', failure: null };
const cancelled: TurnEnding = { status: 'Cancelled', failure: null };
const failed: TurnEnding = { status: 'Failed', failure: { code: 'E', message: 'no', retryable: false } };

/** Every turn makes one call of the port, as turns do; `ending` says how it ends. */
async function launched(
  targets: readonly string[],
  ending: (target: string) => TurnEnding,
  how: Partial<Launching<string>> = {},
  bed = stepBed(),
) {
  let [inFlight, most] = [0, 0];
  const begun: string[] = [];
  const tally = await launch(bed.run, {
    targets,
    nameOf: (target) => target,
    budget: { concurrency: 1, errors: 0 },
    isStrict: false,
    failsWhenCancelled: false,
    tellsStart: false,
    turn: async (lane, target) => {
      begun.push(target);
      inFlight += 1;
      most = Math.max(most, inFlight);
      await lane.now(`A@${target}:looked`);
      await soon();
      inFlight -= 1;
      return ending(target);
    },
    ...how,
  });
  return { tally, begun, most, events: bed.events() };
}

test('targets are begun in their order, and counted by how their turns ended', async () => {
  const { tally, begun } = await launched(
    ['a', 'b', 'c'],
    (target) => (target === 'b' ? failed : succeeded),
    {
      budget: { concurrency: 1, errors: 1 },
    },
  );
  expect(begun).toEqual(['a', 'b', 'c']);
  expect(tally).toEqual({
    succeeded: ['a', 'c'],
    failed: ['b'],
    failures: [{ target: 'b', failure: failed.failure }],
    isCancelled: false,
  });
});

test('no further target is begun once more have failed than the budget allows', async () => {
  const { begun } = await launched(['a', 'b', 'c', 'd'], () => failed, {
    budget: { concurrency: 1, errors: 1 },
  });
  expect(begun).toEqual(['a', 'b']);
});

test('a cancelled turn ends the launching, and is a failure only where that is asked for', async () => {
  for (const failsWhenCancelled of [false, true]) {
    const { tally, begun } = await launched(['a', 'b'], () => cancelled, { failsWhenCancelled });
    expect(begun).toEqual(['a']);
    expect(tally).toMatchObject({ failed: failsWhenCancelled ? ['a'] : [], isCancelled: true });
  }
});

test('where the time of all is over nothing is begun', async () => {
  const { tally, begun } = await launched(['a'], () => succeeded, {}, stepBed({ budgetMs: 0 }));
  expect(begun).toEqual([]);
  expect(tally).toEqual({ succeeded: [], failed: [], failures: [], isCancelled: false });
});

test('the end of each turn is told with its number, and its beginning where that is asked for', async () => {
  const quiet = await launched(['a', 'b'], () => succeeded);
  expect(quiet.events).toMatchObject([
    { type: 'TurnEnded', step: 'A', target: 'a', number: 1, of: 2, status: 'Success' },
    { type: 'TurnEnded', step: 'A', target: 'b', number: 2, of: 2, status: 'Success' },
  ]);
  const told = await launched(['a'], () => succeeded, { tellsStart: true });
  expect(told.events).toMatchObject([{ type: 'TurnStarted', target: 'a' }, { type: 'TurnEnded' }]);
});

test('a target that went well rests while others are still to come, and a cancel then begins no other', async () => {
  const rested: string[] = [];
  const how = (answer: 'elapsed' | 'cancelled') => ({
    rest: async (_: unknown, target: string) => {
      rested.push(target);
      return answer;
    },
    budget: { concurrency: 1, errors: 3 },
  });
  await launched(['a', 'b', 'c'], (target) => (target === 'b' ? failed : succeeded), how('elapsed'));
  expect(rested).toEqual(['a']);
  const { begun, tally } = await launched(['a', 'b'], () => succeeded, how('cancelled'));
  expect(begun).toEqual(['a']);
  expect(tally.isCancelled).toBe(true);
});

test('whatever fails, never more are in flight than may be, and where the count is strict never more fail', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      fc.nat(5),
      fc.boolean(),
      async (fails, concurrency, errors, isStrict) => {
        const targets = fails.map((_, index) => `t${index}`);
        const ending = (target: string): TurnEnding => (fails[Number(target.slice(1))] ? failed : succeeded);
        const { tally, begun, most } = await launched(targets, ending, {
          budget: { concurrency, errors },
          isStrict,
        });
        expect(begun).toEqual(targets.slice(0, begun.length));
        expect([...tally.succeeded, ...tally.failed].toSorted()).toEqual(begun.toSorted());
        expect(most).toBeLessThanOrEqual(concurrency);
        // One turn may be the one that is too much; those beside it were begun before that was known.
        expect(tally.failed.length).toBeLessThanOrEqual(errors + (isStrict ? 1 : concurrency));
        if (tally.failed.length <= errors) expect(begun).toEqual(targets);
      },
    ),
    { numRuns: 100 },
  );
});
