/** An undo that builds on another one, and that other one fails. */
import { expect, test } from 'vitest';
import type { Step } from '../../src/document/index.ts';
import { runToy, runbook, step, temporaryJournal } from '../support/run-toy.ts';
import { ToyWorld } from '../support/toy-world.ts';

const put = (name: string, undoNeeds?: readonly string[], key = name) =>
  step({
    name,
    action: 'toy:put',
    inputs: { Key: key, Value: 'new' },
    ...(undoNeeds === undefined ? {} : { undoNeeds }),
  });
const fail = step({ name: 'Fail', action: 'toy:check', inputs: { Key: 'absent', Equals: 'x' } });
/** More often than it is tried. */
const always = 100;

async function run(steps: readonly Step[], world: ToyWorld) {
  using store = temporaryJournal();
  const ran = await runToy(runbook(steps), store, { world });
  return { ...ran, undone: ran.state.rollback.map(({ name, result }) => [name, result]) };
}

test('is not done, and says because of which; what does not build on it is', async () => {
  const world = new ToyWorld();
  world.failing.set('undo put C', always);
  const { undone, state, result } = await run([put('A'), put('B', ['C']), put('C'), fail], world);
  expect(undone).toEqual([
    ['C', 'failed'],
    ['B', 'failed'],
    ['A', 'undone'],
  ]);
  expect(state.rollback[1]?.failure).toMatchObject({
    code: 'UNDO_NEEDED',
    message: 'not done, because it builds on the undo of C, which did not succeed',
  });
  expect(Object.fromEntries(world.values)).toEqual({ B: 'new', C: 'new' });
  expect(result.rollbackStatus).toBe('partial');
});

test('is not done either where the one that it builds on was not done', async () => {
  const world = new ToyWorld();
  world.failing.set('undo put C', always);
  const { undone } = await run([put('A', ['B']), put('B', ['C']), put('C'), fail], world);
  expect(undone).toEqual([
    ['C', 'failed'],
    ['B', 'failed'],
    ['A', 'failed'],
  ]);
  expect(
    world.effects.filter(({ what }) => what.startsWith('undo put')).map(({ what }) => what),
  ).not.toContain('undo put A');
});

test('is done where the other one ended well, had nothing to do, or never began', async () => {
  const { undone, result } = await run(
    [put('A', ['B', 'Never']), put('B'), fail, put('Never')],
    new ToyWorld(),
  );
  expect(undone).toEqual([
    ['B', 'undone'],
    ['A', 'undone'],
  ]);
  expect(result.rollbackStatus).toBe('clean');
});

const target = '{{ Roll.Target }}';
const roll = (steps: readonly Step[], gate: readonly Step[]) =>
  step({
    name: 'Roll',
    action: 'belay:rolling',
    inputs: { Targets: ['a', 'b'] },
    nested: { Steps: steps, ...(gate.length === 0 ? {} : { Gate: gate }) },
  });
const isHealthy = step({ name: 'IsHealthy', action: 'toy:check', inputs: { Key: 'health', Equals: 'ok' } });

test('in a rolling it is the undo of the same target that counts', async () => {
  const world = new ToyWorld();
  world.failing.set('undo put b2', always);
  const steps = [put('First', ['Second'], target), put('Second', undefined, `${target}2`)];
  const { undone } = await run([roll(steps, []), fail], world);
  expect(undone).toEqual([
    ['Roll@b/Second', 'failed'],
    ['Roll@b/First', 'failed'],
    ['Roll@a/Second', 'undone'],
    ['Roll@a/First', 'undone'],
  ]);
});

test('a rolling that builds on it touches none of its targets, and asks no gate for them', async () => {
  const world = new ToyWorld();
  world.set('health', 'ok');
  world.failing.set('undo put Point', always);
  const rolling = { ...roll([put('Put', undefined, target)], [isHealthy]), undoNeeds: ['Point'] };
  const { undone, state } = await run([rolling, put('Point'), fail], world);
  expect(undone).toEqual([
    ['Point', 'failed'],
    ['Roll@b/Put', 'failed'],
    ['Roll@a/Put', 'failed'],
  ]);
  expect(state.rollback.map(({ failure }) => failure?.code).slice(1)).toEqual(['UNDO_NEEDED', 'UNDO_NEEDED']);
  expect(state.rollback.flatMap(({ steps }) => steps)).toEqual([]);
  expect([world.get('a'), world.get('b')]).toEqual(['new', 'new']);
});

test('a rolling with a gate touches no further target after one of which an undo failed, though the gate holds', async () => {
  const world = new ToyWorld();
  world.set('health', 'ok');
  world.failing.set('undo put b', always);
  const { undone, state } = await run([roll([put('Put', undefined, target)], [isHealthy]), fail], world);
  expect(undone).toEqual([
    ['Roll@b/Put', 'failed'],
    ['Roll@a/Put', 'failed'],
  ]);
  expect(state.rollback[1]?.failure).toMatchObject({
    code: 'UNDO_NEEDED',
    message: 'not touched, because b comes first, and the undo of Roll@b/Put did not succeed',
  });
  expect(world.get('a')).toBe('new');
});
