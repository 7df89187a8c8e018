/** Turns of a rolling: their order, their gate, their error budget, and how all of it is climbed down from. */
import { expect, test } from 'vitest';
import type { Step } from '../../../src/document/index.ts';
import type { JsonObject } from '../../../src/json.ts';
import {
  executionId,
  runToy,
  runbook,
  step,
  temporaryJournal,
  type ToyOptions,
} from '../../support/run-toy.ts';
import { ToyWorld } from '../../support/toy-world.ts';

const target = '{{ Roll.Target }}';
const put = (name = 'Put', key = target) =>
  step({ name, action: 'toy:put', inputs: { Key: key, Value: 'new' } });
const check = (name: string, key: string, equals: string) =>
  step({ name, action: 'toy:check', inputs: { Key: key, Equals: equals } });
const gate = check('IsHealthy', 'health', 'ok');

function roll(steps: readonly Step[], inputs: JsonObject = {}, gates: readonly Step[] = [gate]): Step {
  return step({
    name: 'Roll',
    action: 'belay:rolling',
    inputs: { Targets: ['a', 'b', 'c'], ...inputs },
    nested: { Steps: steps, ...(gates.length === 0 ? {} : { Gate: gates }) },
  });
}

function healthy(): ToyWorld {
  const world = new ToyWorld();
  world.set('health', 'ok');
  return world;
}

async function run(steps: readonly Step[], world: ToyWorld, options: ToyOptions = {}) {
  using store = temporaryJournal();
  const ran = await runToy(runbook(steps), store, { world, ...options });
  const events = (await store.journal.events(executionId, 0)).map(({ event }) => event);
  return {
    ...ran,
    effects: world.effects.map(({ what }) => what),
    undone: ran.state.rollback.map(({ name, result }) => [name, result]),
    failure: ran.state.steps.find(({ name }) => name === 'Roll')?.failure,
    turns: events.flatMap((event) => (event.type === 'TurnEnded' ? [[event.target, event.status]] : [])),
    turnFailures: events.flatMap((event) => (event.type === 'TurnEnded' ? [event.failure] : [])),
  };
}

test('each target has its turn, in order; steps of a turn read each other and the target', async () => {
  const told = step({ name: 'Tell', action: 'toy:tell', inputs: { Text: `{{ Put.Value }} on ${target}` } });
  const { result, effects, state, turns } = await run([roll([put(), told])], healthy());
  expect(result.status).toBe('Success');
  expect(effects).toEqual(['put a=new', 'put b=new', 'put c=new']);
  expect(turns).toEqual([
    ['a', 'Success'],
    ['b', 'Success'],
    ['c', 'Success'],
  ]);
  expect(state.steps.find(({ name }) => name === 'Roll@b/Tell')?.outputs).toMatchObject({ Text: 'new on b' });
  expect(state.steps.find(({ name }) => name === 'Roll')?.outputs).toEqual({
    Targets: ['a', 'b', 'c'],
    Succeeded: ['a', 'b', 'c'],
    Failed: [],
    NotStarted: [],
  });
});

test('targets can be taken in the reverse order', async () => {
  const { effects } = await run([roll([put()], { Order: 'reversed' })], healthy());
  expect(effects).toEqual(['put c=new', 'put b=new', 'put a=new']);
});

test('a turn that fails ends the rolling: later targets are not begun, touched ones are undone, newest first', async () => {
  const world = healthy();
  world.failing.set('put b2=new', 1);
  const steps = [put(), put('Second', `${target}2`)];
  const { result, undone, failure } = await run([roll(steps)], world);
  expect(result).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
  expect(failure).toMatchObject({
    code: 'TOY_FAILED',
    message: 'Roll failed at b: Second: put b2=new failed (1 of 3 targets done, failed: b; not begun: c)',
  });
  expect(undone).toEqual([
    ['Roll@b/Put', 'undone'],
    ['Roll@a/Second', 'undone'],
    ['Roll@a/Put', 'undone'],
  ]);
  expect(world.state()).toEqual({ values: { health: 'ok' }, snapshots: 0 });
});

