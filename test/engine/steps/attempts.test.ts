/** Tries of an effect whose outcome is unknown: what may be under way is looked for before anything is begun. */
import { expect, test } from 'vitest';
import { ActionFailure } from '../../../src/actions/define-action.ts';
import { hashToken } from '../../../src/runtime/token.ts';
import { executionId, runToy, runbook, step, temporaryJournal } from '../../support/run-toy.ts';
import { ToyWorld } from '../../support/toy-world.ts';

const put = step({ name: 'A', action: 'toy:put', maxAttempts: 2, inputs: { Key: 'A', Value: 'new' } });
const fail = step({ name: 'Fail', action: 'toy:check', inputs: { Key: 'A', Equals: 'something else' } });

/** The reply of the effect is lost, and nobody answers while the first try looks for it. */
function outOfReachAfter(effect: string): ToyWorld {
  const world = new ToyWorld();
  world.loseReplyOf.add(effect);
  world.around = (when, what) => {
    if (when === 'after' && what === effect) world.looksFailing = 3;
  };
  return world;
}

test('a try after an unknown outcome adopts what the last one began, and begins nothing', async () => {
  using store = temporaryJournal();
  const ran = await runToy(runbook([put]), store, { world: outOfReachAfter('put A=new') });
  expect(ran.result.status).toBe('Success');
  expect(ran.state.steps[0]).toMatchObject({ status: 'Success', attempts: 2 });
  expect(ran.world.effects.map(({ what }) => what)).toEqual(['put A=new']);
}, 20_000);

test('so does the next try of an undo', async () => {
  using store = temporaryJournal();
  const ran = await runToy(runbook([put, fail]), store, { world: outOfReachAfter('undo put A') });
  expect(ran.result.rollbackStatus).toBe('clean');
  expect(ran.world.effects.map(({ what }) => what)).toEqual(['put A=new', 'undo put A']);
}, 20_000);

test('a try after an unknown outcome begins anew where nothing is found, under the token that it had', async () => {
  using store = temporaryJournal();
  const world = new ToyWorld();
  let isLost = false;
  world.around = (when) => {
    if (when === 'after' || isLost) return;
    isLost = true;
    world.looksFailing = 3;
    throw new ActionFailure({ code: 'NO_REPLY', message: 'the request was lost', effect: 'unknown' });
  };
  const ran = await runToy(runbook([put]), store, { world });
  expect(ran.result.status).toBe('Success');
  expect(ran.world.effects).toEqual([{ token: hashToken(`${executionId}/A/0`), what: 'put A=new' }]);
}, 20_000);
