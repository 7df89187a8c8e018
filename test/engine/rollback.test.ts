import { expect, test } from 'vitest';
import type { Step } from '../../src/document/index.ts';
import {
  executionId,
  Left,
  runToy,
  runbook,
  step,
  temporaryJournal,
  type ToyOptions,
} from '../support/run-toy.ts';
import { ToyWorld } from '../support/toy-world.ts';

const put = (name: string, more: Partial<Step> = {}) =>
  step({ action: 'toy:put', inputs: { Key: name, Value: 'new' }, ...more, name });
const fail = step({ name: 'Fail', action: 'toy:check', inputs: { Key: 'absent', Equals: 'x' } });

async function run(steps: readonly Step[], options: ToyOptions = {}) {
  using store = temporaryJournal();
  return await runToy(runbook(steps), store, options);
}
const undone = ({ state }: Awaited<ReturnType<typeof run>>) =>
  state.rollback.map(({ name, result }) => [name, result]);

test('every step that began is undone, last first, to the state before it', async () => {
  const world = new ToyWorld();
  world.set('A', 'old');
  const ran = await run([put('A'), put('B'), fail], { world });
  expect(ran.result).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
  expect(undone(ran)).toEqual([
    ['B', 'undone'],
    ['A', 'undone'],
  ]);
  expect(world.state()).toEqual({ values: { A: 'old' }, snapshots: 0 });
});

test('what an undo told is looked at: a state that is not as before makes the rollback partial, and is tried again', async () => {
  const world = new ToyWorld();
  world.isSeenAgain = true;
  world.set('A', 'old');
  let spoils = true;
  world.around = (when, what) => {
    if (spoils && when === 'after' && what === 'undo put A') world.set('A', 'third');
  };
  const snap = step({ name: 'Snap', action: 'toy:snapshot' });
  const ran = await run([snap, put('A'), put('B'), fail], { world });
  expect(ran.result.rollbackStatus).toBe('partial');
  expect(undone(ran)).toEqual([
    ['B', 'undone'],
    ['A', 'failed'],
    ['Snap', 'kept'],
  ]);
  expect(ran.state.rollback[0]).toMatchObject({ looked: 'asBefore' });
  expect(ran.state.rollback[1]).toMatchObject({
    looked: 'different',
    failure: { code: 'NOT_AS_BEFORE', message: expect.stringContaining('Value old → third') },
  });
  spoils = false;
  const again = await run([put('A'), fail], { world });
  expect(again.result.rollbackStatus).toBe('clean');
});

test('a state that only passes is no other state: it is looked at again', async () => {
  const world = new ToyWorld();
  world.isSeenAgain = true;
  world.set('A', 'old');
  let looks = 0;
  const get = world.get.bind(world);
  let isUndone = false;
  world.around = (when, what) => {
    if (when === 'after' && what === 'undo put A') isUndone = true;
  };
  world.get = (key) => (isUndone && (looks += 1) === 1 ? 'on its way' : get(key));
  const ran = await run([put('A'), fail], { world });
  expect(looks).toBe(2);
  expect(ran.result.rollbackStatus).toBe('clean');
  expect(ran.state.rollback[0]).toMatchObject({ result: 'undone', looked: 'asBefore' });
});

test('nothing to undo is notRequested', async () => {
  expect((await run([fail])).result.rollbackStatus).toBe('notRequested');
});

test('a step that changes nothing, though it cannot be taken back, leaves nothing to undo', async () => {
  const said = step({ name: 'Said', action: 'toy:deleteSnapshots', inputs: { Ids: [] } });
  expect((await run([said, fail])).result.rollbackStatus).toBe('notRequested');
});

test('steps of which their author says that nothing needs undoing are no rollback by themselves', async () => {
  const none = { kind: 'none', reason: 'it only looks' } as const;
  const looks = step({ name: 'Look', action: 'toy:shell', inputs: { Key: 'S', Value: '1' }, undo: none });
  expect((await run([looks, fail])).result.rollbackStatus).toBe('notRequested');
  expect(undone(await run([looks, put('A'), fail]))).toEqual([
    ['A', 'undone'],
    ['Look', 'nothingToDo'],
  ]);
});

test('a step that changed the world and cannot be undone is left over, and the rollback is partial', async () => {
  const ran = await run([
    put('A'),
    step({ name: 'Shell', action: 'toy:shell', inputs: { Key: 'S', Value: '1' } }),
    fail,
  ]);
  expect(ran.result.rollbackStatus).toBe('partial');
  expect(undone(ran)).toEqual([
    ['Shell', 'leftOver'],
    ['A', 'undone'],
  ]);
});

test('a step that acted and cannot tell what it changed says so, unless its author knows better', async () => {
  const shell = (name: string, more: Partial<Step> = {}) =>
    step({ action: 'toy:shell', inputs: { Key: name, Value: '1' }, ...more, name });
  const known = shell('Known', { undo: { kind: 'none', reason: 'it only looks' } });
  const { state } = await run([put('A'), shell('Shell'), known]);
  expect(state.steps.map(({ name, untold }) => [name, untold !== undefined])).toEqual([
    ['A', false],
    ['Shell', true],
    ['Known', false],
  ]);
});

test('an undo that fails is tried again, and the others go on when it stays so', async () => {
  const world = new ToyWorld();
  world.failing.set('undo put B', 3);
  const ran = await run([put('A'), put('B'), fail], { world });
  expect(ran.result.rollbackStatus).toBe('partial');
  expect(world.state()).toEqual({ values: { B: 'new' }, snapshots: 0 });
  const healed = new ToyWorld();
  healed.failing.set('undo put B', 2);
  expect((await run([put('A'), put('B'), fail], { world: healed })).result.rollbackStatus).toBe('clean');
});

