/** What every store of the journal must do. */
import { expect, test } from 'vitest';
import type { EngineEvent, RecordedEvent } from '../../src/engine/index.ts';
import type { Journal, NewExecution } from '../../src/journal/index.ts';

const execution = (id: string, createdAt: number): NewExecution => ({
  id,
  runbook: 'patch',
  file: 'patch.yaml',
  program: {
    interpreter: 1,
    document: {
      schemaVersion: '0.3',
      parameters: {},
      mainSteps: [],
      outputs: [],
      rollback: { when: 'never', timeoutSeconds: 1 },
      additions: [],
    },
    descriptors: {},
  },
  sha256: 'abc',
  input: { parameters: { Host: 'db1' }, rollbackWhen: 'never', rollbackRequests: [], failAt: null },
  settings: { sandbox: false, inventoryFile: null, secrets: {}, startedBy: 'ops', usesAws: false },
  createdAt,
});
const event = (seq: number, step: string): RecordedEvent => ({
  seq,
  at: seq * 10,
  event: { type: 'UndoStarted', step, action: 'toy:put' } satisfies EngineEvent,
});

/** `open` gives a store on the same data each time. */
export function journalContract(
  name: string,
  open: () => { journal: Journal; again: () => Journal; close: () => void },
): void {
  const within =
    (work: (journal: Journal, again: () => Journal) => void | Promise<void>) => async (): Promise<void> => {
      const { journal, again, close } = open();
      try {
        await work(journal, again);
      } finally {
        close();
      }
    };

  test(
    `${name}: an execution is created once and read back as it was, by others too`,
    within(async (journal, again) => {
      expect(await journal.create(execution('A', 1))).toBe(true);
      expect(await journal.create(execution('A', 2))).toBe(false);
      expect(await again().execution('A')).toMatchObject({
        ...execution('A', 1),
        cancelRequested: false,
        runner: null,
      });
      expect(await again().execution('B')).toBeUndefined();
    }),
  );

  test(
    `${name}: ids come newest first`,
    within(async (journal) => {
      for (const [id, at] of [
        ['A', 1],
        ['C', 3],
        ['B', 2],
      ] as const)
        await journal.create(execution(id, at));
      expect(await journal.executionIds()).toEqual(['C', 'B', 'A']);
    }),
  );

  test(
    `${name}: the first intent and the first outcome stay`,
    within(async (journal, again) => {
      await journal.create(execution('A', 1));
      expect(await journal.activity('A', 'x')).toBeUndefined();
      expect(await journal.begin('A', 'x', 5, [])).toEqual({ startedAt: 5, outcome: null });
      expect(await again().begin('A', 'x', 9, [])).toEqual({ startedAt: 5, outcome: null });
      await journal.end('A', 'x', { startedAt: 5, endedAt: 6, status: 'ok', value: 1 }, []);
      await journal.end('A', 'x', { startedAt: 5, endedAt: 7, status: 'ok', value: 2 }, []);
      expect((await again().activity('A', 'x'))?.outcome).toEqual({
        startedAt: 5,
        endedAt: 6,
        status: 'ok',
        value: 1,
      });
    }),
  );

  test(
    `${name}: events are appended once, whoever appends them again`,
    within(async (journal, again) => {
      await journal.create(execution('A', 1));
      await journal.append('A', [event(1, 'first'), event(2, 'second')]);
      await again().append('A', [event(2, 'other'), event(3, 'third')]);
      expect(
        (await journal.events('A', 1)).map(({ seq, event: e }) => [seq, 'step' in e ? e.step : '']),
      ).toEqual([
        [2, 'second'],
        [3, 'third'],
      ]);
      expect(await journal.lastSeq('A')).toBe(3);
      expect([...(await journal.lastSeqs())]).toEqual([['A', 3]]);
    }),
  );

  test(
    `${name}: the inbox keeps the order, takes a dedupe key once, and gives each entry to one activity`,
    within(async (journal, again) => {
      await journal.create(execution('A', 1));
      expect(await again().signal('A', 'go', 'one', 'k1', 1)).toBe(true);
      expect(await journal.signal('A', 'go', 'one again', 'k1', 2)).toBe(false);
      expect(await journal.signal('A', 'go', 'two', 'k2', 3)).toBe(true);
      const first = await journal.peek('A', 'go');
      expect(first?.value).toBe('one');
      if (first !== undefined)
        await journal.take('A', first, 'wait1', { startedAt: 1, endedAt: 2, status: 'ok', value: 'one' }, []);
      expect((await again().peek('A', 'go'))?.value).toBe('two');
      await journal.signal('A', 'stop', { now: true }, 'k1', 4, 'anna');
      await journal.create(execution('A.1', 1));
      await journal.signal('A.1', 'go', 'below', 'k1', 5, 'ben');
      expect(await again().untaken('A')).toMatchObject([
        { name: 'go', at: 3, value: 'two', by: null },
        { name: 'stop', at: 4, value: { now: true }, by: 'anna' },
      ]);
      expect((await again().activity('A', 'wait1'))?.outcome).toMatchObject({ status: 'ok', value: 'one' });
    }),
  );

  test(
    `${name}: cancel, runner and rollback requests are seen by others`,
    within(async (journal, again) => {
      await journal.create(execution('A', 1));
      expect(await journal.isCancelRequested('A')).toBe(false);
      await again().requestCancel('A');
      expect(await journal.isCancelRequested('A')).toBe(true);
      await journal.setRunner('A', { pid: 1, host: 'h', startedAt: 3 });
      await journal.addRollbackRequest('A', { force: false, step: 'Patch' });
      await journal.addRollbackRequest('A', { force: true });
      expect(await again().execution('A')).toMatchObject({
        runner: { pid: 1 },
        input: { rollbackRequests: [{ force: false, step: 'Patch' }, { force: true }] },
      });
      await journal.setRunner('A', null);
      expect((await again().execution('A'))?.runner).toBeNull();
    }),
  );

  test(
    `${name}: what a list is to tell is kept until an event or a runner comes`,
    within(async (journal, again) => {
      for (const [index, id] of ['A', 'B', 'C'].entries()) await journal.create(execution(id, index));
      await journal.append('B', [event(1, 'first')]);
      await journal.leave('B', { seq: 1, says: 'it waits' });
      expect(await again().listed(2)).toMatchObject([
        { id: 'C', summary: null },
        { id: 'B', summary: { seq: 1, says: 'it waits' }, runner: null, rollbackRequests: 0 },
      ]);
      await journal.append('B', [event(2, 'second')]);
      expect((await again().listed(null))[1]).toMatchObject({ id: 'B', summary: null });
      await journal.leave('B', { seq: 2 });
      await journal.setRunner('B', { pid: 1, host: 'h', startedAt: 3 });
      expect((await again().listed(null))[1]).toMatchObject({ id: 'B', summary: null });
      expect(await journal.count()).toBe(3);
    }),
  );

  test(
    `${name}: what is waited for and left is woken by a word under its name, by its time and by a cancel`,
    within(async (journal, again) => {
      for (const [index, id] of ['A', 'B', 'C', 'D'].entries()) {
        await journal.create(execution(id, index));
        const wait = { execution: id, name: 'approve:Ask', until: 100 + index };
        await journal.leave(id, { seq: 0 }, { waits: [wait], to: id === 'D' ? 'daemon' : null });
      }
      expect([await again().woken(50), await again().nextWakeAt(50)]).toEqual([[], 100]);
      await again().signal('B', 'continue:Ask', true, 'another', 60);
      expect(await journal.woken(60)).toEqual([]);
      await again().signal('B', 'approve:Ask', true, 'this', 60);
      await again().requestCancel('D');
      expect(await journal.woken(60)).toEqual([
        { id: 'B', leftTo: null },
        { id: 'D', leftTo: 'daemon' },
      ]);
      expect([(await journal.woken(100)).map(({ id }) => id), await journal.nextWakeAt(100)]).toEqual([
        ['A', 'B', 'D'],
        101,
      ]);
      const entry = await journal.peek('B', 'approve:Ask');
      if (entry === undefined) throw new Error('it was said');
      await journal.setRunner('B', { pid: 1, host: 'h', startedAt: 3 });
      expect(await journal.isLeft('B')).toBe(false);
      await journal.take('B', entry, 'Ask:signal', { startedAt: 1, endedAt: 2 }, []);
      await journal.leave('B', { seq: 0 });
      await journal.remove('A');
      expect((await again().woken(1_000)).map(({ id }) => id)).toEqual(['C', 'D']);
      expect([await again().isLeft('B'), await again().isLeft('C')]).toEqual([false, true]);
    }),
  );

  test(
    `${name}: a child is started with its call once, belongs to its root, and goes with it`,
    within(async (journal, again) => {
      await journal.create(execution('A', 1));
      const child = (id: string, parent: string, call: string) => ({
        ...execution(id, 2),
        child: { root: 'A', parent, call, step: 'Call', target: 'db1' },
      });
      await journal.beginChild(child('A.1', 'A', 'c1'), 5, [event(1, 'first')]);
      expect(await again().beginChild(child('A.1', 'A', 'c1'), 9, [])).toEqual({
        startedAt: 5,
        outcome: null,
      });
      await journal.beginChild(child('A.2', 'A.1', 'c2'), 6, []);
      expect(await journal.execution('A.1')).toMatchObject({
        program: execution('A', 1).program,
        child: { root: 'A', parent: 'A', call: 'c1', step: 'Call', target: 'db1' },
      });
      expect([
        await journal.executionIds(),
        await journal.childIds('A'),
        await journal.idsBelow('A'),
      ]).toEqual([['A'], ['A.1'], ['A.1', 'A.2']]);
      expect(await journal.lastRecord('A')).toMatchObject({ at: 6, seq: 1 });
      const asked = async () => (await journal.execution('A.1'))?.input.rollbackRequests;
      for (let round = 0; round < 2; round += 1)
        await journal.beginChildRollback('A.1', 'r1', { force: true }, 7, []);
      expect(await asked()).toEqual([{ force: true, call: 'r1' }]);
      await journal.signal('A.2', 'go', 1, 'k', 8);
      const mark = await journal.mark('A');
      await journal.signal('A.2', 'go', 2, 'k2', 8);
      expect(await journal.mark('A')).not.toBe(mark);
      await journal.remove('A');
      expect([await again().execution('A.1'), await again().execution('A.2')]).toEqual([
        undefined,
        undefined,
      ]);
    }),
  );

  test(
    `${name}: what is asked for at once is there in the order in which it was asked, all of it or nothing`,
    within(async (journal, again) => {
      await journal.create(execution('A', 1));
      const ended = (position: number) => ({ startedAt: 5, endedAt: 6, status: 'ok', position });
      const told: string[] = [];
      await Promise.all([
        journal.begin('A', 'x', 5, []).then(() => told.push('begin x')),
        journal.end('A', 'x', ended(1), []).then(() => told.push('end x')),
        journal.begin('A', 'y', 7, [event(1, 'y')]).then(() => told.push('begin y')),
      ]);
      expect(told).toEqual(['begin x', 'end x', 'begin y']);
      expect(await again().lastRecord('A')).toEqual({ position: 1, at: 7, seq: 1 });
      const twice = [journal.begin('A', 'z', 8, []), journal.begin('nobody', 'z', 8, [])];
      expect((await Promise.allSettled(twice)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      expect(await again().activity('A', 'z')).toBeUndefined();
      await journal.begin('A', 'z', 9, []);
    }),
  );

  test(
    `${name}: who answered is noted beside what was noted before, and the latest is told`,
    within(async (journal, again) => {
      await journal.create(execution('A', 1));
      expect(await journal.machine('A', 'machine:db1')).toBeUndefined();
      await journal.noteMachine('A', 'machine:db1', { at: 1, value: { bootId: 'b1' } });
      await again().noteMachine('A', 'machine:db1', { at: 2, value: { bootId: 'b2' } });
      await journal.noteMachine('A', 'machine:db2', { at: 3, value: {} });
      expect(await again().machine('A', 'machine:db1')).toEqual({ at: 2, value: { bootId: 'b2' } });
    }),
  );

  test(
    `${name}: locks are taken together or not at all, and by one execution`,
    within(async (journal, again) => {
      for (const id of ['A', 'B', 'C']) await journal.create(execution(id, 1));
      const lock = (lockName: string, host: string | null = null) => ({
        name: lockName,
        asked: lockName,
        host,
      });
      expect(await journal.takeLocks('', [lock('host:a', 'a'), lock('x:b')], 'A', 5, [])).toBeUndefined();
      expect(await again().takeLocks('', [lock('x:c'), lock('x:b')], 'B', 6, [])).toMatchObject({
        name: 'x:b',
        executionId: 'A',
        since: 5,
        isConfirmed: false,
      });
      expect(await journal.locks('B')).toEqual([]);
      expect(await journal.takeLocks('sandbox', [lock('x:b')], 'B', 6, [])).toBeUndefined();

      await journal.confirmLocks('A');
      expect(await journal.takeLocks('', [lock('host:a', 'a'), lock('x:d')], 'A', 7, [])).toBeUndefined();
      expect(await again().locks('A')).toMatchObject([
        { name: 'host:a', host: 'a', since: 5, isConfirmed: true, hasEntry: false },
        { name: 'x:b', isConfirmed: true },
        { name: 'x:d', since: 7, isConfirmed: false },
      ]);
      const [first] = await journal.locks('A');
      if (first !== undefined) await journal.markLock(first, true);
      expect((await again().locks('A'))[0]?.hasEntry).toBe(true);

      expect(await journal.takeLocks('', [lock('host:a', 'a')], 'C', 8, ['A'])).toBeUndefined();
      expect(await journal.locks('C')).toMatchObject([
        { name: 'host:a', since: 8, hasEntry: false, isConfirmed: false },
      ]);
      if (first !== undefined) await again().dropLocks([first]);
      expect(await journal.locks('C')).toHaveLength(1);
      await journal.dropLocks(await journal.locks('C'));
      expect((await again().locks()).map(({ scope, name: lockName }) => scope + lockName)).toEqual([
        'x:b',
        'x:d',
        'sandboxx:b',
      ]);
      expect(await again().folderId()).toBe(await journal.folderId());
      expect(await journal.folderId()).toMatch(/^[0-9a-f]{20}$/);
    }),
  );

  test(
    `${name}: a person's last word, the hosts that keep something, and the removal of it all`,
    within(async (journal, again) => {
      await journal.create(execution('A', 1));
      await journal.create(execution('B', 2));
      const closing = { kind: 'discarded', at: 7, by: 'ops', why: 'lost' } as const;
      expect(await journal.setClosing('A', closing)).toBe(true);
      expect(await again().setClosing('A', { ...closing, by: 'another' })).toBe(false);
      expect(await again().execution('A')).toMatchObject({ closing, forgottenAt: null });

      expect(await journal.keptOn('A')).toEqual([]);
      for (const host of ['h2', 'h1', 'h2']) await journal.addKeptOn('A', host);
      await journal.addKeptOn('B', 'h1');
      expect(await again().keptOn('A')).toEqual(['h1', 'h2']);
      await journal.beginForgetting('A', 9, ['h1', 'h3']);
      await again().beginForgetting('A', 11, []);
      expect((await again().execution('A'))?.forgottenAt).toBe(9);
      await journal.dropKeptOn('A', 'h1');
      expect(await again().keptOn('A')).toEqual(['h2', 'h3']);

      await journal.begin('A', 'x', 5, [event(1, 'S')]);
      await journal.signal('A', 'approve:x', 'yes', 'me', 6);
      await journal.takeLocks('', [{ name: 'host:a', asked: 'host:a', host: null }], 'A', 5, []);
      await journal.remove('A');
      expect(await again().executionIds()).toEqual(['B']);
      expect([
        await again().events('A', 0),
        await again().locks('A'),
        await again().activity('A', 'x'),
      ]).toEqual([[], [], undefined]);
      expect(await again().keptOn('B')).toEqual(['h1']);
    }),
  );
}
