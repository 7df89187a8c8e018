import { expect, test } from 'vitest';
import type { Route } from '../../src/document/index.ts';
import { maskPlaceholders } from '../../src/runtime/secrets/placeholder.ts';
import { executionId, runToy, runbook, step, temporaryJournal, type ToyOptions } from '../support/run-toy.ts';
import type { Document } from '../../src/document/index.ts';

const put = (name: string, more: Partial<Parameters<typeof step>[0]> = {}) =>
  step({ action: 'toy:put', inputs: { Key: name, Value: 'new' }, ...more, name });
const check = (name: string, more: Partial<Parameters<typeof step>[0]> = {}) =>
  step({ action: 'toy:check', inputs: { Key: 'absent', Equals: 'x' }, ...more, name });
const to = (target: string): Route => ({ kind: 'step', step: target });

async function run(document: Document, options: ToyOptions = {}) {
  using store = temporaryJournal();
  return await runToy(document, store, options);
}
const statuses = ({ state }: Awaited<ReturnType<typeof run>>) =>
  Object.fromEntries(state.steps.map(({ name, status }) => [name, status]));

const never = { rollback: { when: 'never', timeoutSeconds: 60 } } as const;

test('steps run in the order of the list and give the outputs that the document names', async () => {
  const ran = await run(runbook([put('A'), put('B')], { outputs: ['B.Value'] }));
  expect(ran.result).toMatchObject({
    status: 'Success',
    rollbackStatus: 'notRequested',
    outputs: { 'B.Value': 'new' },
  });
  expect(ran.world.effects.map(({ what }) => what)).toEqual(['put A=new', 'put B=new']);
});

test('a failed step ends the execution, and steps behind it stay Pending', async () => {
  const ran = await run(runbook([check('A'), put('B')], never));
  expect(ran.result.status).toBe('Failed');
  expect(statuses(ran)).toEqual({ A: 'Failed', B: 'Pending' });
});

test('onFailure: Continue goes on and leaves the status alone unless the step is critical', async () => {
  const goOn = { onFailure: { kind: 'Continue' } as Route };
  expect((await run(runbook([check('A', goOn), put('B')], never))).result.status).toBe('Success');
  expect(
    (await run(runbook([check('A', { ...goOn, isCritical: true }), put('B')], never))).result.status,
  ).toBe('Failed');
});

test('onFailure: step jumps, and the execution ends Failed although what follows succeeds', async () => {
  const ran = await run(runbook([check('A', { onFailure: to('C') }), put('B'), put('C')], never));
  expect(ran.result.status).toBe('Failed');
  expect(statuses(ran)).toEqual({ A: 'Failed', B: 'Pending', C: 'Success' });
});

test('isCritical: false lets a handled failure end in Success', async () => {
  const ran = await run(runbook([check('A', { onFailure: to('B'), isCritical: false }), put('B')], never));
  expect(ran.result.status).toBe('Success');
});

test('isEnd ends the flow, nextStep jumps, backwards too', async () => {
  const ran = await run(
    runbook([put('A', { nextStep: 'C' }), put('B', { isEnd: true }), put('C', { nextStep: 'B' }), put('D')]),
  );
  expect(ran.world.effects.map(({ what }) => what)).toEqual(['put A=new', 'put C=new', 'put B=new']);
});

test('a branch takes the first true choice, and isEnd stops where none is true', async () => {
  const branch = (value: string) =>
    runbook([
      put('A', { inputs: { Key: 'A', Value: value } }),
      step({
        name: 'Choose',
        action: 'aws:branch',
        isEnd: true,
        inputs: { Choices: [{ NextStep: 'Left', Variable: '{{ A.Value }}', StringEquals: 'left' }] },
      }),
      put('Right'),
      put('Left'),
    ]);
  expect((await run(branch('left'))).world.get('Left')).toBe('new');
  const none = await run(branch('other'));
  expect(none.result.status).toBe('Success');
  expect([none.world.get('Left'), none.world.get('Right')]).toEqual([null, null]);
});

