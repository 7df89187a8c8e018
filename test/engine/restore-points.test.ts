/** Restore points go last, and from an undo list only when the data was judged sound in that very rollback. */
import { expect, test } from 'vitest';
import type { Step } from '../../src/document/index.ts';
import { executionId, runToy, runbook, step, temporaryJournal, type ToyOptions } from '../support/run-toy.ts';
import { ToyWorld } from '../support/toy-world.ts';

const put = (name: string, more: Partial<Step> = {}) =>
  step({ action: 'toy:put', inputs: { Key: name, Value: 'new' }, ...more, name });
const fail = step({ name: 'Fail', action: 'toy:check', inputs: { Key: 'absent', Equals: 'x' } });
/** Fails as a step does that judges no data. */
const breaks = step({ name: 'Break', action: 'toy:restore', inputs: { Ids: ['gone'] } });
const snapshot = (more: Partial<Step> = {}) => step({ name: 'Snap', action: 'toy:snapshot', ...more });

async function run(steps: readonly Step[], options: ToyOptions = {}) {
  using store = temporaryJournal();
  return await runToy(runbook(steps), store, options);
}
const undone = ({ state }: Awaited<ReturnType<typeof run>>) =>
  state.rollback.map(({ name, result }) => [name, result]);

test('a restore point goes after a clean rollback and stays after an unclean one', async () => {
  const clean = await run([put('B'), snapshot(), put('A'), breaks]);
  expect(clean.world.snapshots.size).toBe(0);
  expect(undone(clean)).toEqual([
    ['A', 'undone'],
    ['B', 'undone'],
    ['Snap', 'undone'],
  ]);
  const world = new ToyWorld();
  world.failing.set('undo put A', 3);
  const ran = await run([snapshot(), put('A'), fail], { world });
  expect(undone(ran)).toContainEqual(['Snap', 'kept']);
  expect(world.snapshots.size).toBe(1);
});

const drop = step({ name: 'Drop', action: 'toy:deleteSnapshots', inputs: { Ids: '{{ outputs.Ids }}' } });
const list = (steps: readonly Step[]): Partial<Step> => ({ undo: { kind: 'steps', steps } });

test('an undo list may not delete a restore point before anything has judged the data', async () => {
  const ran = await run([snapshot(list([drop])), put('A'), fail]);
  expect(undone(ran)).toContainEqual(['Snap', 'kept']);
  expect(ran.result.rollbackStatus).toBe('clean');
  expect(ran.world.snapshots.size).toBe(1);
});

const judge = [
  step({
    name: 'IsHurt',
    action: 'aws:branch',
    isEnd: true,
    inputs: {
      Choices: [
        { NextStep: 'Restore', Variable: '{{ Verify.Intact }}', BooleanEquals: false },
        { NextStep: 'Drop', Variable: '{{ Verify.Intact }}', BooleanEquals: true },
      ],
    },
  }),
  step({ name: 'Restore', action: 'toy:restore', isEnd: true, inputs: { Ids: '{{ outputs.Ids }}' } }),
  drop,
];
const verify = (expected: string) =>
  step({ name: 'Verify', action: 'toy:check', inputs: { Key: 'Data', Equals: expected } });

test('a restore point that the list left for lack of a verdict says so', async () => {
  const world = new ToyWorld();
  world.failing.set('put A=new', 1);
  const ran = await run([snapshot(list(judge)), put('A')], { world });
  expect(ran.state.rollback).toContainEqual(
    expect.objectContaining({ name: 'Snap', result: 'kept', reason: 'nothing has judged the data' }),
  );
  expect(ran.world.snapshots.size).toBe(1);
});

