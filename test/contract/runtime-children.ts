/** What every host of the engine's port must do with children: the second half of the suite in runtime.ts. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  plan,
  type ChildCall,
  type ChildOutcome,
  type OutcomeResult,
  type Runtime,
} from '../../src/engine/index.ts';
import type { Step } from '../../src/document/index.ts';
import { plain, runbook, step } from '../support/run-toy.ts';
import type { RuntimeBed } from './runtime.ts';

export interface Bedded {
  readonly bed: RuntimeBed;
  /** A runner whose activities give that. */
  readonly runner: (answer: (id: string) => Promise<OutcomeResult<never>>) => Runtime;
}

const done = (id: string): OutcomeResult<never> => ({ status: 'ok', value: valueOf(id) as never });

function valueOf(id: string): unknown {
  if (/:(begin|observe)$/.test(id)) return null;
  if (id.endsWith(':prepare')) return { observed: null, captures: {} };
  return { outputs: { Id: id }, changes: [], restorePoints: [], targets: [], note: '' };
}

const failed: OutcomeResult<never> = {
  status: 'failed',
  code: 'NO',
  message: 'it said no',
  retryable: false,
  effect: 'known',
};

const steps: readonly Step[] = ['One', 'Two'].map((name) => step({ name, action: 'toy:put' }));

function programOf(of: readonly Step[], more: Parameters<typeof runbook>[1] = {}): ChildCall['program'] {
  return plan(runbook(of, more), ({ action }) =>
    action === 'aws:pause'
      ? { ...plain, flow: 'pause' }
      : { ...plain, effect: 'repeatable', undo: { kind: 'restore' } },
  );
}

const call = (id: string, more: Partial<ChildCall> = {}): ChildCall => ({
  id,
  step: 'Call',
  target: null,
  runbook: 'child',
  file: null,
  program: programOf(steps, { outputs: ['Two.Id'] }),
  input: { parameters: {}, rollbackWhen: 'never' },
  timeoutMs: null,
  ignoreCancel: false,
  ...more,
});

type Ended = Extract<ChildOutcome, { status: 'ended' }>;

function ended(outcome: ChildOutcome): Ended {
  if (outcome.status !== 'ended') throw new Error(`the child is ${outcome.status}`);
  return outcome;
}

const at = (id: string): Promise<OutcomeResult<never>> => Promise.resolve(done(id));

