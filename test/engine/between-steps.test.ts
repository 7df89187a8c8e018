/** Interactive mode, and the end that a person asks for before a further step. */
import { expect, test } from 'vitest';
import type { Step } from '../../src/document/index.ts';
import type { Journal } from '../../src/journal/index.ts';
import type { Json } from '../../src/json.ts';
import { executionId, Left, runToy, runbook, step, temporaryJournal } from '../support/run-toy.ts';
import { Crash, ToyWorld } from '../support/toy-world.ts';

const put = (name: string, more: Partial<Step> = {}) =>
  step({ name, action: 'toy:put', inputs: { Key: name, Value: 'new' }, ...more });
const fail = (name: string, more: Partial<Step> = {}) =>
  step({ name, action: 'toy:restore', inputs: { Ids: ['gone'] }, ...more });

/** What people say, in that order; all of it lies in the inbox before the execution begins. */
interface Said {
  readonly name: string;
  readonly value: Json;
}
const start = (wait: number, name: string): Said => ({ name: 'nextStep', value: { wait, step: name } });
const ends: readonly Said[] = [
  { name: 'complete', value: true },
  { name: 'nextStep', value: { complete: true } },
];

async function run(
  steps: readonly Step[],
  said: readonly Said[],
  {
    mode,
    wrap,
    world = new ToyWorld(),
  }: { mode?: 'Interactive'; wrap?: (journal: Journal) => Journal; world?: ToyWorld } = {},
) {
  using store = temporaryJournal();
  const ran = await runToy(runbook(steps), store, {
    world,
    ...(mode === undefined ? {} : { input: { mode } }),
    ...(wrap === undefined ? {} : { wrap }),
    during: async (journal) => {
      for (const [index, { name, value }] of said.entries())
        await journal.signal(executionId, name, value, `said ${index}`, Date.now());
    },
  });
  const events = (await store.journal.events(executionId, 0)).map(({ event }) => event);
  return {
    ...ran,
    effects: world.effects.map(({ what }) => what),
    asked: events.flatMap((event) =>
      event.type === 'StepWaiting' && event.waiting.kind === 'nextStep' ? [event.waiting.steps] : [],
    ),
    statuses: ran.state.steps.map(({ name, status }) => `${name} ${status}`),
  };
}

const interactive = { mode: 'Interactive' } as const;

test('before each step a person is asked, and nothing runs before he says so', async () => {
  const steps = [put('A'), put('B')];
  const world = new ToyWorld();
  await expect(run(steps, [], { ...interactive, world })).rejects.toThrow(Left);
  expect(world.effects).toEqual([]);
  const ran = await run(steps, [start(1, 'A'), start(2, 'B')], interactive);
  expect(ran.result.status).toBe('Success');
  expect(ran.asked).toEqual([['A'], ['B']]);
  expect(ran.effects).toEqual(['put A=new', 'put B=new']);
});

test('an execution that waits for its next step shows as Waiting, and as InProgress once that begins', async () => {
  using store = temporaryJournal();
  const input = { mode: 'Interactive' } as const;
  await expect(runToy(runbook([put('A')]), store, { input })).rejects.toThrow(Left);
  const { foldEvents } = await import('../../src/engine/index.ts');
  const waiting = foldEvents(await store.journal.events(executionId, 0));
  expect(waiting).toMatchObject({
    status: 'Waiting',
    waiting: { kind: 'nextStep', steps: ['A'], number: 1 },
  });
  await store.journal.signal(executionId, 'nextStep', { wait: 1, step: 'A' }, 'a', Date.now());
  const { state } = await runToy(runbook([put('A')]), store, { input });
  expect(state).toMatchObject({ status: 'Success', waiting: null });
});

test('any step that the last one can lead to may be started: those of a branch, of nextStep, of onFailure', async () => {
  const choice = { NextStep: 'C', Variable: 'a', StringEquals: 'a' };
  const steps = [
    step({ name: 'Branch', action: 'aws:branch', inputs: { Choices: [choice], Default: 'B' } }),
    put('B', { onFailure: { kind: 'step', step: 'D' }, nextStep: 'E' }),
    put('C'),
    put('D'),
    put('E'),
  ];
  const ran = await run(
    steps,
    [start(1, 'Branch'), start(2, 'B'), start(3, 'D'), start(4, 'E')],
    interactive,
  );
  expect(ran.asked).toEqual([['Branch'], ['C', 'B'], ['E', 'D'], ['E']]);
  expect(ran.effects).toEqual(['put B=new', 'put D=new', 'put E=new']);
  expect(ran.statuses).toContain('C Pending');
});

test('what was said to an earlier wait, or names no step that can come now, starts nothing', async () => {
  const said = [start(7, 'A'), start(1, 'B'), start(1, 'A'), start(1, 'B'), start(2, 'B')];
  const ran = await run([put('A'), put('B')], said, interactive);
  expect(ran.effects).toEqual(['put A=new', 'put B=new']);
  expect(ran.asked).toHaveLength(2);
});

