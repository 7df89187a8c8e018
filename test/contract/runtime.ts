/** What every host of the engine's port must do. A bed makes runners over one store: a new one is a resume after a death. */
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ActivityCallOf, OutcomeResult, RecordedEvent, Runtime } from '../../src/engine/index.ts';
import type { Json } from '../../src/json.ts';
import { childCases } from './runtime-children.ts';

type Awaitable<T> = T | Promise<T>;

export interface RuntimeBed {
  /** `run` carries out activities; what it throws ends the runner. */
  runner(run: (id: string, cancel: AbortSignal) => Promise<OutcomeResult<never>>): Runtime;
  signal(name: string, value: Json, dedupe: string): Awaitable<void>;
  cancel(): Awaitable<void>;
  /** Lets that much time go by with nobody alive. */
  pass(ms: number): void;
  events(): Awaitable<readonly RecordedEvent[]>;
  childIds(): Awaitable<readonly string[]>;
  childEvents(id: string): Awaitable<readonly RecordedEvent[]>;
  signalChild(id: string, name: string, value: Json): Awaitable<void>;
}

const call = (id: string, more: Partial<ActivityCallOf<'stop'>> = {}): ActivityCallOf<'stop'> => ({
  id,
  kind: 'stop',
  input: { action: 'a', inputs: {}, before: null, handle: null },
  step: 'A',
  token: 't',
  timeoutMs: 60_000,
  onLost: 'rerun',
  ignoreCancel: false,
  ...more,
});
const no: OutcomeResult<never> = {
  status: 'failed',
  code: 'NO',
  message: 'm',
  retryable: false,
  effect: 'known',
};
const heed = { ignoreCancel: false };

