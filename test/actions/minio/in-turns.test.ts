/** src/actions/minio/in-turns.ts: what several workers still do when one of them fails. */
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { inTurns } from '../../../src/actions/minio/in-turns.ts';

it('does everything, and no more at once than it was told', async () => {
  const done: number[] = [];
  let [underWay, most] = [0, 0];
  await inTurns([1, 2, 3, 4, 5, 6, 7], 3, async (one) => {
    underWay += 1;
    most = Math.max(most, underWay);
    await sleep(1);
    underWay -= 1;
    done.push(one);
  });
  expect(new Set(done)).toEqual(new Set([1, 2, 3, 4, 5, 6, 7]));
  expect(most).toBe(3);
});

it('fails only when all that began has ended, and begins nothing afterwards', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ turns: fc.nat(5), fails: fc.boolean() }), { maxLength: 20 }),
      fc.integer({ min: 1, max: 8 }),
      async (all, atOnce) => {
        let [begun, ended] = [0, 0];
        const ran = inTurns(all, atOnce, async ({ turns, fails }) => {
          begun += 1;
          for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
          ended += 1;
          if (fails) throw new Error('one has failed');
        });
        const outcome = await ran.then(
          () => 'done',
          () => 'failed',
        );
        const whenItEnded = { begun, ended };
        await new Promise((resolve) => setImmediate(resolve));
        expect({ begun, ended }).toEqual(whenItEnded);
        expect(ended).toBe(begun);
        expect(outcome).toBe(all.some(({ fails }) => fails) ? 'failed' : 'done');
        if (outcome === 'done') expect(begun).toBe(all.length);
      },
    ),
  );
});