test('a step that fails leads where it would by itself', async () => {
  const ran = await run([put('A'), fail('B'), put('C')], [start(1, 'A'), start(2, 'B')], interactive);
  expect(ran.result).toMatchObject({ status: 'Failed', failedStep: 'B', rollbackStatus: 'clean' });
  expect(ran.effects).toEqual(['put A=new', 'undo put A']);
});

test('complete ends it before the next step, and nothing is undone', async () => {
  const ran = await run([put('A'), put('B')], [start(1, 'A'), ...ends], interactive);
  expect(ran.result).toMatchObject({ status: 'Success', rollbackStatus: 'notRequested' });
  expect(ran.state.wasCompleted).toBe(true);
  expect(ran.statuses).toEqual(['A Success', 'B Pending']);
});

test('a cancel while the next step is waited for ends it, and what ran is undone', async () => {
  using store = temporaryJournal();
  const input = { mode: 'Interactive' } as const;
  const document = runbook([put('A'), put('B')]);
  await store.journal.version();
  await expect(
    runToy(document, store, {
      input,
      during: (journal) => journal.signal(executionId, 'nextStep', { wait: 1, step: 'A' }, 'a', Date.now()),
    }),
  ).rejects.toThrow(Left);
  await store.journal.requestCancel(executionId);
  const world = new ToyWorld();
  world.set('A', 'new');
  const { result } = await runToy(document, store, { input, world });
  expect(result).toMatchObject({ status: 'Cancelled', rollbackStatus: 'clean' });
  expect(world.get('A')).toBe(null);
});

test('an execution that runs by itself ends behind the step that is under way when it is told to', async () => {
  const world = new ToyWorld();
  using store = temporaryJournal();
  world.around = (when, what) => {
    if (when === 'after' && what === 'put A=new')
      for (const { name, value } of ends)
        void store.journal.signal(executionId, name, value, 'complete', Date.now());
  };
  const { result, state } = await runToy(runbook([put('A'), put('B')]), store, { world });
  expect(result).toMatchObject({ status: 'Success', rollbackStatus: 'notRequested' });
  expect(state.steps.map(({ name, status }) => `${name} ${status}`)).toEqual(['A Success', 'B Pending']);
});

test('a failure that was handled decides its end as ever', async () => {
  const handled = fail('A', { onFailure: { kind: 'step', step: 'C' } });
  const ran = await run(
    [put('Z'), handled, put('B'), put('C')],
    [start(1, 'Z'), start(2, 'A'), ...ends],
    interactive,
  );
  expect(ran.result).toMatchObject({ status: 'Failed', failedStep: 'A' });
});

test('a loop ends with its pass', async () => {
  const world = new ToyWorld();
  using store = temporaryJournal();
  const inner = [put('P', { inputs: { Key: '{{ Each.CurrentIteratorValue }}', Value: 'new' } }), put('Q')];
  const each = step({
    name: 'Each',
    action: 'aws:loop',
    inputs: { Iterators: ['x', 'y', 'z'] },
    nested: { Steps: inner },
  });
  world.around = (when, what) => {
    if (when === 'before' && what === 'put y=new')
      void store.journal.signal(executionId, 'complete', true, 'complete', Date.now());
  };
  const { result, state } = await runToy(runbook([each, put('After')]), store, { world });
  expect(result.status).toBe('Success');
  expect(world.effects.map(({ what }) => what)).toEqual(['put x=new', 'put Q=new', 'put y=new', 'put Q=new']);
  expect(state.steps.find(({ name }) => name === 'Each')?.note).toContain('2 passes');
  expect(state.steps.find(({ name }) => name === 'After')?.status).toBe('Pending');
});

test('a runner that is cut anywhere is taken over: each step that was started runs once, and the end is the same', async () => {
  const steps = [put('A'), put('B'), put('C')];
  const said = [start(1, 'A'), start(2, 'B'), ...ends];
  const untouched = await run(steps, said, interactive);
  for (let at = 1; ; at += 1) {
    let chances = 0;
    const cutAt = (journal: Journal): Journal =>
      new Proxy(journal, {
        get: (target, name) => {
          const member: unknown = Reflect.get(target, name);
          if (typeof member !== 'function') return member;
          return (...args: unknown[]): unknown => {
            if (['begin', 'end', 'append', 'take'].includes(String(name)) && (chances += 1) === at)
              throw new Crash();
            return Reflect.apply(member, target, args);
          };
        },
      });
    const ran = await run(steps, said, { ...interactive, wrap: cutAt });
    if (chances < at) {
      expect(at).toBeGreaterThan(10);
      break;
    }
    expect(ran.crashes, `cut ${at}`).toBe(1);
    expect(ran.result, `cut ${at}`).toEqual(untouched.result);
    expect(ran.effects, `cut ${at}`).toEqual(untouched.effects);
    expect(ran.statuses, `cut ${at}`).toEqual(untouched.statuses);
  }
});
