/** What a run has restarted is restarted once more, when what lies below it is undone; not before, and not for nothing. */
import { expect, test } from 'vitest';
import type { Step } from '../../src/document/index.ts';
import { runToy, runbook, step, temporaryJournal, type ToyOptions } from '../support/run-toy.ts';
import { ToyWorld } from '../support/toy-world.ts';

const put = (name: string, more: Partial<Step> = {}) =>
  step({ action: 'toy:put', inputs: { Key: name, Value: 'new' }, ...more, name });
const restart = (name: string, Key: string, Reads: string) =>
  step({ action: 'toy:restart', inputs: { Key, Reads }, name });
const fail = step({ name: 'Fail', action: 'toy:check', inputs: { Key: 'absent', Equals: 'x' } });

async function run(steps: readonly Step[], options: ToyOptions = {}) {
  using store = temporaryJournal();
  return await runToy(runbook(steps), store, options);
}
const undone = ({ state }: Awaited<ReturnType<typeof run>>) =>
  state.rollback.map(({ name, result }) => [name, result]);
const worldWith = (values: Record<string, string>) => {
  const world = new ToyWorld();
  for (const [key, value] of Object.entries(values)) world.set(key, value);
  return world;
};
const restarts = (world: ToyWorld) => world.effects.filter(({ what }) => what.startsWith('again')).length;

test('a process that has read what is taken back reads again what was there before, once', async () => {
  const world = worldWith({ conf: 'old', service: 'old' });
  const steps = [
    put('conf'),
    restart('First', 'service', 'conf'),
    put('other'),
    restart('Second', 'service', 'conf'),
  ];
  const ran = await run([...steps, fail], { world });
  expect(ran.result).toMatchObject({ rollbackStatus: 'clean' });
  expect(Object.fromEntries(world.values)).toEqual({ conf: 'old', service: 'old' });
  expect(restarts(world)).toBe(1);
  expect(undone(ran)).toEqual([
    ['other', 'undone'],
    ['First', 'nothingToDo'],
    ['conf', 'undone'],
    ['Second', 'undone'],
  ]);
});

test('where nothing below was taken back, nothing is started again', async () => {
  const world = worldWith({ conf: 'old', service: 'old' });
  const ran = await run([restart('Restart', 'service', 'conf'), put('conf'), fail], { world });
  expect(undone(ran)).toEqual([
    ['conf', 'undone'],
    ['Restart', 'nothingToDo'],
  ]);
  expect(restarts(world)).toBe(0);
});

test('what did not run before is not started again', async () => {
  const world = worldWith({ conf: 'old' });
  await run([put('conf'), restart('Restart', 'service', 'conf'), fail], { world });
  expect(restarts(world)).toBe(0);
});

test('a restore point goes only after it', async () => {
  const world = worldWith({ conf: 'old', service: 'old' });
  const snapshot = step({ name: 'Snapshot', action: 'toy:snapshot', inputs: {} });
  world.failing.set('put broken=new', 1);
  await run([snapshot, put('conf'), restart('Restart', 'service', 'conf'), put('broken')], { world });
  const last = world.effects.slice(-2).map(({ what }) => what);
  expect(last).toEqual(['again service', 'delete snapshot']);
});

test('that it could not be started again leaves the rollback partial, and a later one makes it good', async () => {
  const world = worldWith({ conf: 'old', service: 'old' });
  world.failing.set('again service', 3);
  const input = { rollbackRequests: [{ force: false, interpreter: 2 as const }] };
  const ran = await run([put('conf'), restart('Restart', 'service', 'conf'), fail], { world, input });
  expect(ran.result).toMatchObject({ rollbackStatus: 'clean' });
  expect(restarts(world)).toBe(1);
  expect(world.get('service')).toBe('old');
});