export function runtimeContract(name: string, make: () => Awaitable<RuntimeBed>): void {
  describe(`the engine's port on ${name}`, () => {
    let bed: RuntimeBed;
    let ran: string[];
    const runner = (answer: (id: string) => Promise<OutcomeResult<never>> = () => Promise.resolve(no)) =>
      bed.runner((id) => {
        ran.push(id);
        return answer(id);
      });
    const dying = () => runner(() => Promise.reject(new Error('died')));

    beforeEach(async () => {
      bed = await make();
      ran = [];
    });

    test('an outcome is data, and on record: the next runner is told it and nothing is done again', async () => {
      const outcome = await runner().activity(call('A#1:stop'));
      expect(outcome).toMatchObject(no);
      expect(await runner().activity(call('A#1:stop'))).toEqual(outcome);
      expect(ran).toEqual(['A#1:stop']);
    });

    test('what began and left no outcome is done again, or told as lost', async () => {
      await expect(dying().activity(call('x'))).rejects.toThrow('died');
      await expect(dying().activity(call('y', { onLost: 'report' }))).rejects.toThrow('died');
      const next = runner();
      expect(await next.activity(call('x'))).toMatchObject(no);
      expect(await next.activity(call('y', { onLost: 'report' }))).toMatchObject({ status: 'lost' });
      expect(ran).toEqual(['x', 'y', 'x']);
    });

    test('time with nobody alive is told once', async () => {
      await runner().activity(call('x'));
      bed.pass(3_600_000);
      const next = runner();
      await next.activity(call('x'));
      expect((await next.activity(call('y'))).absentMs).toBeGreaterThanOrEqual(3_599_000);
      expect((await next.activity(call('z'))).absentMs).toBeUndefined();
    });

    test('after a cancel nothing begins but what ignores it', async () => {
      await bed.cancel();
      const runtime = runner();
      expect(await runtime.activity(call('x'))).toMatchObject({ status: 'cancelled' });
      expect(await runtime.activity(call('y', { ignoreCancel: true }))).toMatchObject(no);
      expect(ran).toEqual(['y']);
    });

    test('a cancel reaches what is under way', async () => {
      const runtime = bed.runner(async (_id, cancel) => {
        await new Promise((resolve) => cancel.addEventListener('abort', resolve, { once: true }));
        return { status: 'cancelled' };
      });
      const outcome = runtime.activity(call('x'));
      await bed.cancel();
      expect(await outcome).toMatchObject({ status: 'cancelled' });
    });

    test('a sleep counts from its first call, across runners, and ends with a cancel', async () => {
      await expect(Promise.race([dying().activity(call('x')), delay(5_000)])).rejects.toThrow();
      const before = runner();
      const asleep = before.sleep('s', 30, heed);
      expect(await asleep).toBe('elapsed');
      bed.pass(3_600_000);
      expect(await runner().sleep('s', 3_600_000_000, heed)).toBe('elapsed');
      await bed.cancel();
      expect(await runner().sleep('t', 60_000, heed)).toBe('cancelled');
      expect(await runner().sleep('u', 1, { ignoreCancel: true })).toBe('elapsed');
    });

    test('signals wait in order with nobody alive, each is taken once, and a second of one key is none', async () => {
      await bed.signal('go', 1, 'a');
      await bed.signal('go', 1, 'a');
      await bed.signal('go', 2, 'b');
      const first = await runner().waitForSignal('w1', 'go', 60_000, heed);
      expect(first).toMatchObject({ status: 'signal', value: 1 });
      expect(await runner().waitForSignal('w1', 'go', 60_000, heed)).toEqual(first);
      expect(await runner().waitForSignal('w2', 'go', 60_000, heed)).toMatchObject({ value: 2 });
      expect(await runner().waitForSignal('w3', 'go', 1, heed)).toMatchObject({ status: 'timeout' });
      await bed.cancel();
      expect(await runner().waitForSignal('w4', 'go', 60_000, heed)).toMatchObject({ status: 'cancelled' });
    });

    test('an instant is on record', async () => {
      const now = await runner().now('n');
      bed.pass(1000);
      expect(await runner().now('n')).toBe(now);
      expect(await runner().now('m')).toBeGreaterThan(now);
    });

    test('the end before a further step is told where it was asked for in time, and the same on every replay', async () => {
      const event = { type: 'LocksReleased', kept: [] } as const;
      const first = runner();
      expect(await first.isToComplete('b1', 1)).toBe(false);
      await first.emit(1, event);
      // What is written down takes the event with it.
      await first.activity(call('x'));
      await bed.signal('complete', true, 'a');
      const next = runner();
      expect(await next.isToComplete('b1', 1)).toBe(false);
      expect(await next.isToComplete('b2', 2)).toBe(true);
      await next.emit(2, event);
      await next.activity(call('y'));
      const last = runner();
      expect(await last.isToComplete('b1', 1)).toBe(false);
      expect(await last.isToComplete('b2', 2)).toBe(true);
    });

    test('events are appended once, by their number', async () => {
      const event = { type: 'LocksReleased', kept: [] } as const;
      await runner().emit(1, event);
      const next = runner();
      await next.emit(1, event);
      await next.emit(2, event);
      await next.activity(call('x'));
      expect(await bed.events()).toHaveLength(2);
    });

    test('of several calls the one that ended first is named, and on a replay the same', async () => {
      const pauses: Readonly<Record<string, number>> = { x: 60, y: 5, z: 30 };
      const order = async (runtime: Runtime): Promise<string[]> => {
        const left = new Set(['x', 'y', 'z']);
        const calls = [...left].map((id) => runtime.activity(call(id)));
        const named: string[] = [];
        while (left.size > 0) {
          const first = await runtime.first(`first${left.size}`, [...left]);
          named.push(first);
          left.delete(first);
        }
        await Promise.all(calls);
        return named;
      };
      const slow = runner(async (id) => {
        await delay(pauses[id] ?? 0);
        return no;
      });
      expect(await order(slow)).toEqual(['y', 'z', 'x']);
      expect(await order(runner())).toEqual(['y', 'z', 'x']);
      expect(ran).toHaveLength(3);
    });

    test('what began before a cancel is not told as cancelled, but as what became of it', async () => {
      await expect(dying().activity(call('x'))).rejects.toThrow('died');
      await expect(dying().activity(call('y', { onLost: 'report' }))).rejects.toThrow('died');
      await bed.cancel();
      expect(await runner().activity(call('y', { onLost: 'report' }))).toMatchObject({ status: 'lost' });
      expect(await runner().activity(call('x'))).toMatchObject(no);
      expect(await runner().activity(call('z'))).toMatchObject({ status: 'cancelled' });
    });

    test('a cancel that comes meanwhile stops nothing that ignores it', async () => {
      const runtime = bed.runner(async (_id, cancel) => {
        await bed.cancel();
        await delay(250);
        return cancel.aborted ? { status: 'cancelled' } : no;
      });
      expect(await runtime.activity(call('x', { ignoreCancel: true }))).toMatchObject(no);
      expect(await runner().sleep('s', 200, { ignoreCancel: true })).toBe('elapsed');
    });

    test('an outcome that is on record stays, although a runner that was taken for dead comes with another', async () => {
      const held = Promise.withResolvers<OutcomeResult<never>>();
      const zombie = bed.runner(() => held.promise);
      const late = zombie.activity(call('x'));
      await delay(5);
      const outcome = await runner().activity(call('x'));
      held.resolve({ status: 'timeout' });
      await late;
      expect(await runner().activity(call('x'))).toEqual(outcome);
    });

    test('events of a runner that was taken for dead take nobody’s place', async () => {
      const zombie = runner();
      const next = runner();
      await next.emit(1, { type: 'LocksReleased', kept: [] });
      await next.activity(call('x'));
      await zombie.emit(1, { type: 'LocksReleased', kept: [{ lock: 'x:a', why: 'late' }] });
      await zombie.activity(call('y'));
      expect(await bed.events()).toMatchObject([{ seq: 1, event: { kept: [] } }]);
    });

    test('a large value comes back whole, and so does any text', async () => {
      const message = `${'ö€😀\u0000"\\'.repeat(150_000)}end`;
      const large = runner(() => Promise.resolve({ ...no, message }));
      expect((await large.activity(call('x'))).status).toBe('failed');
      expect(await runner().activity(call('x'))).toMatchObject({ message });
    });

    test('an id may be any text, and ids that look alike are two', async () => {
      for (const id of ['a', 'A', 'a ', 'ä', 'a#1:stop', "a'; --", 'a\u0000'])
        await runner().activity(call(id));
      expect(ran).toHaveLength(7);
    });

    test('a sleep of a hundred days has not elapsed at once', async () => {
      const runtime = runner();
      const long = runtime.sleep('long', 100 * 24 * 3_600_000, heed);
      const short = runtime.sleep('short', 30, heed);
      expect(await runtime.first('f', ['long', 'short'])).toBe('short');
      expect(await short).toBe('elapsed');
      await bed.cancel();
      expect(await long).toBe('cancelled');
    });

    test('a sleep of no time at all is over', async () => {
      expect(await runner().sleep('s', 0, heed)).toBe('elapsed');
    });

    test('a signal under another name is left for who waits for it', async () => {
      await bed.signal('continue:B', 'b', 'k');
      await bed.signal('continue:A', 'a', 'k');
      expect(await runner().waitForSignal('w1', 'continue:A', 60_000, heed)).toMatchObject({ value: 'a' });
      expect(await runner().waitForSignal('w2', 'continue:B', 60_000, heed)).toMatchObject({ value: 'b' });
    });

    test('a signal that comes while it is waited for is taken', async () => {
      const waiting = runner().waitForSignal('w', 'go', 60_000, heed);
      await delay(20);
      await bed.signal('go', { by: 'ops' }, 'k');
      expect(await waiting).toMatchObject({ status: 'signal', value: { by: 'ops' } });
    });

    test('a person is waited for off the clock: the time before the answer is told to nobody', async () => {
      await runner().activity(call('x'));
      bed.pass(3_600_000);
      await bed.signal('go', 1, 'a');
      const next = runner();
      await next.activity(call('x'));
      await next.waitForSignal('w', 'go', 60_000, heed);
      expect((await next.activity(call('y'))).absentMs).toBeUndefined();
    });

    test('a wait for a person and an activity can be raced, and one call alone as well', async () => {
      const runtime = runner();
      const waiting = runtime.waitForSignal('w', 'go', 60_000, heed);
      const acting = runtime.activity(call('x'));
      expect(await runtime.first('f1', ['w', 'x'])).toBe('x');
      await acting;
      const last = runtime.first('f2', ['w']);
      await bed.signal('go', 1, 'a');
      expect(await last).toBe('w');
      expect(await waiting).toMatchObject({ status: 'signal' });
    });

    test('what one of several calls throws is its own, and the others come to their end', async () => {
      const runtime = runner((id) =>
        id === 'x' ? Promise.reject(new Error('died')) : delay(20).then(() => no),
      );
      const lost = runtime.activity(call('x'));
      const kept = runtime.activity(call('y'));
      await expect(lost).rejects.toThrow('died');
      expect(await runtime.first('f', ['x', 'y'])).toBe('y');
      expect(await kept).toMatchObject(no);
    });

    test('a hundred calls at once are all on record, in an order that every replay has', async () => {
      const ids = Array.from({ length: 100 }, (_, index) => `call${index}`);
      const order = async (runtime: Runtime): Promise<string[]> => {
        const calls = ids.map((id) => runtime.activity(call(id)));
        const left = new Set(ids);
        const named: string[] = [];
        while (left.size > 0) {
          const next = await runtime.first(`f${left.size}`, [...left]);
          left.delete(next);
          named.push(next);
        }
        await Promise.all(calls);
        return named;
      };
      const first = await order(runner(() => delay(Math.random() * 10).then(() => no)));
      expect(first.toSorted()).toEqual(ids.toSorted());
      expect(await order(runner())).toEqual(first);
      expect(ran).toHaveLength(100);
    });

    childCases(() => ({ bed, runner }));
  });
}
