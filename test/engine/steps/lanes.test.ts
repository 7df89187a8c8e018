/** Lanes of a rolling, up and down: a slow target holds up no other, and a replay says the same whatever is faster then. */
import fc from 'fast-check';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { plan, runExecution, type ActivityCall, type OutcomeResult } from '../../../src/engine/index.ts';
import type { StepDescriptor } from '../../../src/engine/index.ts';
import type { JsonObject } from '../../../src/json.ts';
import { MemoryRuntime, MemoryStore } from '../../support/memory-runtime.ts';
import { plain, runbook, step } from '../../support/run-toy.ts';
import { failedWith, gave } from '../../support/step-bed.ts';

const acts: StepDescriptor = { ...plain, effect: 'repeatable', undo: { kind: 'restore' } };
const act = (name: string) => step({ name, action: 'toy:put' });
const gate = step({ name: 'Holds', action: 'toy:check' });

/** A rolling over the targets, then a step that fails. */
function programOf(targets: readonly string[], inputs: JsonObject, names: readonly string[]) {
  const roll = step({
    name: 'Roll',
    action: 'belay:rolling',
    inputs: { Targets: targets, ...inputs },
    nested: { Steps: names.map(act), Gate: [gate] },
  });
  return plan(runbook([roll, step({ name: 'Fail', action: 'toy:check' })]), ({ action }) =>
    action === 'toy:put' ? acts : { ...plain, flow: action === 'belay:rolling' ? 'rolling' : null },
  );
}

type Answer = (call: ActivityCall) => Promise<OutcomeResult | undefined> | OutcomeResult | undefined;

async function run(
  program: ReturnType<typeof programOf>,
  targets: readonly string[],
  answer: Answer = () => undefined,
  store = new MemoryStore(),
) {
  const usual = (call: ActivityCall): OutcomeResult => {
    if (call.kind === 'prepare')
      return { status: 'ok', value: { observed: { Targets: targets }, captures: {} } };
    if (call.kind === 'begin') return { status: 'ok', value: null };
    if (call.kind === 'adopt') return { status: 'ok', value: { found: 'absent' } };
    if (call.step === 'Fail') return failedWith('NO', 'known');
    const value = { ...changed, changes: [{ target: call.step, subject: 'x', from: 'a', to: 'b' }] };
    return call.kind === 'wait' ? { status: 'ok', value } : { status: 'timeout' };
  };
  const runtime = new MemoryRuntime({ run: async (call) => (await answer(call)) ?? usual(call) }, store);
  const input = { parameters: {}, rollbackWhen: 'onFailure', rollbackRequests: [], failAt: null } as const;
  const result = await runExecution(runtime, program, input);
  return { result, store, events: store.events.map(({ event }) => event) };
}

const changed = { outputs: {}, changes: [], restorePoints: [], targets: [], note: '' };
const sideBySide = { MaxUnavailable: 5, MaxErrors: 4 };
const targets = ['a', 'b', 'c', 'd', 'e'];

test(
  'each of five targets is slow at another step, and none waits for another',
  { timeout: 10_000 },
  async () => {
    const names = ['S1', 'S2', 'S3', 'S4', 'S5'];
    const done = Promise.withResolvers<void>();
    let waiting = 0;
    // The slow step of a target ends only when all five targets are in theirs.
    const answer: Answer = async ({ kind, step: path }) => {
      const [, target = '', name = ''] = /^Roll@(\w)\/(S\d)$/.exec(path) ?? [];
      if (kind !== 'wait' || names.indexOf(name) !== targets.indexOf(target) || name === '') return undefined;
      waiting += 1;
      if (waiting === targets.length) done.resolve();
      await done.promise;
      return gave({});
    };
    const { events } = await run(programOf(targets, sideBySide, names), targets, answer);
    expect(events.filter(({ type }) => type === 'TurnEnded')).toHaveLength(5);
  },
);

