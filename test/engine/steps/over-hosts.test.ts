/** Hosts: one step over many hosts. One beginning and one end for people; prepared, tried and undone on each host by itself. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Step } from '../../../src/document/index.ts';
import { accountOf, foldEvents, standingChanges, type EngineEvent } from '../../../src/engine/index.ts';
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

const over = (inputs: JsonObject = {}, more: Partial<Step> = {}): Step =>
  step({
    name: 'Put',
    action: 'toy:onHost',
    inputs: { Hosts: ['a', 'b', 'c', 'd'], Value: 'new', ...inputs },
    ...more,
  });
const fail = step({ name: 'Fail', action: 'toy:restore', inputs: { Ids: ['gone'] } });
const all = { MaxErrors: '100%' };

async function run(steps: readonly Step[], world = new ToyWorld(), options: ToyOptions = {}) {
  using store = temporaryJournal();
  const ran = await runToy(runbook(steps), store, { world, ...options });
  const events = (await store.journal.events(executionId, 0)).map(({ event }) => event);
  return {
    ...ran,
    events,
    effects: world.effects.map(({ what }) => what),
    step: ran.state.steps.find(({ name }) => name === 'Put'),
    undone: ran.state.rollback.map(({ name, result }) => [name, result]),
  };
}

const ofType = <T extends EngineEvent['type']>(events: readonly EngineEvent[], type: T) =>
  events.filter((event): event is Extract<EngineEvent, { type: T }> => event.type === type);

test('it is one step with one beginning and one end, and acts on each host in the order written', async () => {
  const { result, events, effects, step: put, state } = await run([over()]);
  expect(result).toMatchObject({ status: 'Success', rollbackStatus: 'notRequested' });
  expect(effects).toEqual(['put a=new', 'put b=new', 'put c=new', 'put d=new']);
  expect(ofType(events, 'StepStarted')).toHaveLength(1);
  expect(ofType(events, 'StepEnded')).toHaveLength(1);
  expect(state.steps).toHaveLength(1);
  expect(put).toMatchObject({
    status: 'Success',
    acted: 'yes',
    targets: ['a', 'b', 'c', 'd'],
    note: '4 of 4 hosts done',
    outputs: {
      Targets: ['a', 'b', 'c', 'd'],
      Succeeded: ['a', 'b', 'c', 'd'],
      Failed: [],
      NotStarted: [],
      Outputs: { a: { Value: 'new' }, b: { Value: 'new' }, c: { Value: 'new' }, d: { Value: 'new' } },
    },
  });
  expect(put?.changes.map(({ target }) => target)).toEqual(['a', 'b', 'c', 'd']);
});

test('a single selector may stand without a list', async () => {
  expect((await run([over({ Hosts: 'a' })])).effects).toEqual(['put a=new']);
});

test('no host at all is a failure, and nothing is begun', async () => {
  const { step: put, effects } = await run([over({ Hosts: [] })]);
  expect(effects).toEqual([]);
  expect(put?.failure).toMatchObject({
    code: 'UNKNOWN_TARGET',
    message: 'Hosts of Put names no host; nothing was begun',
  });
});

test('without an error to spare one host is under way at a time, and the first that fails ends it; all that was touched is undone', async () => {
  const world = new ToyWorld();
  world.failing.set('put c=new', 1);
  const { result, effects, step: put, undone } = await run([over({ MaxConcurrency: 4 })], world);
  expect(result).toMatchObject({ status: 'Failed', rollbackStatus: 'clean', failedStep: 'Put' });
  expect(effects).toEqual(['put a=new', 'put b=new', 'undo put b', 'undo put a']);
  expect(put?.failure).toMatchObject({
    code: 'TOY_FAILED',
    message: 'Put failed on 1 of 4 hosts (c: put c=new failed; 1 not begun)',
  });
  expect(put?.outputs).toMatchObject({ Succeeded: ['a', 'b'], Failed: ['c'], NotStarted: ['d'] });
  expect(undone).toEqual([['Put', 'undone']]);
  expect(world.state()).toEqual({ values: {}, snapshots: 0 });
});

test('what may fail is a count or a percentage of the hosts; within it the step succeeds and names those that failed', async () => {
  for (const MaxErrors of [1, '1', '25%']) {
    const world = new ToyWorld();
    world.failing.set('put b=new', 1);
    const { result, step: put } = await run([over({ MaxErrors })], world);
    expect(result.status).toBe('Success');
    expect(put).toMatchObject({ note: '3 of 4 hosts done, failed: b', outputs: { Failed: ['b'] } });
    expect(Object.keys(put?.outputs['Outputs'] ?? {})).toEqual(['a', 'c', 'd']);
  }
});

test('a share that is none is refused before anything is begun', async () => {
  for (const inputs of [{ MaxErrors: 'some' }, { MaxConcurrency: 0 }, { MaxConcurrency: '101%' }]) {
    const { step: put, effects } = await run([over(inputs)]);
    expect(effects).toEqual([]);
    expect(put?.failure?.code).toBe('INVALID_INPUT');
    expect(put?.failure?.message).toMatch(/^Put: Max\w+ is .*, and must be a number such as \d or 10%$/);
  }
});

test('each host has all the tries of the step', async () => {
  const world = new ToyWorld();
  world.failing.set('put b=new', 1).set('put d=new', 1);
  const { result, effects } = await run([over({ ...all }, { maxAttempts: 2 })], world);
  expect(result.status).toBe('Success');
  expect(effects.toSorted()).toEqual(['put a=new', 'put b=new', 'put c=new', 'put d=new']);
});

test('a lost reply of one host is looked for there, and nothing is done twice', async () => {
  const world = new ToyWorld();
  world.loseReplyOf.add('put b=new');
  const { result, effects, events } = await run([over(all)], world);
  expect(result.status).toBe('Success');
  expect(effects.toSorted()).toEqual(['put a=new', 'put b=new', 'put c=new', 'put d=new']);
  expect(ofType(events, 'EffectAdopted')).toMatchObject([{ step: 'Put@b', found: 'running' }]);
});

test('an undo that fails on one host is told with that host, and a later rollback tries that one alone', async () => {
  const world = new ToyWorld();
  world.failing.set('undo put b', 3);
  const { result, state, effects, events } = await run([over(all), fail], world, {
    input: { rollbackRequests: [{ force: false, interpreter: 2 }] },
  });
  const [first, second] = ofType(events, 'UndoEnded');
  expect(first).toMatchObject({
    step: 'Put',
    result: 'failed',
    standsOn: ['b'],
    failure: { message: 'not undone on 1 of 4 hosts (b: undo put b failed)' },
  });
  const until = events.findIndex((event) => event === first) + 1;
  const meanwhile = foldEvents(events.slice(0, until).map((event, at) => ({ seq: at + 1, at, event })));
  const account = accountOf(meanwhile).steps.find(({ step: { name } }) => name === 'Put');
  expect(account?.stands).toBe(true);
  expect(account && standingChanges(account).map(({ target }) => target)).toEqual(['b']);
  expect(ofType(events, 'RollbackEnded').map(({ status }) => status)).toEqual(['partial', 'clean']);
  expect(second).toMatchObject({ step: 'Put', result: 'undone', targets: ['b'] });
  expect(result.rollbackStatus).toBe('clean');
  expect(state.rollback).toMatchObject([{ name: 'Put', result: 'undone' }]);
  expect(effects.filter((what) => what.startsWith('undo')).toSorted()).toEqual(
    ['a', 'b', 'c', 'd'].map((host) => `undo put ${host}`),
  );
  expect(world.state()).toEqual({ values: {}, snapshots: 0 });
});

test('what somebody else has changed on one host is left alone there, and undone on the others', async () => {
  const world = new ToyWorld();
  world.around = (when, what) => {
    if (when === 'after' && what === 'put d=new') world.set('b', 'by hand');
  };
  const reads = step({ name: 'Reads', action: 'toy:check', inputs: { Key: 'z', Equals: 'there' } });
  const { result, state } = await run([over(), reads], world);
  expect(world.get('b')).toBe('by hand');
  expect(result.rollbackStatus).toBe('partial');
  expect(state.rollback.find(({ name }) => name === 'Put')).toMatchObject({
    result: 'changedSince',
    standsOn: ['b'],
  });
  expect(['a', 'c', 'd'].map((host) => world.get(host))).toEqual([null, null, null]);
});

test("an author's undo list runs for each host, and reads that host's inputs, outputs and what was there before", async () => {
  const world = new ToyWorld();
  world.set('b', 'old');
  const back = step({
    name: 'Back',
    action: 'toy:put',
    inputs: { Key: 'undo-{{ inputs.Host }}', Value: '{{ outputs.Value }} of {{ inputs.Host }}' },
  });
  const { result, effects, undone, state } = await run(
    [over({ Hosts: ['a', 'b'] }, { undo: { kind: 'steps', steps: [back] } }), fail],
    world,
  );
  expect(result.rollbackStatus).toBe('clean');
  expect(effects.filter((what) => what.includes('undo-'))).toEqual([
    'put undo-b=new of b',
    'put undo-a=new of a',
  ]);
  expect(undone).toEqual([['Put', 'undone']]);
  expect(state.steps).toHaveLength(2);
});

test('declared outputs select from what all hosts have put out', async () => {
  const outputs = [
    { Name: 'Values', Selector: '$.Outputs.*.Value', Type: 'StringList' },
    { Name: 'OfB', Selector: '$.Outputs.b.Value', Type: 'String' },
  ] as const;
  const { step: put } = await run([over({}, { outputs })]);
  expect(put?.outputs).toMatchObject({ Values: ['new', 'new', 'new', 'new'], OfB: 'new' });
});

test('outputs that are too large to be kept are null, and the step says so; declared outputs still select from them', async () => {
  const Value = 'x'.repeat(30_000);
  const outputs = [{ Name: 'OfB', Selector: '$.Outputs.b.Value', Type: 'String' }] as const;
  const { step: put } = await run([over({ Value }, { outputs })]);
  expect(put?.outputs).toMatchObject({ Outputs: null, OfB: Value, Succeeded: ['a', 'b', 'c', 'd'] });
  expect(put?.note).toBe(
    '4 of 4 hosts done; Outputs is null, because the outputs of all hosts have 118 KiB and at most 64 KiB are kept; declared outputs select from all of them, and the logs have them whole',
  );
  const world = new ToyWorld();
  world.failing.set(`put d=${Value}`, 1);
  const { step: failed } = await run([over({ Value, MaxConcurrency: 1 })], world);
  expect(failed?.failure?.message).toContain('Outputs is null, because');
});

test('it nests: in the turns of a rolling side by side, in the passes of a loop, in an undo list', async () => {
  const target = '{{ Roll.Target }}';
  const inner = over({ Hosts: [`${target}1`, `${target}2`], ...all });
  const roll = step({
    name: 'Roll',
    action: 'belay:rolling',
    inputs: { Targets: ['x', 'y', 'z'], MaxUnavailable: 3, MaxErrors: 2 },
    nested: { Steps: [inner] },
  });
  const rolled = await run([roll, fail]);
  expect(rolled.result).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
  expect(rolled.effects.filter((what) => what.startsWith('put')).toSorted()).toEqual(
    ['x1', 'x2', 'y1', 'y2', 'z1', 'z2'].map((host) => `put ${host}=new`),
  );
  expect(rolled.world.state()).toEqual({ values: {}, snapshots: 0 });

  const loop = step({
    name: 'Each',
    action: 'aws:loop',
    inputs: { Iterators: ['p', 'q'] },
    nested: { Steps: [over({ Hosts: ['{{ Each.CurrentIteratorValue }}1', 'k'], ...all })] },
  });
  const looped = await run([loop, fail]);
  expect(looped.result.rollbackStatus).toBe('clean');
  expect(looped.world.state()).toEqual({ values: {}, snapshots: 0 });

  const undo = { kind: 'steps', steps: [over({ Value: 'undone', ...all })] } as const;
  const listed = await run([
    step({ name: 'P', action: 'toy:put', inputs: { Key: 'k', Value: 'v' }, undo }),
    fail,
  ]);
  expect(listed.effects.filter((what) => what.endsWith('=undone'))).toHaveLength(4);
});

test('the end of each host is told as it comes, with its number of all', async () => {
  const { events } = await run([over()]);
  expect(ofType(events, 'TurnEnded').map(({ target, number, of }) => [target, number, of])).toEqual([
    ['a', 1, 4],
    ['b', 2, 4],
    ['c', 3, 4],
    ['d', 4, 4],
  ]);
});

test('a host whose outcome nobody knows is a step of its own for as long as a person is waited for', () => {
  const of = { step: 'Put', target: 'b', number: 2, of: 2 };
  const events: EngineEvent[] = [
    { type: 'ExecutionStarted', steps: [{ name: 'Put', action: 'toy:onHost' }] },
    { type: 'StepStarted', step: 'Put', action: 'toy:onHost', inputs: {} },
    { type: 'StepWaiting', step: 'Put@b', waiting: { kind: 'unknownOutcome', message: 'rebooted' } },
    { type: 'TurnEnded', ...of, status: 'Success', failure: null },
  ];
  const after = (count: number) =>
    foldEvents(events.slice(0, count).map((event, at) => ({ seq: at + 1, at, event }))).steps;
  expect(after(3)).toMatchObject([{ name: 'Put' }, { name: 'Put@b', status: 'Waiting' }]);
  expect(after(4)).toMatchObject([{ name: 'Put' }]);
});

test('a thousand hosts are one step, undone as one', { timeout: 60_000 }, async () => {
  const Hosts = Array.from({ length: 1000 }, (_, index) => `h${index}`);
  const { result, effects, state, events } = await run([
    over({ Hosts, MaxConcurrency: '20%', ...all }),
    fail,
  ]);
  expect(result).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
  expect(effects).toHaveLength(2000);
  expect(state.steps).toHaveLength(2);
  expect(state.rollback).toMatchObject([{ name: 'Put', result: 'undone' }]);
  expect(ofType(events, 'StateLooked')).toMatchObject([{ steps: [{ step: 'Put' }] }]);
});

test('however many may be under way and may fail, a failed host never lets more fail than the budget, and the world comes back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 0, max: 8 }),
      fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 4 }),
      async (count, MaxConcurrency, MaxErrors, bad) => {
        const world = new ToyWorld();
        const Hosts = Array.from({ length: count }, (_, index) => `h${index}`);
        for (const index of bad) world.failing.set(`put h${index}=new`, 1);
        const failing = new Set(bad.filter((index) => index < count)).size;
        const { result, step: put } = await run([over({ Hosts, MaxConcurrency, MaxErrors }), fail], world);
        const failed = put?.outputs['Failed'] as readonly string[];
        // Those in flight count as failed: so many may fail as the budget allows, and the one that spends it.
        expect(failed.length).toBeLessThanOrEqual(Math.min(failing, MaxErrors + 1));
        expect(put?.status).toBe(failed.length > MaxErrors ? 'Failed' : 'Success');
        expect(['clean', 'notRequested']).toContain(result.rollbackStatus);
        expect(world.state()).toEqual({ values: {}, snapshots: 0 });
      },
    ),
    { numRuns: 25 },
  );
});