const asks = step({
  name: 'Ask',
  action: 'toy:check',
  inputs: { Key: 'Data', Equals: 'good' },
  onFailure: { kind: 'Continue' },
});
const judgesAfresh = [
  asks,
  step({
    name: 'IsHurt',
    action: 'aws:branch',
    isEnd: true,
    inputs: {
      Choices: [
        { NextStep: 'Restore', Variable: '{{ Ask.Intact }}', BooleanEquals: false },
        { NextStep: 'Drop', Variable: '{{ Ask.Intact }}', BooleanEquals: true },
      ],
    },
  }),
  step({ name: 'Restore', action: 'toy:restore', isEnd: true, inputs: { Ids: '{{ outputs.Ids }}' } }),
  drop,
];
const goodData = () => {
  const world = new ToyWorld();
  world.set('Data', 'good');
  return world;
};

test('a verdict of this rollback, given after everything else is back, lets the undo list delete the restore point', async () => {
  const world = goodData();
  const ran = await run([put('B'), snapshot(list(judgesAfresh)), put('A'), breaks], { world });
  expect(undone(ran)).toEqual([
    ['A', 'undone'],
    ['B', 'undone'],
    ['Snap', 'undone'],
  ]);
  expect(world.snapshots.size).toBe(0);
});

test('a verdict of the forward flow does not, nor a branch that reads it', async () => {
  const branchOnly = await run([snapshot(list(judge)), put('A'), verify('good'), breaks], {
    world: goodData(),
  });
  expect(undone(branchOnly)).toContainEqual(['Snap', 'kept']);
  const straight = await run([snapshot(list([drop])), put('A'), verify('good'), breaks], {
    world: goodData(),
  });
  expect(straight.state.rollback).toContainEqual(
    expect.objectContaining({ name: 'Snap', result: 'kept', reason: 'nothing has judged the data' }),
  );
  expect(straight.world.snapshots.size).toBe(1);
});

test('a rollback by hand asks afresh: data that was hurt since is put back, not lost', async () => {
  using store = temporaryJournal();
  const world = goodData();
  const document = runbook([snapshot(list(judgesAfresh)), put('A'), verify('good')]);
  expect((await runToy(document, store, { world })).result.status).toBe('Success');
  world.set('Data', 'hurt later');
  await store.journal.addRollbackRequest(executionId, { force: false });
  await runToy(document, store, { world });
  expect(world.get('Data')).toBe('good');
  expect(world.snapshots.size).toBe(1);
});

test.each([
  ['below', [put('B'), snapshot(list(judgesAfresh)), put('A'), breaks], 'undo put B'],
  ['above', [put('B'), snapshot(list(judgesAfresh)), put('A'), breaks], 'undo put A'],
  ['below, of an action of its own', [put('B'), snapshot(), put('A'), breaks], 'undo put B'],
])('an undo that fails %s the restore point keeps it', async (_where, steps, failing) => {
  const world = goodData();
  world.failing.set(failing, 3);
  const ran = await run(steps, { world });
  expect(ran.state.rollback).toContainEqual(
    expect.objectContaining({
      name: 'Snap',
      result: 'kept',
      reason: `the undo of ${failing.slice(-1)} did not end clean`,
    }),
  );
  expect(world.snapshots.size).toBe(1);
});

test('a list that changes something after its verdict has to ask again before it removes a restore point', async () => {
  const change = step({ name: 'Change', action: 'toy:put', inputs: { Key: 'C', Value: 'late' } });
  const late = await run([snapshot(list([asks, change, drop])), put('A'), breaks], { world: goodData() });
  expect(late.state.rollback).toContainEqual(
    expect.objectContaining({ name: 'Snap', result: 'kept', reason: 'nothing has judged the data' }),
  );
  const again = { ...asks, name: 'AskAgain' as Step['name'] };
  const asked = await run([snapshot(list([asks, change, again, drop])), put('A'), breaks], {
    world: goodData(),
  });
  expect(asked.world.snapshots.size).toBe(0);
});

test('a verdict that the data is hurt keeps the restore point, whatever the list goes on to', async () => {
  const world = new ToyWorld();
  world.set('Data', 'bad');
  const ran = await run([snapshot(list([asks, drop])), put('A'), breaks], { world });
  expect(ran.state.rollback).toContainEqual(
    expect.objectContaining({ name: 'Snap', result: 'kept', reason: 'the data was not judged sound' }),
  );
  const auto = await run([snapshot(), put('A'), verify('good')], { world });
  expect(auto.state.rollback).toContainEqual(
    expect.objectContaining({ name: 'Snap', result: 'kept', reason: 'Verify did not find the data sound' }),
  );
});

