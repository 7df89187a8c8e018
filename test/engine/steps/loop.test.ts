/** Passes of a loop: how many there are, what they read, how they end, and how all of it is climbed down from. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Route, Step } from '../../../src/document/index.ts';
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

const item = '{{ Each.CurrentIteratorValue }}';
const pass = '{{ Each.CurrentIteration }}';
const put = (name: string, key = item, more: Partial<Step> = {}) =>
  step({ name, action: 'toy:put', inputs: { Key: key, Value: 'new' }, ...more });
const tell = (name: string, text: string, more: Partial<Step> = {}) =>
  step({ name, action: 'toy:tell', inputs: { Text: text }, ...more });
const fail = (name: string, more: Partial<Step> = {}) =>
  step({ name, action: 'toy:check', inputs: { Key: 'absent', Equals: 'x' }, ...more });
const broken = step({ name: 'Fail', action: 'toy:restore', inputs: { Ids: ['gone'] } });
const to = (target: string): Route => ({ kind: 'step', step: target });
const when = (name: string, variable: string, equals: string, next: string, more: Partial<Step> = {}) =>
  step({
    name,
    action: 'aws:branch',
    inputs: { Choices: [{ NextStep: next, Variable: variable, StringEquals: equals }] },
    ...more,
  });

function loop(inputs: JsonObject, steps: readonly Step[], more: Partial<Step> = {}): Step {
  return step({ name: 'Each', action: 'aws:loop', inputs, nested: { Steps: steps }, ...more });
}
const over = (...items: readonly string[]): JsonObject => ({ Iterators: items });
const never = { rollback: { when: 'never', timeoutSeconds: 60 } } as const;

async function run(
  steps: readonly Step[],
  options: ToyOptions = {},
  more: Parameters<typeof runbook>[1] = never,
) {
  using store = temporaryJournal();
  const ran = await runToy(runbook(steps, more), store, options);
  const find = (name: string) => ran.state.steps.find((each) => each.name === name);
  return {
    ...ran,
    find,
    names: ran.state.steps.map(({ name }) => name),
    effects: ran.world.effects.map(({ what }) => what),
    undone: ran.state.rollback.map(({ name, result }) => `${name} ${result}`),
    passes: (await store.journal.events(executionId, 0)).flatMap(({ event }) =>
      event.type === 'PassStarted' ? [[event.iteration, event.of, event.value]] : [],
    ),
  };
}

test('its steps run once for each item, in order, and read the item and the number of the pass', async () => {
  const ran = await run([loop(over('a', 'b'), [put('Put'), tell('Tell', `${item} is ${pass}`)])]);
  expect(ran.result.status).toBe('Success');
  expect(ran.effects).toEqual(['put a=new', 'put b=new']);
  expect(ran.find('Each@2/Tell')?.outputs).toMatchObject({ Text: 'b is 2' });
  expect(ran.find('Each')).toMatchObject({
    status: 'Success',
    note: '2 passes',
    outputs: { CurrentIteration: 2, CurrentIteratorValue: 'b' },
  });
  expect(ran.passes).toEqual([
    [1, 2, 'a'],
    [2, 2, 'b'],
  ]);
});

test('people see each step behind the one that it stands in', async () => {
  const ran = await run([loop(over('a', 'b'), [put('Put')]), put('After', 'x')]);
  expect(ran.names).toEqual(['Each', 'Each@1/Put', 'Each@2/Put', 'After']);
});

test('an empty list is not a pass', async () => {
  const ran = await run([loop({ Iterators: [] }, [put('Put')]), put('After', 'x')]);
  expect(ran.effects).toEqual(['put x=new']);
  expect(ran.find('Each')?.note).toBe('0 passes');
});

test('items have the type that IteratorDataType names', async () => {
  const typed = async (type: string, items: JsonObject[string]) =>
    (await run([loop({ Iterators: items, IteratorDataType: type }, [tell('Tell', 'x')])], {})).passes.map(
      ([, , value]) => value,
    );
  expect(await typed('Integer', ['1', 2])).toEqual([1, 2]);
  expect(await typed('Boolean', ['true', false])).toEqual([true, false]);
  expect(await typed('StringMap', ['{"a":1}', { b: 2 }])).toEqual([{ a: 1 }, { b: 2 }]);
  expect(await typed('String', ['x', 7, true])).toEqual(['x', '7', 'true']);
});

test('an item that is not of its type fails the loop before its first pass', async () => {
  const ran = await run([loop({ Iterators: ['1', 'two'], IteratorDataType: 'Integer' }, [put('Put')])]);
  expect(ran.find('Each')?.failure).toEqual({
    code: 'INVALID_INPUT',
    message: 'Each: Iterators is a list of Integer, but "two" is not a whole number',
    retryable: false,
  });
  expect(ran.effects).toEqual([]);
});

test('MaxIterations ends a loop over a list without an error', async () => {
  const ran = await run([loop({ ...over('a', 'b', 'c'), MaxIterations: 2 }, [put('Put')])]);
  expect(ran.result.status).toBe('Success');
  expect(ran.effects).toEqual(['put a=new', 'put b=new']);
  expect(ran.find('Each')?.note).toBe('2 passes, as many as MaxIterations allows');
});

test('a condition is asked after each pass, and the steps run again while it is true', async () => {
  const again = { Variable: pass, NumericLesser: 3 };
  const ran = await run([loop({ LoopCondition: again }, [put('Put', `k${pass}`)])]);
  expect(ran.effects).toEqual(['put k1=new', 'put k2=new', 'put k3=new']);
  expect(ran.find('Each')?.note).toBe('3 passes, until LoopCondition was false');
});

test('a condition reads what the steps of the pass gave, with every connective', async () => {
  const condition = {
    And: [
      {
        Or: [
          { Variable: '{{ Tell.Text }}', StringEquals: 'no' },
          { Variable: '{{ Tell.Length }}', NumericEquals: 2 },
        ],
      },
      { Not: { Variable: '{{ Tell.Text }}', StringEquals: '2.' } },
    ],
  };
  const ran = await run([loop({ LoopCondition: condition }, [tell('Tell', `${pass}.`)])]);
  expect(ran.find('Each')?.outputs).toEqual({ CurrentIteration: 2 });
});

test('a condition that stays true ends after 100 passes, or after MaxIterations', async () => {
  const always = { LoopCondition: { Variable: pass, NumericGreater: 0 } };
  const wait = step({ name: 'Wait', action: 'aws:sleep', inputs: { Duration: 'PT0S' } });
  expect((await run([loop(always, [wait])])).find('Each')?.outputs).toEqual({ CurrentIteration: 100 });
  const three = await run([loop({ ...always, MaxIterations: 3 }, [wait])]);
  expect(three.result.status).toBe('Success');
  expect(three.find('Each')?.outputs).toEqual({ CurrentIteration: 3 });
});

test('a condition that compares what cannot be compared fails the loop', async () => {
  const ran = await run([
    loop({ LoopCondition: { Variable: '{{ Tell.Text }}', NumericEquals: 1 } }, [tell('Tell', 'x')]),
  ]);
  expect(ran.find('Each')?.failure?.message).toBe(
    'LoopCondition of Each: LoopCondition NumericEquals: "x" is not a number',
  );
});

test('isEnd ends the pass, and the next one begins', async () => {
  const ran = await run([
    loop(over('a', 'b'), [put('Put', item, { isEnd: true }), fail('Never')]),
    put('After', 'x'),
  ]);
  expect(ran.effects).toEqual(['put a=new', 'put b=new', 'put x=new']);
});

test('a taken branch goes before isEnd, and isEnd before what follows', async () => {
  const ran = await run([
    loop(over('a', 'b'), [when('IsA', item, 'a', 'OnlyA', { isEnd: true }), fail('Never'), put('OnlyA')]),
  ]);
  expect(ran.result.status).toBe('Success');
  expect(ran.effects).toEqual(['put a=new']);
});

test('a jump back to a step with isEnd ends the pass there', async () => {
  const ran = await run([
    loop(over('a'), [
      put('First', 'x', { nextStep: 'Last' }),
      put('End', 'y', { isEnd: true }),
      put('Last', 'z', { nextStep: 'End' }),
      fail('Never'),
    ]),
  ]);
  expect(ran.effects).toEqual(['put x=new', 'put z=new', 'put y=new']);
});

test('onFailure: Continue of a nested step goes on in its pass and leaves the status alone', async () => {
  const ran = await run([
    loop(over('a', 'b'), [fail('Check', { onFailure: { kind: 'Continue' }, isCritical: false }), put('Put')]),
  ]);
  expect(ran.result.status).toBe('Success');
  expect(ran.effects).toEqual(['put a=new', 'put b=new']);
  expect(ran.find('Each@1/Check')?.status).toBe('Failed');
});

test('a critical failure that was handled in a pass lets the loop go on, and fails the execution', async () => {
  const ran = await run([
    loop(over('a', 'b'), [fail('Check', { onFailure: to('Put') }), put('Put')]),
    put('After', 'x'),
  ]);
  expect(ran.effects).toEqual(['put a=new', 'put b=new', 'put x=new']);
  expect(ran.find('Each')?.status).toBe('Success');
  expect([ran.result.status, ran.state.failedStep]).toEqual(['Failed', 'Each@1/Check']);
});

test('a nested step that aborts fails the loop and names the pass and the step', async () => {
  const ran = await run([loop(over('a', 'b'), [put('Put'), fail('Check')]), put('After', 'x')]);
  expect(ran.effects).toEqual(['put a=new']);
  expect(ran.find('Each')?.failure).toMatchObject({
    code: 'DATA_MISMATCH',
    message: 'Each failed in pass 1 at Check: absent is null',
  });
  expect([ran.result.status, ran.state.failedStep]).toEqual(['Failed', 'Each']);
});

test('the onFailure of the loop says where a failed loop leads', async () => {
  const ran = await run([
    loop(over('a', 'b'), [fail('Check')], { onFailure: to('CleanUp') }),
    fail('Never'),
    put('CleanUp', 'x'),
  ]);
  expect(ran.effects).toEqual(['put x=new']);
  expect(ran.result.status).toBe('Failed');
});

test.each([
  ['a branch', [put('Put'), when('IsB', item, 'b', 'Out')]],
  ['nextStep', [when('IsA', item, 'a', 'Put'), put('Other', item, { nextStep: 'Out' }), put('Put', item)]],
] as const)('%s leads out of the loop: it ends Exited, and the flow goes on there', async (_name, steps) => {
  const ran = await run([loop(over('a', 'b', 'c'), steps), fail('Skipped'), put('Out', 'x')]);
  expect(ran.effects).toEqual(['put a=new', 'put b=new', 'put x=new']);
  expect(ran.find('Each')).toMatchObject({ status: 'Exited', note: 'left in pass 2 → Out' });
  expect(ran.result.status).toBe('Success');
});

test('onFailure of a nested step leads out of the loop, and the failure decides the status', async () => {
  const ran = await run([
    loop(over('a', 'b'), [fail('Check', { onFailure: to('Out') })]),
    fail('Skipped'),
    put('Out', 'x'),
  ]);
  expect(ran.find('Each')?.status).toBe('Exited');
  expect(ran.effects).toEqual(['put x=new']);
  expect([ran.result.status, ran.state.failedStep]).toEqual(['Failed', 'Each@1/Check']);
});

test('a jump leads out of two loops at once', async () => {
  const inner = step({
    name: 'Inner',
    action: 'aws:loop',
    inputs: { Iterators: ['1', '2'] },
    nested: {
      Steps: [
        put('Put', `${item}{{ Inner.CurrentIteratorValue }}`),
        when('IsB', '{{ Put.Value }}', 'new', 'Out'),
      ],
    },
  });
  const ran = await run([loop(over('a', 'b'), [inner]), fail('Skipped'), put('Out', 'x')]);
  expect(ran.effects).toEqual(['put a1=new', 'put x=new']);
  expect(ran.names).toEqual([
    'Each',
    'Each@1/Inner',
    'Each@1/Inner@1/Put',
    'Each@1/Inner@1/IsB',
    'Skipped',
    'Out',
  ]);
  expect([ran.find('Each')?.status, ran.find('Each@1/Inner')?.status]).toEqual(['Exited', 'Exited']);
});

test('behind the loop its steps are read as they were in the last pass', async () => {
  const ran = await run(
    [loop(over('a', 'b'), [tell('Tell', item)]), tell('After', '{{ Tell.Text }}')],
    {},
    {
      ...never,
      outputs: ['Tell.Text'],
    },
  );
  expect(ran.find('After')?.outputs).toMatchObject({ Text: 'b' });
  expect(ran.result.outputs).toEqual({ 'Tell.Text': 'b' });
});

test('a pass does not read what an earlier one gave', async () => {
  const ran = await run([
    loop(over('a', 'b'), [
      when('IsA', item, 'a', 'Tell'),
      tell('Read', '{{ Tell.Text }}'),
      tell('Tell', item),
    ]),
  ]);
  expect(ran.find('Each@2/Read')?.inputs).toEqual({ Text: null });
});

test('declared outputs of the loop are lists over its passes', async () => {
  const outputs = [
    { Name: 'All', Selector: '$.Tell.Text', Type: 'StringList' },
    { Name: 'Second', Selector: '$.Tell.Text[1]', Type: 'String' },
  ] as const;
  const ran = await run([
    loop(over('a', 'b', 'c'), [tell('Tell', item)], { outputs }),
    tell('After', '{{ Each.All }}'),
  ]);
  expect(ran.find('Each')?.outputs).toMatchObject({ All: ['a', 'b', 'c'], Second: 'b' });
});

test('all passes that ran are undone, newest first, and no other', async () => {
  const ran = await run(
    [
      put('Before', 'x'),
      loop(over('a', 'b', 'c'), [put('Put'), when('IsB', item, 'b', 'Fail')]),
      fail('Fail'),
    ],
    {},
    {},
  );
  expect(ran.result).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
  expect(ran.undone).toEqual(['Each@2/Put undone', 'Each@1/Put undone', 'Before undone']);
  expect(ran.world.state()).toEqual({ values: {}, snapshots: 0 });
});

test('an undo list of a nested step reads its own pass', async () => {
  const undo = { kind: 'steps' as const, steps: [put('Back', `undo-${item}-{{ inputs.Key }}-${pass}`)] };
  const ran = await run([loop(over('a', 'b'), [put('Put', item, { undo })]), fail('Fail')], {}, {});
  expect(ran.effects.slice(2)).toEqual(['put undo-b-b-2=new', 'put undo-a-a-1=new']);
});

test('a restore point of a pass goes after every other undo, the newest first', async () => {
  const ran = await run(
    [loop(over('a', 'b'), [step({ name: 'Snap', action: 'toy:snapshot' }), put('Put')]), broken],
    {},
    {},
  );
  expect(ran.undone).toEqual([
    'Each@2/Put undone',
    'Each@1/Put undone',
    'Each@2/Snap undone',
    'Each@1/Snap undone',
  ]);
});

test('an undo that needs the undo of the loop is not done where one of a pass failed', async () => {
  const world = new ToyWorld();
  world.failing.set('undo put b', 9);
  const ran = await run(
    [put('First', 'x', { undoNeeds: ['Each'] }), loop(over('a', 'b'), [put('Put')]), fail('Fail')],
    { world },
    {},
  );
  expect(ran.undone).toEqual(['Each@2/Put failed', 'Each@1/Put undone', 'First failed']);
  expect(ran.state.rollback.at(-1)?.failure?.code).toBe('UNDO_NEEDED');
});

test('timeoutSeconds of the loop is for all of its passes', async () => {
  const slow = step({ name: 'Wait', action: 'aws:sleep', inputs: { Duration: 'PT0.2S' } });
  const ran = await run([
    loop(over('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'), [slow, put('Put')], { timeoutSeconds: 1 }),
  ]);
  expect(ran.result.status).toBe('TimedOut');
  expect(ran.find('Each')?.status).toBe('TimedOut');
  expect(ran.effects.length).toBeLessThan(6);
});

async function untilSo(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(10);
}

/** Cancels once the step Wait of the first pass has begun. */
const cancelWhenItWaits: ToyOptions['during'] = (journal) => {
  const isWaiting = async () =>
    (await journal.events(executionId, 0)).some(
      ({ event }) => event.type === 'StepStarted' && event.step === 'Each@1/Wait',
    );
  void untilSo(isWaiting).then(() => journal.requestCancel(executionId));
};