test('maxAttempts counts all tries, and a try that is known to have failed gets a token of its own', async () => {
  using store = temporaryJournal();
  const ran = await runToy(runbook([put('A', { maxAttempts: 2 })]), store, {
    during: (_journal, world) => world.failing.set('put A=new', 1),
  });
  expect(ran.result.status).toBe('Success');
  expect(ran.state.steps[0]?.attempts).toBe(2);
});

test('an input that cannot be resolved fails the step without a try', async () => {
  const ran = await run(
    runbook(
      [step({ name: 'A', action: 'toy:put', inputs: { Key: 'a-{{ Gone.Value }}', Value: 'x' } })],
      never,
    ),
  );
  expect(ran.result.status).toBe('Failed');
  expect(ran.state.steps[0]).toMatchObject({ attempts: 0, failure: { code: 'ABSENT_VALUE' } });
});

test('a reply that was lost after the effect is adopted, not repeated', async () => {
  using store = temporaryJournal();
  const ran = await runToy(runbook([put('A'), put('B')]), store, {
    during: (_journal, world) => world.loseReplyOf.add('put A=new'),
  });
  expect(ran.result.status).toBe('Success');
  expect(ran.world.effects.map(({ what }) => what)).toEqual(['put A=new', 'put B=new']);
});

test('a cancel runs onCancel and then climbs down', async () => {
  const ran = await run(
    runbook([
      put('A'),
      step({ name: 'Wait', action: 'aws:sleep', inputs: { Duration: 'PT1H' }, onCancel: to('Tidy') }),
      put('B'),
      put('Tidy'),
    ]),
    { during: (journal) => setTimeout(() => void journal.requestCancel('TOY000000001'), 200) },
  );
  expect(ran.result).toMatchObject({ status: 'Cancelled', rollbackStatus: 'clean' });
  expect(statuses(ran)).toMatchObject({ Wait: 'Cancelled', B: 'Pending', Tidy: 'Success' });
  expect(ran.world.state()).toEqual({ values: {}, snapshots: 0 });
});

test('a secret reaches the action and nothing else', async () => {
  using store = temporaryJournal();
  const ran = await runToy(
    runbook([step({ name: 'A', action: 'toy:tell', inputs: { Text: 'say {{ P }}' } })]),
    store,
    {
      input: { parameters: { P: '\u0000secret:P\u0000' } },
      secrets: new Map([['P', 'hunter2-canary']]),
    },
  );
  expect(maskPlaceholders(ran.state.steps[0])).toMatchObject({
    inputs: { Text: 'say ***' },
    outputs: { Text: 'say ***', Length: 'say hunter2-canary'.length },
  });
  const rows = JSON.stringify([ran.state, await store.journal.activity(executionId, 'A#1:wait')]);
  expect(rows).not.toContain('hunter2-canary');
});

test('timeoutSeconds of the document ends the forward flow, and the rollback has its own time', async () => {
  const slow = step({ name: 'Slow', action: 'aws:sleep', inputs: { Duration: 'PT1H' } });
  const ran = await run(runbook([put('A'), slow, put('B')], { timeoutSeconds: 1 }));
  expect(ran.result).toMatchObject({ status: 'TimedOut', rollbackStatus: 'clean' });
  expect(statuses(ran)).toMatchObject({ A: 'Success', Slow: 'TimedOut', B: 'Pending' });
  expect(ran.world.get('A')).toBeNull();
});

test('a step that begins when the time of the document is over does nothing', async () => {
  const slow = step({
    name: 'Slow',
    action: 'aws:sleep',
    inputs: { Duration: 'PT1H' },
    onFailure: { kind: 'Continue' },
  });
  const ran = await run(runbook([slow, put('B')], { timeoutSeconds: 1, ...never }));
  expect(statuses(ran)).toEqual({ Slow: 'TimedOut', B: 'TimedOut' });
  expect(ran.world.effects).toEqual([]);
});
