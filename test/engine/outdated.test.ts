/** Processes that still run what was taken back leave a rollback partial until they have ended. */
import { expect, test } from 'vitest';
import type { ExecutionInput, OutdatedProcess } from '../../src/engine/index.ts';
import { runToy, runbook, step, temporaryJournal } from '../support/run-toy.ts';
import { ToyWorld } from '../support/toy-world.ts';

const process = (pid: number): OutdatedProcess => ({
  target: 'toy',
  pid,
  began: '4711',
  name: 'sleeper',
  unit: 'sleeper.service',
  path: '/usr/lib/libdemo.so.1',
});
const steps = [
  step({ name: 'Put', action: 'toy:put', inputs: { Key: 'A', Value: 'new' } }),
  step({ name: 'Fail', action: 'toy:check', inputs: { Key: 'absent', Equals: 'x' } }),
];

async function run(world: ToyWorld, input: Partial<ExecutionInput> = {}) {
  using store = temporaryJournal();
  return await runToy(runbook(steps), store, { world, input });
}

test('one that goes on is named, and the rollback is partial', async () => {
  const world = new ToyWorld();
  world.outdated = [process(812), process(813)];
  world.ended.add(813);
  const ran = await run(world);
  expect(ran.state.outdated).toEqual([process(812)]);
  expect(ran.state.rollback).toMatchObject([{ name: 'Put', result: 'undone' }]);
  expect(ran.result.rollbackStatus).toBe('partial');
});

test('one that was started anew meanwhile is nobody any more', async () => {
  const world = new ToyWorld();
  world.outdated = [process(812)];
  world.ended.add(812);
  const ran = await run(world);
  expect(ran.state.outdated).toEqual([]);
  expect(ran.result.rollbackStatus).toBe('clean');
});

test('a later rollback undoes nothing twice, looks again, and is clean when it has ended', async () => {
  const world = new ToyWorld();
  world.outdated = [process(812)];
  let looks = 0;
  const has = world.ended.has.bind(world.ended);
  // It is restarted between the first rollback and the second.
  world.ended.has = (pid) => (looks++ > 0 ? true : has(pid));
  const ran = await run(world, { rollbackRequests: [{ force: false, interpreter: 2 }] });
  expect(ran.state.outdated).toEqual([]);
  expect(ran.result.rollbackStatus).toBe('clean');
  expect(world.effects.map(({ what }) => what)).toEqual(['put A=new', 'undo put A']);
});