const list = (steps: readonly Step[]): Partial<Step> => ({ undo: { kind: 'steps', steps } });

test('rollback of a finished execution undoes it on request', async () => {
  const ran = await run([put('A'), put('B')], { input: { rollbackRequests: [{ force: false }] } });
  expect(ran.result).toMatchObject({ status: 'Success', rollbackStatus: 'clean' });
  expect(ran.world.state()).toEqual({ values: {}, snapshots: 0 });
});

test('rollback of a finished execution is refused when the state has drifted since, unless forced', async () => {
  using store = temporaryJournal();
  const world = new ToyWorld();
  const document = runbook([put('A'), put('A2', { inputs: { Key: 'A', Value: 'newer' } })]);
  expect((await runToy(document, store, { world })).result.status).toBe('Success');
  world.set('A', 'somebody else');
  await store.journal.addRollbackRequest(executionId, { force: false });
  const refused = await runToy(document, store, { world });
  expect(refused.state.drift).toMatchObject([{ step: 'A2' }, { step: 'A' }]);
  expect(world.get('A')).toBe('somebody else');
  await store.journal.addRollbackRequest(executionId, { force: true });
  expect((await runToy(document, store, { world })).result.rollbackStatus).toBe('clean');
  expect(world.get('A')).toBe(null);
});

test('an approval in an undo list waits for an approver, across runners', async () => {
  using store = temporaryJournal();
  const world = new ToyWorld();
  world.set('Data', 'good');
  const ask = step({
    name: 'Ask',
    action: 'aws:approve',
    inputs: { Approvers: ['dba'], Message: 'Really?' },
  });
  const put2 = step({ name: 'Back', action: 'toy:put', inputs: { Key: 'Data', Value: 'good' } });
  const damage = step({
    name: 'Damage',
    action: 'toy:put',
    inputs: { Key: 'Data', Value: 'bad' },
    undo: { kind: 'steps', steps: [ask, put2] },
  });
  const document = runbook([damage, fail]);
  await expect(runToy(document, store, { world })).rejects.toBeInstanceOf(Left);
  await store.journal.signal(
    executionId,
    'approve:Damage/undo/Ask',
    { approver: 'mallory', decision: 'approve' },
    '1',
    1,
  );
  await expect(runToy(document, store, { world })).rejects.toBeInstanceOf(Left);
  await store.journal.signal(
    executionId,
    'approve:Damage/undo/Ask',
    { approver: 'dba', decision: 'approve' },
    '2',
    2,
  );
  const ran = await runToy(document, store, { world });
  expect(ran.result.rollbackStatus).toBe('clean');
  expect(world.get('Data')).toBe('good');
});

test('waiting for a person does not use up the time for the rollback', async () => {
  using store = temporaryJournal();
  const world = new ToyWorld();
  const ask = step({ name: 'Ask', action: 'aws:approve', inputs: { Approvers: ['dba'] } });
  const back = step({ name: 'Back', action: 'toy:put', inputs: { Key: 'B', Value: 'as before' } });
  const asking = put('B', { undo: { kind: 'steps', steps: [ask, back] } });
  const document = runbook([put('A'), asking, fail], { rollback: { when: 'onFailure', timeoutSeconds: 2 } });
  await expect(runToy(document, store, { world })).rejects.toBeInstanceOf(Left);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  await store.journal.signal(
    executionId,
    'approve:B/undo/Ask',
    { approver: 'dba', decision: 'approve' },
    '1',
    1,
  );
  const ran = await runToy(document, store, { world });
  expect(ran.result.rollbackStatus).toBe('clean');
  expect(world.state()).toEqual({ values: { B: 'as before' }, snapshots: 0 });
});

test('an undo list of a step that is known to have changed nothing is not run', async () => {
  const world = new ToyWorld();
  world.failing.set('put B=new', 1);
  const harm = step({ name: 'Harm', action: 'toy:put', inputs: { Key: 'B', Value: 'harmed' } });
  const ran = await run([put('A'), put('B', list([harm]))], { world });
  expect(ran.result).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
  expect(world.state()).toEqual({ values: {}, snapshots: 0 });
});

test('a step of an undo list that fails leads where its onFailure says, and decides as it is critical or not', async () => {
  const tried = (isCritical: boolean) =>
    step({ ...fail, name: 'Try', onFailure: { kind: 'step', step: 'Other' }, isCritical });
  const ways = [put('Usual', { isEnd: true }), put('Other')];
  for (const [isCritical, result, status] of [
    [false, 'undone', 'clean'],
    [true, 'failed', 'failed'],
  ] as const) {
    const world = new ToyWorld();
    const ran = await run([put('A', list([tried(isCritical), ...ways])), fail], { world });
    expect(ran.result.rollbackStatus).toBe(status);
    expect(undone(ran)).toEqual([['A', result]]);
    expect([world.get('Other'), world.get('Usual')]).toEqual(['new', null]);
  }
});

test('a step of an undo list that aborts ends the list, and the steps below are undone all the same', async () => {
  const world = new ToyWorld();
  const ran = await run([put('Z'), put('A', list([fail, put('Never')])), fail], { world });
  expect(ran.result.rollbackStatus).toBe('partial');
  expect(undone(ran)).toEqual([
    ['A', 'failed'],
    ['Z', 'undone'],
  ]);
  expect(world.get('Never')).toBe(null);
});