test('targets climb down side by side where they went up so, and one after the other where they did not', async () => {
  const atOnce = async (inputs: JsonObject) => {
    let [now, most] = [0, 0];
    const answer: Answer = async ({ kind, step: path }) => {
      if (kind !== 'wait' || !path.endsWith('/undo')) return undefined;
      now += 1;
      most = Math.max(most, now);
      await delay(5);
      now -= 1;
      return undefined;
    };
    const { result } = await run(programOf(targets, inputs, ['S1', 'S2']), targets, answer);
    expect(result.rollbackStatus).toBe('clean');
    return most;
  };
  expect(await atOnce(sideBySide)).toBe(5);
  expect(await atOnce({ MaxUnavailable: 5, MaxErrors: 1 })).toBe(2);
  expect(await atOnce({ MaxUnavailable: 1, MaxErrors: 4 })).toBe(1);
});

test('the gate is asked before and after each target on the way down, and one that closes keeps the rest', async () => {
  let asked = 0;
  const answer: Answer = ({ step: path }) => {
    if (!path.includes('/undo/gate-')) return undefined;
    asked += 1;
    return asked === 4 ? failedWith('BAD', 'known') : undefined;
  };
  const { events, result } = await run(programOf(['a', 'b', 'c'], {}, ['S1']), ['a', 'b', 'c'], answer);
  expect(result.rollbackStatus).toBe('partial');
  expect(
    events.flatMap((event) =>
      event.type === 'StepStarted' && event.step.includes('/undo/gate') ? [event.step] : [],
    ),
  ).toEqual([
    'Roll@c/S1/undo/gate-before/Holds',
    'Roll@c/S1/undo/gate-after/Holds',
    'Roll@b/S1/undo/gate-before/Holds',
    'Roll@b/S1/undo/gate-after/Holds',
  ]);
  expect(
    events.flatMap((event) =>
      event.type === 'UndoEnded' ? [[event.step, event.result, event.failure?.code]] : [],
    ),
  ).toEqual([
    ['Roll@c/S1', 'undone', undefined],
    ['Roll@b/S1', 'undone', undefined],
    ['Roll@a/S1', 'failed', 'GATE_CLOSED'],
  ]);
});

class Killed extends Error {}

test('a runner that dies anywhere is taken over: events go on where they were, and nothing is done twice', async () => {
  const program = programOf(['a', 'b', 'c'], { MaxUnavailable: 3, MaxErrors: 2 }, ['S1', 'S2']);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 60 }),
      fc.array(fc.nat(4), { minLength: 1 }),
      fc.array(fc.nat(4), { minLength: 1 }),
      async (dieAt, pausesMs, laterMs) => {
        const store = new MemoryStore();
        let calls = 0;
        const acted: string[] = [];
        const slow =
          (pauses: readonly number[], dies: boolean): Answer =>
          async ({ id, kind }) => {
            calls += 1;
            const own = calls;
            await delay(pauses[own % pauses.length] ?? 0);
            if (dies && own >= dieAt) throw new Killed();
            if (kind === 'wait') acted.push(id);
            return undefined;
          };
        await run(program, ['a', 'b', 'c'], slow(pausesMs, true), store).catch((error: unknown) => {
          if (!(error instanceof Killed)) throw error;
        });
        const before = [...store.events];
        const { result, events } = await run(program, ['a', 'b', 'c'], slow(laterMs, false), store);
        expect(result).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
        expect(store.events.slice(0, before.length)).toEqual(before);
        expect(new Set(acted).size).toBe(acted.length);
        const started = events.flatMap((event) => (event.type === 'StepStarted' ? [event.step] : []));
        const ended = events.flatMap((event) => (event.type === 'StepEnded' ? [event.step] : []));
        expect(new Set(started).size).toBe(started.length);
        expect(ended.toSorted()).toEqual(started.toSorted());
        const replayed = await run(program, ['a', 'b', 'c'], () => failedWith('NOT_AGAIN'), store);
        expect(replayed.events).toEqual(events);
      },
    ),
    { numRuns: 60 },
  );
}, 30_000);
