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
      expect(journal.create(execution('A', 1))).toBe(true);
      expect(journal.create(execution('A', 2))).toBe(false);
      expect(again().execution('A')).toMatchObject({
        ...execution('A', 1),
        cancelRequested: false,
        runner: null,
      });
      expect(again().execution('B')).toBeUndefined();
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
        journal.create(execution(id, at));
      expect(journal.executionIds()).toEqual(['C', 'B', 'A']);
    }),
  );

  test(
    `${name}: the first intent and the first outcome stay`,
    within(async (journal, again) => {
      journal.create(execution('A', 1));
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
      journal.create(execution('A', 1));
      await journal.append('A', [event(1, 'first'), event(2, 'second')]);
      await again().append('A', [event(2, 'other'), event(3, 'third')]);
      expect(journal.events('A', 1).map(({ seq, event: e }) => [seq, 'step' in e ? e.step : ''])).toEqual([
        [2, 'second'],
        [3, 'third'],
      ]);
      expect(journal.lastSeq('A')).toBe(3);
      expect([...journal.lastSeqs()]).toEqual([['A', 3]]);
    }),
  );

  test(
    `${name}: the inbox keeps the order, takes a dedupe key once, and gives each entry to one activity`,
    within(async (journal, again) => {
      journal.create(execution('A', 1));
      expect(again().signal('A', 'go', 'one', 'k1', 1)).toBe(true);
      expect(journal.signal('A', 'go', 'one again', 'k1', 2)).toBe(false);
      expect(journal.signal('A', 'go', 'two', 'k2', 3)).toBe(true);
      const first = journal.peek('A', 'go');
      expect(first?.value).toBe('one');
      if (first !== undefined)
        await journal.take('A', first, 'wait1', { startedAt: 1, endedAt: 2, status: 'ok', value: 'one' }, []);
      expect(again().peek('A', 'go')?.value).toBe('two');
      expect((await again().activity('A', 'wait1'))?.outcome).toMatchObject({ status: 'ok', value: 'one' });
    }),
  );

  test(
    `${name}: cancel, runner and rollback requests are seen by others`,
    within(async (journal, again) => {
      journal.create(execution('A', 1));
      expect(journal.isCancelRequested('A')).toBe(false);
      again().requestCancel('A');
      expect(journal.isCancelRequested('A')).toBe(true);
      journal.setRunner('A', { pid: 1, host: 'h', startedAt: 3 });
      journal.addRollbackRequest('A', { force: false, step: 'Patch' });
      journal.addRollbackRequest('A', { force: true });
      expect(again().execution('A')).toMatchObject({
        runner: { pid: 1 },
        input: { rollbackRequests: [{ force: false, step: 'Patch' }, { force: true }] },
      });
      journal.setRunner('A', null);
      expect(again().execution('A')?.runner).toBeNull();
    }),
  );

  test(
    `${name}: what a list is to tell is kept until an event or a runner comes`,
    within(async (journal, again) => {
      for (const [index, id] of ['A', 'B', 'C'].entries()) journal.create(execution(id, index));
      await journal.append('B', [event(1, 'first')]);
      journal.leave('B', { seq: 1, says: 'it waits' });
      expect(again().listed(2)).toMatchObject([
        { id: 'C', summary: null },
        { id: 'B', summary: { seq: 1, says: 'it waits' }, runner: null, rollbackRequests: 0 },
      ]);
      await journal.append('B', [event(2, 'second')]);
      expect(again().listed(null)[1]).toMatchObject({ id: 'B', summary: null });
      journal.leave('B', { seq: 2 });
      journal.setRunner('B', { pid: 1, host: 'h', startedAt: 3 });
      expect(again().listed(null)[1]?.summary).toBeNull();
      expect(journal.count()).toBe(3);
    }),
  );

  test(
    `${name}: a child is started with its call once, belongs to its root, and goes with it`,
    within(async (journal, again) => {
      journal.create(execution('A', 1));
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
      expect(journal.execution('A.1')).toMatchObject({
        program: execution('A', 1).program,
        child: { root: 'A', parent: 'A', call: 'c1', step: 'Call', target: 'db1' },
      });
      expect([journal.executionIds(), journal.childIds('A'), journal.idsBelow('A')]).toEqual([
        ['A'],
        ['A.1'],
        ['A.1', 'A.2'],
      ]);
      expect(await journal.lastRecord('A')).toMatchObject({ at: 6, seq: 1 });
      const asked = () => journal.execution('A.1')?.input.rollbackRequests;
      for (let round = 0; round < 2; round += 1)
        await journal.beginChildRollback('A.1', 'r1', { force: true }, 7, []);
      expect(asked()).toEqual([{ force: true, call: 'r1' }]);
      journal.signal('A.2', 'go', 1, 'k', 8);
      const mark = journal.mark('A');
      journal.signal('A.2', 'go', 2, 'k2', 8);
      expect(journal.mark('A')).not.toBe(mark);
      journal.remove('A');
      expect([again().execution('A.1'), again().execution('A.2')]).toEqual([undefined, undefined]);
    }),
  );

  test(
    `${name}: what is asked for at once is there in the order in which it was asked, all of it or nothing`,
    within(async (journal, again) => {
      journal.create(execution('A', 1));
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
    within((journal, again) => {
      journal.create(execution('A', 1));
      expect(journal.machine('A', 'machine:db1')).toBeUndefined();
      journal.noteMachine('A', 'machine:db1', { at: 1, value: { bootId: 'b1' } });
      again().noteMachine('A', 'machine:db1', { at: 2, value: { bootId: 'b2' } });
      journal.noteMachine('A', 'machine:db2', { at: 3, value: {} });
      expect(again().machine('A', 'machine:db1')).toEqual({ at: 2, value: { bootId: 'b2' } });
    }),
  );

  test(
    `${name}: locks are taken together or not at all, and by one execution`,
    within(async (journal, again) => {
      for (const id of ['A', 'B', 'C']) journal.create(execution(id, 1));
      const lock = (lockName: string, host: string | null = null) => ({
        name: lockName,
        asked: lockName,
        host,
      });
      expect(journal.takeLocks('', [lock('host:a', 'a'), lock('x:b')], 'A', 5, [])).toBeUndefined();
      expect(again().takeLocks('', [lock('x:c'), lock('x:b')], 'B', 6, [])).toMatchObject({
        name: 'x:b',
        executionId: 'A',
        since: 5,
        isConfirmed: false,
      });
      expect(journal.locks('B')).toEqual([]);
      expect(journal.takeLocks('sandbox', [lock('x:b')], 'B', 6, [])).toBeUndefined();

      journal.confirmLocks('A');
      expect(journal.takeLocks('', [lock('host:a', 'a'), lock('x:d')], 'A', 7, [])).toBeUndefined();
      expect(again().locks('A')).toMatchObject([
        { name: 'host:a', host: 'a', since: 5, isConfirmed: true, hasEntry: false },
        { name: 'x:b', isConfirmed: true },
        { name: 'x:d', since: 7, isConfirmed: false },
      ]);
      const [first] = journal.locks('A');
      if (first !== undefined) journal.markLock(first, true);
      expect(again().locks('A')[0]?.hasEntry).toBe(true);

      expect(journal.takeLocks('', [lock('host:a', 'a')], 'C', 8, ['A'])).toBeUndefined();
      expect(journal.locks('C')).toMatchObject([
        { name: 'host:a', since: 8, hasEntry: false, isConfirmed: false },
      ]);
      if (first !== undefined) again().dropLocks([first]);
      expect(journal.locks('C')).toHaveLength(1);
      journal.dropLocks(journal.locks('C'));
      expect(
        again()
          .locks()
          .map(({ scope, name: lockName }) => scope + lockName),
      ).toEqual(['x:b', 'x:d', 'sandboxx:b']);
      expect(again().folderId).toBe(journal.folderId);
      expect(journal.folderId).toMatch(/^[0-9a-f]{20}$/);
    }),
  );

  test(
    `${name}: a person's last word, the hosts that keep something, and the removal of it all`,
    within(async (journal, again) => {
      journal.create(execution('A', 1));
      journal.create(execution('B', 2));
      const closing = { kind: 'discarded', at: 7, by: 'ops', why: 'lost' } as const;
      expect(journal.setClosing('A', closing)).toBe(true);
      expect(again().setClosing('A', { ...closing, by: 'another' })).toBe(false);
      expect(again().execution('A')).toMatchObject({ closing, forgottenAt: null });

      expect(journal.keptOn('A')).toEqual([]);
      for (const host of ['h2', 'h1', 'h2']) journal.addKeptOn('A', host);
      journal.addKeptOn('B', 'h1');
      expect(again().keptOn('A')).toEqual(['h1', 'h2']);
      journal.beginForgetting('A', 9, ['h1', 'h3']);
      again().beginForgetting('A', 11, []);
      expect(again().execution('A')?.forgottenAt).toBe(9);
      journal.dropKeptOn('A', 'h1');
      expect(again().keptOn('A')).toEqual(['h2', 'h3']);

      await journal.begin('A', 'x', 5, [event(1, 'S')]);
      journal.signal('A', 'approve:x', 'yes', 'me', 6);
      journal.takeLocks('', [{ name: 'host:a', asked: 'host:a', host: null }], 'A', 5, []);
      journal.remove('A');
      expect(again().executionIds()).toEqual(['B']);
      expect([again().events('A', 0), again().locks('A'), await again().activity('A', 'x')]).toEqual([
        [],
        [],
        undefined,
      ]);
      expect(again().keptOn('B')).toEqual(['h1']);
    }),
  );
}