test('a cancel ends the pass that is under way, runs its onCancel, and begins no further one', async () => {
  const during = cancelWhenItWaits;
  const wait = step({
    name: 'Wait',
    action: 'aws:sleep',
    inputs: { Duration: 'PT60S' },
    onCancel: to('CleanUp'),
  });
  const ran = await run(
    [loop(over('a', 'b'), [put('Put'), wait, fail('Never'), put('CleanUp', 'x')]), put('After', 'y')],
    { during },
  );
  expect(ran.effects).toEqual(['put a=new', 'put x=new']);
  expect(ran.result.status).toBe('Cancelled');
  expect(ran.find('Each')?.status).toBe('Cancelled');
});

test('onCancel of a nested step may lead out of the loop', async () => {
  const during: ToyOptions['during'] = (journal) => {
    const isWaiting = async () =>
      (await journal.events(executionId, 0)).some(
        ({ event }) => event.type === 'StepStarted' && event.step === 'Each@1/Wait',
      );
    void untilSo(isWaiting).then(() => journal.requestCancel(executionId));
  };
  const wait = step({
    name: 'Wait',
    action: 'aws:sleep',
    inputs: { Duration: 'PT60S' },
    onCancel: to('CleanUp'),
  });
  const ran = await run([loop(over('a', 'b'), [put('Put'), wait]), fail('Never'), put('CleanUp', 'x')], {
    during,
  });
  expect(ran.effects).toEqual(['put a=new', 'put x=new']);
  expect(ran.find('Each')?.status).toBe('Exited');
  expect([ran.result.status, ran.state.failedStep]).toEqual(['Cancelled', 'Each@1/Wait']);
});

