/** What was put back is looked at once more when everything is back, where a later undo may have changed it again. */
import { expect, test } from 'vitest';
import { accountOf, takenBack } from '../../src/engine/index.ts';
import { runToy, runbook, step, temporaryJournal } from '../support/run-toy.ts';
import type { Journal } from '../../src/journal/index.ts';
import { Crash, ToyWorld } from '../support/toy-world.ts';

const put = (name: string, Key = name) =>
  step({ name, action: 'toy:put', inputs: { Key, Value: `${name}'s` } });
const fail = step({ name: 'Fail', action: 'toy:check', inputs: { Key: 'absent', Equals: 'x' } });

/** A world of one target in which the undo of `by` gives the key another value. */
function spoilt(by: string, key: string, value: string): ToyWorld {
  const world = new ToyWorld();
  world.isSeenAgain = true;
  world.isOneTarget = true;
  for (const name of ['A', 'B']) world.set(name, 'old');
  world.around = (when, what) => {
    if (when === 'after' && what === `undo put ${by}`) world.set(key, value);
  };
  return world;
}

test('what a later undo has changed again is told, and is not called as it was', async () => {
  using store = temporaryJournal();
  const ran = await runToy(runbook([put('A'), put('B'), fail]), store, { world: spoilt('A', 'B', 'third') });
  expect(ran.result.rollbackStatus).toBe('clean');
  const again = ran.state.rollback.find(({ name }) => name === 'B');
  expect(again).toMatchObject({
    result: 'undone',
    looked: 'different',
    note: 'a later undo changed it again: Value old → third',
  });
  expect(takenBack(accountOf(ran.state))).toMatchObject({
    seen: [],
    again: [{ target: 'toy', steps: ['B'] }],
  });
});

test('two steps that changed the same thing are no such case: the older state is the one before both', async () => {
  using store = temporaryJournal();
  const world = spoilt('nobody', 'A', 'x');
  const ran = await runToy(runbook([put('First', 'A'), put('Second', 'A'), fail]), store, { world });
  expect(ran.state.rollback.map(({ name, looked, note }) => [name, looked, note])).toEqual([
    ['Second', 'asBefore', ''],
    ['First', 'asBefore', ''],
  ]);
  expect(world.get('A')).toBe('old');
  expect(takenBack(accountOf(ran.state))).toMatchObject({ seen: ['toy'], again: [] });
});

test('what nobody has worked on since is not looked at again', async () => {
  using store = temporaryJournal();
  const world = spoilt('A', 'B', 'third');
  world.isOneTarget = false;
  const ran = await runToy(runbook([put('A'), put('B'), fail]), store, { world });
  expect(ran.state.rollback.map(({ looked }) => looked)).toEqual(['asBefore', 'asBefore']);
});

test('a second rollback finds what two steps on the same thing had before both, and says as it was', async () => {
  using store = temporaryJournal();
  const world = spoilt('nobody', 'A', 'x');
  const input = { rollbackRequests: [{ force: false, interpreter: 2 as const }] };
  const steps = [put('First', 'A'), put('Second', 'A'), fail];
  const ran = await runToy(runbook(steps), store, { world, input });
  expect(ran.state.repeated?.steps.map(({ step, found }) => [step, found])).toEqual([
    ['First', 'asBefore'],
    ['Second', 'asBefore'],
  ]);
});

/** Each runner is killed after its second write of a call's intent or outcome. */
function restless(journal: Journal): Journal {
  let writes = 0;
  const counted = async <T>(write: Promise<T>): Promise<T> => {
    const result = await write;
    writes += 1;
    if (writes === 2) throw new Crash();
    return result;
  };
  const watched: Partial<Journal> = {
    begin: (...given) => counted(journal.begin(...given)),
    end: (...given) => counted(journal.end(...given)),
  };
  return new Proxy(journal, {
    get: (target, name) => {
      const member: unknown = Reflect.get(watched, name) ?? Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

test('on one target it looks at one thing after the other: runners that are killed soon arrive all the same', async () => {
  using store = temporaryJournal();
  const names = ['A', 'B', 'C'];
  const world = spoilt('A', 'B', 'third');
  world.set('C', 'old');
  const ran = await runToy(runbook([...names.map((name) => put(name)), fail]), store, {
    world,
    wrap: restless,
  });
  expect(ran.crashes).toBeGreaterThan(10);
  expect(ran.state.rollback.find(({ name }) => name === 'B')).toMatchObject({ looked: 'different' });
});