test('a list of an earlier step may remove the restore point of a later one, held to the same', async () => {
  const gone = step({ name: 'Drop', action: 'toy:deleteSnapshots', inputs: { Ids: '{{ Snap.Ids }}' } });
  const steps = [
    put('B', list([asks, gone])),
    snapshot({ undo: { kind: 'none', reason: 'B has it' } }),
    put('A'),
  ];
  const world = goodData();
  expect((await run([...steps, breaks], { world })).world.snapshots.size).toBe(0);
  const failing = goodData();
  failing.failing.set('undo put A', 3);
  expect((await run([...steps, breaks], { world: failing })).world.snapshots.size).toBe(1);
});

test('asked for alone, a restore point stays while other steps are not undone', async () => {
  using store = temporaryJournal();
  const world = goodData();
  const document = runbook([put('B'), snapshot(list(judgesAfresh)), put('A')]);
  await runToy(document, store, { world });
  await store.journal.addRollbackRequest(executionId, { force: false, step: 'Snap' });
  const alone = await runToy(document, store, { world });
  expect(alone.state.rollback).toContainEqual(
    expect.objectContaining({ name: 'Snap', result: 'kept', reason: 'B is not undone yet' }),
  );
  await store.journal.addRollbackRequest(executionId, { force: false });
  expect((await runToy(document, store, { world })).world.snapshots.size).toBe(0);
});

test('two restore points of their actions do not wait for each other', async () => {
  const ran = await run([snapshot(), snapshot({ name: 'Snap2' }), put('A'), breaks]);
  expect(ran.world.snapshots.size).toBe(0);
});

test('a target’s restore point goes at the end of its own turn', async () => {
  const rolling = step({
    name: 'Roll',
    action: 'belay:rolling',
    inputs: { Targets: ['x', 'y'] },
    nested: {
      Steps: [
        put('Stop', { inputs: { Key: 'stop {{ Roll.Target }}', Value: 'new' } }),
        snapshot(),
        put('Turn', { inputs: { Key: '{{ Roll.Target }}', Value: 'new' } }),
      ],
    },
  });
  const ran = await run([rolling, breaks]);
  expect(undone(ran).map(([name]) => name)).toEqual([
    'Roll@y/Turn',
    'Roll@y/Stop',
    'Roll@y/Snap',
    'Roll@x/Turn',
    'Roll@x/Stop',
    'Roll@x/Snap',
  ]);
  expect(ran.world.snapshots.size).toBe(0);
});

test('a rollback that an earlier version began ends in the order in which it was written', async () => {
  const steps = [put('B'), snapshot(list(judge)), put('A'), verify('good'), breaks];
  const ran = await run(steps, { world: goodData(), isOfEarlierVersion: true });
  expect(undone(ran)).toEqual([
    ['A', 'undone'],
    ['Snap', 'undone'],
    ['B', 'undone'],
  ]);
});

test('data that is hurt is put back from the restore point, which stays', async () => {
  const world = new ToyWorld();
  world.set('Data', 'good');
  const damage = step({
    name: 'Damage',
    action: 'toy:put',
    inputs: { Key: 'Data', Value: 'bad' },
    undo: { kind: 'none', reason: 'a test' },
  });
  const ran = await run([snapshot(list(judge)), damage, verify('good')], { world });
  expect(ran.result.rollbackStatus).toBe('clean');
  expect(world.get('Data')).toBe('good');
  expect(world.snapshots.size).toBe(1);
});

test('without a verdict the branch of the undo list is false and the restore point stays', async () => {
  const ran = await run([snapshot(list(judge)), put('A'), fail, verify('good')]);
  expect(undone(ran)).toContainEqual(['Snap', 'kept']);
  expect(ran.result.rollbackStatus).toBe('clean');
});