test('a gate that is closed lets no target be touched', async () => {
  const world = new ToyWorld();
  world.set('health', 'bad');
  const { result, effects, failure } = await run([roll([put()])], world);
  expect(result).toMatchObject({ status: 'Failed', rollbackStatus: 'notRequested' });
  expect(effects).toEqual([]);
  expect(failure).toMatchObject({
    code: 'GATE_CLOSED',
    message:
      'Roll failed at a: the gate of Roll is closed before a: DATA_MISMATCH IsHealthy: health is bad (0 of 3 targets done, failed: a; not begun: b, c)',
  });
});

test('a gate that closes behind a target fails its turn', async () => {
  const world = healthy();
  world.around = (when, what) => {
    if (when === 'after' && what === 'put b=new') world.set('health', 'bad');
    if (what === 'undo put b') world.set('health', 'ok');
  };
  const { turns, undone, result } = await run([roll([put()])], world);
  expect(turns).toEqual([
    ['a', 'Success'],
    ['b', 'Failed'],
  ]);
  expect(undone).toEqual([
    ['Roll@b/Put', 'undone'],
    ['Roll@a/Put', 'undone'],
  ]);
  expect(result.rollbackStatus).toBe('clean');
});

test('no second target is touched on the way down while the gate is closed, and what stays is named', async () => {
  const world = healthy();
  world.around = (when, what) => {
    if (when === 'after' && what === 'put c=new') world.set('health', 'bad');
  };
  const { result, undone, state } = await run([roll([put()])], world);
  expect(result.rollbackStatus).toBe('partial');
  expect(undone).toEqual([
    ['Roll@c/Put', 'undone'],
    ['Roll@b/Put', 'failed'],
    ['Roll@a/Put', 'failed'],
  ]);
  expect(state.rollback[1]?.failure).toMatchObject({
    code: 'GATE_CLOSED',
    message: 'the gate of Roll is closed after c: DATA_MISMATCH IsHealthy: health is bad',
  });
  expect(world.get('a')).toBe('new');
});

test('targets that came through are only climbed down from while the gate is open', async () => {
  const world = healthy();
  const after = step({ name: 'Break', action: 'toy:put', inputs: { Key: 'health', Value: 'bad' } });
  const broken = await run([roll([put()]), after, check('Fail', 'a', 'x')], world);
  // The undo of Break opens the gate again.
  expect(broken.result.rollbackStatus).toBe('clean');
  const stuck = step({ ...after, undo: { kind: 'none', reason: 'it stays' } });
  const { undone } = await run([roll([put()]), stuck, check('Fail', 'a', 'x')], healthy());
  expect(undone).toEqual([
    ['Break', 'nothingToDo'],
    ['Roll@c/Put', 'failed'],
    ['Roll@b/Put', 'failed'],
    ['Roll@a/Put', 'failed'],
  ]);
});

test('MaxErrors lets so many targets fail; the one that is too much ends it', async () => {
  const failing = (...targets: string[]) => {
    const world = healthy();
    for (const each of targets) world.failing.set(`put ${each}=new`, 1);
    return world;
  };
  const allowed = await run([roll([put()], { MaxErrors: 1 })], failing('a'));
  expect(allowed.result.status).toBe('Success');
  expect(allowed.state.steps.find(({ name }) => name === 'Roll')).toMatchObject({
    outputs: { Succeeded: ['b', 'c'], Failed: ['a'] },
    note: '2 of 3 targets done, failed: a',
  });
  const tooMany = await run([roll([put()], { MaxErrors: 1 })], failing('a', 'b'));
  expect(tooMany.result.status).toBe('Failed');
  expect(tooMany.turns.map(([each]) => each)).toEqual(['a', 'b']);
});

test('undo lists of nested steps read their own turn', async () => {
  const tell = step({
    name: 'Back',
    action: 'toy:put',
    inputs: { Key: `back-${target}`, Value: '{{ Put.Value }}' },
  });
  const shell = step({
    name: 'Shell',
    action: 'toy:shell',
    inputs: { Key: `s-${target}`, Value: 'x' },
    undo: { kind: 'steps', steps: [tell] },
  });
  const world = healthy();
  await run([roll([put(), shell], { Targets: ['a', 'b'] }), check('Fail', 'a', 'x')], world);
  expect([world.get('back-a'), world.get('back-b')]).toEqual(['new', 'new']);
});

