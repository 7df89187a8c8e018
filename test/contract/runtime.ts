/** What every host of the engine's port must do. A bed makes runners over one store: a new one is a resume after a death. */
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ActivityCallOf, OutcomeResult, RecordedEvent, Runtime } from '../../src/engine/index.ts';
import type { Json } from '../../src/json.ts';
import { childCases } from './runtime-children.ts';

export interface RuntimeBed {
  /** `run` carries out activities; what it throws ends the runner. */
  runner(run: (id: string, cancel: AbortSignal) => Promise<OutcomeResult<never>>): Runtime;
  signal(name: string, value: Json, dedupe: string): void;
  cancel(): void;
  /** Lets that much time go by with nobody alive. */
  pass(ms: number): void;
  events(): readonly RecordedEvent[];
  childIds(): readonly string[];
  childEvents(id: string): readonly RecordedEvent[];
  signalChild(id: string, name: string, value: Json): void;
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

export function runtimeContract(name: string, make: () => RuntimeBed): void {
  describe(`the engine's port on ${name}`, () => {
    let bed: RuntimeBed;
    let ran: string[];
    const runner = (answer: (id: string) => Promise<OutcomeResult<never>> = () => Promise.resolve(no)) =>
      bed.runner((id) => {
        ran.push(id);
        return answer(id);
      });
    const dying = () => runner(() => Promise.reject(new Error('died')));

    beforeEach(() => {
      bed = make();
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
      bed.cancel();
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
      bed.cancel();
      expect(await outcome).toMatchObject({ status: 'cancelled' });
    });

    test('a sleep counts from its first call, across runners, and ends with a cancel', async () => {
      await expect(Promise.race([dying().activity(call('x')), delay(1)])).rejects.toThrow();
      const before = runner();
      const asleep = before.sleep('s', 30, heed);
      expect(await asleep).toBe('elapsed');
      bed.pass(3_600_000);
      expect(await runner().sleep('s', 3_600_000_000, heed)).toBe('elapsed');
      bed.cancel();
      expect(await runner().sleep('t', 60_000, heed)).toBe('cancelled');
      expect(await runner().sleep('u', 1, { ignoreCancel: true })).toBe('elapsed');
    });

    test('signals wait in order with nobody alive, each is taken once, and a second of one key is none', async () => {
      bed.signal('go', 1, 'a');
      bed.signal('go', 1, 'a');
      bed.signal('go', 2, 'b');
      const first = await runner().waitForSignal('w1', 'go', 60_000, heed);
      expect(first).toMatchObject({ status: 'signal', value: 1 });
      expect(await runner().waitForSignal('w1', 'go', 60_000, heed)).toEqual(first);
      expect(await runner().waitForSignal('w2', 'go', 60_000, heed)).toMatchObject({ value: 2 });
      expect(await runner().waitForSignal('w3', 'go', 1, heed)).toMatchObject({ status: 'timeout' });
      bed.cancel();
      expect(await runner().waitForSignal('w4', 'go', 60_000, heed)).toMatchObject({ status: 'cancelled' });
    });

    test('an instant is on record', async () => {
      const now = await runner().now('n');
      bed.pass(1000);
      expect(await runner().now('n')).toBe(now);
      expect(await runner().now('m')).toBeGreaterThan(now);
    });

    test('events are appended once, by their number', async () => {
      const event = { type: 'LocksReleased', kept: [] } as const;
      await runner().emit(1, event);
      const next = runner();
      await next.emit(1, event);
      await next.emit(2, event);
      await next.activity(call('x'));
      expect(bed.events()).toHaveLength(2);
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

    childCases(() => ({ bed, runner }));
  });
}