export function childCases(bedded: () => Bedded): void {
  const counting = (answer: (id: string) => Promise<OutcomeResult<never>> = at) => {
    const waits: string[] = [];
    const runtime = bedded().runner((id) => {
      if (id.endsWith(':wait')) waits.push(id);
      return answer(id);
    });
    return { runtime, waits };
  };

  test('a child is an execution of its own, with its own events, and tells what it came to', async () => {
    const { runtime, waits } = counting();
    const outcome = ended(await runtime.child(call('Call:child')));
    expect(outcome.result).toMatchObject({
      status: 'Success',
      rollbackStatus: 'notRequested',
      outputs: { 'Two.Id': 'Two#1:wait' },
      failure: null,
      owed: 2,
    });
    expect(outcome.executionId).not.toBe(runtime.executionId);
    expect(waits).toEqual(['One#1:wait', 'Two#1:wait']);
    expect((await bedded().bed.childEvents(outcome.executionId)).at(-1)?.event.type).toBe('ExecutionEnded');
    expect(await bedded().bed.events()).toEqual([]);
  });

  test('the same call finds the same child, and what it came to is on record', async () => {
    const first = ended(await counting().runtime.child(call('Call:child')));
    const { runtime, waits } = counting(() => Promise.resolve(failed));
    expect(await runtime.child(call('Call:child'))).toEqual(first);
    expect(waits).toEqual([]);
    const other = ended(await runtime.child(call('Other:child')));
    expect(other.executionId).not.toBe(first.executionId);
    expect(other.result).toMatchObject({ status: 'Failed', failedStep: 'One', failure: { code: 'NO' } });
  });

  test('a runner that dies in a child is resumed in that child, and nothing that ended is done again', async () => {
    const dying = counting((id) => (id.startsWith('Two') ? Promise.reject(new Error('died')) : at(id)));
    await expect(dying.runtime.child(call('Call:child'))).rejects.toThrow('died');
    const { runtime, waits } = counting();
    const outcome = ended(await runtime.child(call('Call:child')));
    expect(outcome.result.status).toBe('Success');
    expect(waits).toEqual(['Two#1:wait']);
    expect(await bedded().bed.childEvents(outcome.executionId)).toHaveLength(7);
  });

  test('children go on side by side, and which ended first is the same on every replay', async () => {
    const order = async (runtime: Runtime): Promise<string[]> => {
      const left = new Set(['a', 'b', 'c']);
      const calls = [...left].map((id) =>
        runtime.child(call(id, { program: programOf([step({ name: `S${id}`, action: 'toy:put' })]) })),
      );
      const named: string[] = [];
      for (const question of ['first1', 'first2', 'first3']) {
        const next = await runtime.first(question, [...left]);
        named.push(next);
        left.delete(next);
      }
      await Promise.all(calls);
      return named;
    };
    const pauses: Readonly<Record<string, number>> = { Sa: 80, Sb: 5, Sc: 40 };
    const slow = counting(async (id) => {
      if (id.endsWith(':wait')) await delay(pauses[id.split('#')[0] ?? ''] ?? 0);
      return done(id);
    });
    expect(await order(slow.runtime)).toEqual(['b', 'c', 'a']);
    const replay = counting();
    expect(await order(replay.runtime)).toEqual(['b', 'c', 'a']);
    expect(replay.waits).toEqual([]);
  });

  test('a child and a sleep can be raced', async () => {
    const { runtime } = counting(async (id) => {
      if (id.startsWith('Two')) await delay(60);
      return done(id);
    });
    const child = runtime.child(call('Call:child'));
    const asleep = runtime.sleep('limit', 5, { ignoreCancel: false });
    expect(await runtime.first('first1', ['Call:child', 'limit'])).toBe('limit');
    expect(await asleep).toBe('elapsed');
    expect(await runtime.first('first2', ['Call:child'])).toBe('Call:child');
    expect(ended(await child).result.status).toBe('Success');
  });

  test('a cancel reaches the children, and each climbs down as its input says', async () => {
    const { runtime, waits } = counting(async (id) => {
      if (id === 'One#1:wait') await bedded().bed.cancel();
      return done(id);
    });
    const input = { parameters: {}, rollbackWhen: 'onFailure' } as const;
    const outcome = ended(await runtime.child(call('Call:child', { input })));
    expect(outcome.result).toMatchObject({ status: 'Cancelled', rollbackStatus: 'clean', owed: 0 });
    expect(outcome.isTimedOut).toBe(false);
    expect(waits).toEqual(['One#1:wait', 'rollback0/One/undo#1:wait']);
    expect(await runtime.child(call('Later:child'))).toMatchObject({ status: 'cancelled' });
  });

  test('a child that ignores a cancel starts and comes to its end', async () => {
    await bedded().bed.cancel();
    const { runtime } = counting();
    const outcome = ended(await runtime.child(call('Call:child', { ignoreCancel: true })));
    expect(outcome.result.status).toBe('Success');
  });

  test('a child whose time is over is cancelled, and its end waited for', async () => {
    const pause = programOf([...steps.slice(0, 1), step({ name: 'Hold', action: 'aws:pause' })]);
    const { runtime } = counting();
    const outcome = ended(await runtime.child(call('Call:child', { program: pause, timeoutMs: 30 })));
    expect(outcome).toMatchObject({ isTimedOut: true, result: { status: 'Cancelled' } });
    expect(
      ended(await counting().runtime.child(call('Call:child', { program: pause, timeoutMs: 30 }))),
    ).toEqual(outcome);
  });

  test('what the time of a child is over for counts from the first call, across runners', async () => {
    const dying = counting(() => Promise.reject(new Error('died')));
    await expect(dying.runtime.child(call('Call:child', { timeoutMs: 60_000 }))).rejects.toThrow('died');
    bedded().bed.pass(3_600_000);
    const hold = counting(async (id) => {
      if (id.endsWith(':wait')) await delay(400);
      return done(id);
    });
    const outcome = ended(await hold.runtime.child(call('Call:child', { timeoutMs: 60_000 })));
    expect(outcome.isTimedOut).toBe(true);
  });

  test('a signal for a child waits for it with nobody alive, and is taken once', async () => {
    const program = programOf([...steps.slice(0, 1), step({ name: 'Hold', action: 'aws:pause' })]);
    const dying = counting(() => Promise.reject(new Error('died')));
    await expect(dying.runtime.child(call('Call:child', { program }))).rejects.toThrow('died');
    const { bed } = bedded();
    const [id = ''] = await bed.childIds();
    await bed.signalChild(id, 'continue:Hold', 'happened');
    const { runtime } = counting();
    const outcome = ended(await runtime.child(call('Call:child', { program })));
    expect(outcome).toMatchObject({ executionId: id, result: { status: 'Success' } });
  });

  test('a child that has ended climbs down when it is asked to, once', async () => {
    const { runtime, waits } = counting();
    const first = ended(await runtime.child(call('Call:child')));
    waits.length = 0;
    const again = { id: 'rollback0/Call:child', child: 'Call:child', request: { force: true } };
    const outcome = ended(await runtime.rollbackChild(again));
    expect(outcome.executionId).toBe(first.executionId);
    expect(outcome.result).toMatchObject({ status: 'Success', rollbackStatus: 'clean', owed: 0 });
    expect(waits).toEqual(['rollback1/Two/undo#1:wait', 'rollback1/One/undo#1:wait']);
    const next = counting();
    expect(await next.runtime.rollbackChild(again)).toEqual(outcome);
    expect(next.waits).toEqual([]);
  });

  test('a rollback of a child that was cut off goes on where it was, although the root is cancelled', async () => {
    await counting().runtime.child(call('Call:child'));
    const again = { id: 'rollback0/Call:child', child: 'Call:child', request: { force: true } };
    const dying = counting((id) => (id.includes('One') ? Promise.reject(new Error('died')) : at(id)));
    await expect(dying.runtime.rollbackChild(again)).rejects.toThrow('died');
    await bedded().bed.cancel();
    const { runtime, waits } = counting();
    expect(ended(await runtime.rollbackChild(again)).result.rollbackStatus).toBe('clean');
    expect(waits).toEqual(['rollback1/One/undo#1:wait']);
  });

  test('a child reads its own parameters, and numbers its own events', async () => {
    const program = programOf([step({ name: 'One', action: 'toy:put', inputs: { Key: '{{ P }}' } })], {
      parameters: { P: { type: 'String' } as never },
    });
    const input = { parameters: { P: 'of the child' }, rollbackWhen: 'never' } as const;
    const { runtime } = counting();
    const { executionId } = ended(await runtime.child(call('Call:child', { program, input })));
    const events = await bedded().bed.childEvents(executionId);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.find(({ event }) => event.type === 'StepStarted')?.event).toMatchObject({
      inputs: { Key: 'of the child' },
    });
  });

  test('fifty children at once have each an execution of their own', async () => {
    const { runtime, waits } = counting();
    const ids = Array.from({ length: 50 }, (_, index) => `Call${index}:child`);
    const outcomes = await Promise.all(ids.map((id) => runtime.child(call(id))));
    expect(new Set(outcomes.map((outcome) => ended(outcome).executionId)).size).toBe(50);
    expect(waits).toHaveLength(100);
    expect(new Set(await bedded().bed.childIds())).toEqual(
      new Set(outcomes.map((outcome) => ended(outcome).executionId)),
    );
  });

  test('a child that fails climbs down by itself where its input says so, and owes nothing then', async () => {
    const { runtime, waits } = counting((id) => Promise.resolve(id === 'Two#1:wait' ? failed : done(id)));
    const input = { parameters: {}, rollbackWhen: 'onFailure' } as const;
    const outcome = ended(await runtime.child(call('Call:child', { input })));
    expect(outcome.result).toMatchObject({
      status: 'Failed',
      failedStep: 'Two',
      failure: { code: 'NO', message: 'it said no' },
      rollbackStatus: 'clean',
      owed: 0,
    });
    waits.length = 0;
    const again = { id: 'rollback0/Call:child', child: 'Call:child', request: { force: true } };
    expect(ended(await runtime.rollbackChild(again)).result).toMatchObject({ rollbackStatus: 'clean' });
    expect(waits).toEqual([]);
  });

  test('a second rollback of a child takes back nothing twice', async () => {
    await counting().runtime.child(call('Call:child'));
    for (const [pass, count] of [
      [0, 2],
      [1, 0],
    ]) {
      const { runtime, waits } = counting();
      const again = { id: `rollback${pass}/Call:child`, child: 'Call:child', request: { force: true } };
      expect(ended(await runtime.rollbackChild(again)).result.rollbackStatus).toBe('clean');
      expect(waits).toHaveLength(count ?? NaN);
    }
  });

  test('a child holds its locks in the root, which is told them and gives them back', async () => {
    const program = programOf(steps, { locks: ['host:db1'] });
    const { runtime } = counting((id) =>
      Promise.resolve(
        id === 'locks#1' ? { status: 'ok', value: { kind: 'taken', unheard: [] } as never } : done(id),
      ),
    );
    const outcome = ended(await runtime.child(call('Call:child', { program })));
    expect(outcome.result.locks).toEqual(['host:db1']);
    const types = (await bedded().bed.childEvents(outcome.executionId)).map(({ event }) => event.type);
    expect(types).toContain('LocksTaken');
    expect(types).not.toContain('LocksReleased');
  });
}