test('a cancelled rolling ends cancelled, says so of the turn at hand, and is climbed down from', async () => {
  const world = healthy();
  let cancel = (): Promise<void> => Promise.resolve();
  world.around = (when, what) => {
    if (when === 'after' && what === 'put b=new') void cancel();
  };
  const { result, turns, turnFailures } = await run([roll([put(), put('Second', `${target}2`)])], world, {
    during: (journal) => (cancel = () => journal.requestCancel(executionId)),
  });
  expect(result).toMatchObject({ status: 'Cancelled', rollbackStatus: 'clean' });
  expect(turns.at(-1)).toEqual(['b', 'Cancelled']);
  expect(turnFailures.at(-1)).toMatchObject({
    code: 'CANCELLED',
    message: expect.stringMatching(/^(?:Put|Second): it was cancelled$/),
  });
  expect(world.state()).toEqual({ values: { health: 'ok' }, snapshots: 0 });
});

test('targets bake before the next one is touched', async () => {
  const times: number[] = [];
  const world = healthy();
  world.around = (when) => {
    if (when === 'before') times.push(performance.now());
  };
  await run([roll([put()], { Targets: ['a', 'b'], BakeSeconds: 0.3 })], world);
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(300);
});

test('several targets are in their turn at once, never more than may be, nor than may fail', async () => {
  const inFlight = async (inputs: JsonObject) => {
    using store = temporaryJournal();
    const targets = ['a', 'b', 'c', 'd', 'e'];
    const document = runbook([roll([put(), put('Second', `${target}2`)], { Targets: targets, ...inputs })]);
    const { result } = await runToy(document, store, { world: healthy() });
    expect(result.status).toBe('Success');
    let now = 0;
    return (await store.journal.events(executionId, 0)).reduce((most, { event }) => {
      if (event.type === 'TurnStarted') now += 1;
      if (event.type === 'TurnEnded') now -= 1;
      return Math.max(most, now);
    }, 0);
  };
  expect(await inFlight({ MaxUnavailable: 3, MaxErrors: 5 })).toBe(3);
  expect(await inFlight({ MaxUnavailable: 3, MaxErrors: 1 })).toBe(2);
  expect(await inFlight({ MaxUnavailable: 3, MaxErrors: 0 })).toBe(1);
});

test('turns that wait side by side wait once', async () => {
  const nap = step({ name: 'Nap', action: 'aws:sleep', inputs: { Duration: 'PT0.5S' } });
  const startedAt = performance.now();
  await run([roll([nap], { MaxUnavailable: 3, MaxErrors: 3 }, [])], healthy());
  expect(performance.now() - startedAt).toBeLessThan(1_300);
});

test('after one failure too many nothing more is begun, and what was under way comes to its end', async () => {
  const world = healthy();
  world.failing.set('put a=new', 1);
  world.failing.set('put b=new', 1);
  const inputs = { Targets: ['a', 'b', 'c', 'd'], MaxUnavailable: 3, MaxErrors: 1 };
  const { turns, state } = await run([roll([put()], inputs)], world);
  expect(turns.map(([each]) => each)).toEqual(['a', 'b']);
  expect(state.steps.find(({ name }) => name === 'Roll')?.outputs).toMatchObject({
    Failed: ['a', 'b'],
    NotStarted: ['c', 'd'],
  });
});

test('timeoutSeconds is for all turns: none begins when it is over, and what began is climbed down from', async () => {
  const nap = step({ name: 'Nap', action: 'aws:sleep', inputs: { Duration: 'PT2S' } });
  const { result, failure, turns, undone } = await run(
    [{ ...roll([put(), nap], { MaxErrors: 3 }), timeoutSeconds: 1 }],
    healthy(),
  );
  expect(result).toMatchObject({ status: 'TimedOut', rollbackStatus: 'clean' });
  expect(failure).toMatchObject({ code: 'TIMED_OUT' });
  expect(failure?.message).toContain('2 of 3 targets of Roll');
  expect(turns.map(([name]) => name)).toEqual(['a']);
  expect(undone).toEqual([['Roll@a/Put', 'undone']]);
});