test('a cancel is seen by a loop whose steps ask the world nothing', async () => {
  const during: ToyOptions['during'] = async (journal) => {
    await journal.requestCancel(executionId);
  };
  const ran = await run(
    [
      loop({ LoopCondition: { Variable: pass, NumericGreater: 0 }, MaxIterations: 100_000 }, [
        when('Look', pass, 'x', 'Out', { isEnd: true }),
      ]),
      put('Out', 'x'),
    ],
    { during },
  );
  expect(ran.result.status).toBe('Cancelled');
});

test('a loop in the turns of a rolling, and a rolling in the passes of a loop', async () => {
  const rolling = (steps: readonly Step[]) =>
    step({
      name: 'Roll',
      action: 'belay:rolling',
      inputs: { Targets: ['x', 'y'] },
      nested: { Steps: steps },
    });
  const keyed = put('Put', `{{ Roll.Target }}-${item}`);
  const inTurns = await run([rolling([loop(over('a', 'b'), [keyed])]), fail('Fail')], {}, {});
  expect(inTurns.effects.slice(0, 4)).toEqual(['put x-a=new', 'put x-b=new', 'put y-a=new', 'put y-b=new']);
  expect(inTurns.undone).toEqual([
    'Roll@y/Each@2/Put undone',
    'Roll@y/Each@1/Put undone',
    'Roll@x/Each@2/Put undone',
    'Roll@x/Each@1/Put undone',
  ]);
  const inPasses = await run([loop(over('a', 'b'), [rolling([keyed])]), fail('Fail')], {}, {});
  expect(inPasses.undone).toEqual([
    'Each@2/Roll@y/Put undone',
    'Each@2/Roll@x/Put undone',
    'Each@1/Roll@y/Put undone',
    'Each@1/Roll@x/Put undone',
  ]);
  expect(inPasses.world.state()).toEqual({ values: {}, snapshots: 0 });
});
