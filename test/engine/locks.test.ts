/** Locks as the interpreter takes, waits for, keeps and gives them back. Who holds what is a real journal. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Journal } from '../../src/journal/index.ts';
import { HostFailure, type Host } from '../../src/transports/host.ts';
import { executionId, runToy, runbook, step, temporaryJournal } from '../support/run-toy.ts';
import { ToyWorld } from '../support/toy-world.ts';

const put = (name: string, more: object = {}) =>
  step({ name, action: 'toy:put', inputs: { Key: name, Value: 'new' }, ...more });
const fail = step({ name: 'Fail', action: 'toy:check', inputs: { Key: 'A', Equals: 'something else' } });

const otherId = 'OTHER0000001';

/** Another execution, of which nobody knows an end, holds the lock. */
async function heldByOther(journal: Journal, name: string): Promise<void> {
  const toy = {
    id: otherId,
    runbook: 'patch-postgresql',
    file: 'x.yaml',
    program: { interpreter: 1 as const, document: runbook([]), descriptors: {} },
    sha256: '',
    input: { parameters: {}, rollbackWhen: 'never' as const, rollbackRequests: [], failAt: null },
    settings: { sandbox: false, inventoryFile: null, secrets: {}, startedBy: 'alice', usesAws: false },
    createdAt: 1,
  };
  await journal.create(toy);
  await journal.setRunner(otherId, { pid: 1, host: 'ops1', startedAt: 1 });
  await journal.takeLocks('', [{ name, asked: name, host: null }], otherId, Date.now(), []);
}

/** What was held at every effect. */
function watched(journal: Journal): { world: ToyWorld; seen: Record<string, string[]> } {
  const world = new ToyWorld();
  const seen: Record<string, string[]> = {};
  world.around = (_when, what) => {
    void journal.locks(executionId).then((locks) => (seen[what] = locks.map(({ name }) => name)));
  };
  return { world, seen };
}

describe('locks', () => {
  test('of the document are held at its first step and through the rollback, and given back at the end', async () => {
    using store = temporaryJournal();
    const { world, seen } = watched(store.journal);
    const parameters = { parameters: { Volume: { type: 'String' as const } } };
    const document = runbook([put('A'), fail], {
      locks: ['volume:{{ Volume }}', 'host-group:a'],
      ...parameters,
    });
    const ran = await runToy(document, store, {
      world,
      input: { parameters: { Volume: 'vol-1' } },
    });
    expect(ran.result).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
    const both = ['host-group:a', 'volume:vol-1'];
    expect(seen).toEqual({ 'put A=new': both, 'undo put A': both });
    expect(ran.held).toEqual([]);
  });

  test('of a step are taken before it, in addition, and kept until the execution has ended', async () => {
    using store = temporaryJournal();
    const { world, seen } = watched(store.journal);
    const document = runbook([put('A'), put('B', { locks: ['x:b', 'x:a'] }), put('C')], { locks: ['x:a'] });
    const ran = await runToy(document, store, { world });
    expect(ran.result.status).toBe('Success');
    expect(seen).toEqual({ 'put A=new': ['x:a'], 'put B=new': ['x:a', 'x:b'], 'put C=new': ['x:a', 'x:b'] });
    expect(ran.held).toEqual([]);
  });

  test('that somebody holds refuse the execution before anything began, and say who and what to do', async () => {
    using store = temporaryJournal();
    await heldByOther(store.journal, 'x:b');
    const ran = await runToy(runbook([put('A')], { locks: ['x:a', 'x:b'] }), store);
    expect(ran.result).toMatchObject({ status: 'Failed', rollbackStatus: 'notRequested' });
    expect(ran.world.effects).toEqual([]);
    expect(ran.state.steps[0]?.status).toBe('Pending');
    expect(ran.state.refused?.code).toBe('LOCKED');
    expect(ran.state.refused?.message).toMatch(
      new RegExp(
        `^x:b is held by ${otherId} \\(patch-postgresql, alice@ops1\\) since \\d\\d:\\d\\d:\\d\\d; its runner is gone: ` +
          `belay resume ${otherId} goes on, belay cancel ${otherId} climbs down$`,
      ),
    );
    expect(ran.held).toEqual([]);
    expect(await store.journal.locks(otherId)).toHaveLength(1);
  });

  test('of a step that somebody holds fail the step, and the execution climbs down', async () => {
    using store = temporaryJournal();
    await heldByOther(store.journal, 'x:b');
    const ran = await runToy(runbook([put('A'), put('B', { locks: ['x:b'] })]), store);
    expect(ran.result).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
    expect(ran.state.steps[1]?.failure?.code).toBe('LOCKED');
    expect(ran.world.state()).toMatchObject({ values: {} });
  });

  test('of a host are held on that host itself, whatever majority its cluster has', async () => {
    const silent = new HostFailure({
      code: 'UNREACHABLE',
      message: 'db1 is silent',
      retryable: true,
      effect: 'none',
    });
    const host = (name: string): Host =>
      ({
        name,
        label: name,
        read: () =>
          name === 'db1'
            ? Promise.reject(silent)
            : Promise.resolve({ exitCode: 0, stdout: 'taken\n', stderr: '' }),
      }) as unknown as Host;
    const groups = { 'group:db': ['db1', 'db2', 'db3'] };
    const over = async (...locks: string[]) => {
      using store = temporaryJournal();
      return await runToy(runbook([put('A')], { locks }), store, { host, groups });
    };
    const both = await over('cluster:db', 'host:db1');
    expect(both.state.refused).toMatchObject({
      code: 'LOCK_UNPROVEN',
      message: expect.stringMatching(/^host:db1 cannot be held: db1 is silent/),
    });
    expect(both.world.effects).toEqual([]);
    // The cluster alone has a majority, and so has it with a member that answers.
    expect((await over('cluster:db')).result.status).toBe('Success');
    expect((await over('cluster:db', 'host:db2')).result.status).toBe('Success');
  });

  test('whose name an expression made wrong refuse the execution', async () => {
    using store = temporaryJournal();
    const parameters = { parameters: { Host: { type: 'String' as const } } };
    const ran = await runToy(runbook([put('A')], { locks: ['x:{{ Host }}'], ...parameters }), store, {
      input: { parameters: { Host: 'two words' } },
    });
    expect(ran.state.refused).toMatchObject({ code: 'LOCK_NAME' });
    expect(ran.world.effects).toEqual([]);
  });

  test('are taken again for a later rollback, which is refused while somebody holds them', async () => {
    using store = temporaryJournal();
    const { world, seen } = watched(store.journal);
    const document = runbook([put('A')], { locks: ['x:a'] });
    await runToy(document, store, { world });
    await heldByOther(store.journal, 'x:a');

    await store.journal.addRollbackRequest(executionId, { force: false });
    const refused = await runToy(document, store, { world });
    expect(refused.state).toMatchObject({
      rollbackStatus: 'notRequested',
      refused: { code: 'LOCKED' },
      endings: 2,
    });
    expect(world.state()).toMatchObject({ values: { A: 'new' } });

    await store.journal.dropLocks(await store.journal.locks(otherId));
    await store.journal.addRollbackRequest(executionId, { force: false });
    const undone = await runToy(document, store, { world });
    expect(undone.state).toMatchObject({ rollbackStatus: 'clean', refused: null, endings: 3 });
    expect(seen['undo put A']).toEqual(['x:a']);
    expect(undone.held).toEqual([]);
  });

  test('are waited for in a later rollback that was asked to, although the run was not', async () => {
    using store = temporaryJournal();
    const { world } = watched(store.journal);
    const document = runbook([put('A')], { locks: ['x:a'] });
    await runToy(document, store, { world });
    await heldByOther(store.journal, 'x:a');
    const freed = delay(1200).then(async () => store.journal.dropLocks(await store.journal.locks(otherId)));
    await store.journal.addRollbackRequest(executionId, { force: false, lockWaitSeconds: 60 });
    const undone = await runToy(document, store, { world });
    await freed;
    expect(undone.state).toMatchObject({ rollbackStatus: 'clean', refused: null });
    const waited = (await store.journal.events(executionId, 0)).filter(
      ({ event }) => event.type === 'StepWaiting',
    );
    expect(waited).toHaveLength(1);
  });

  test('are waited for where that was asked, and who is waited for is told once', async () => {
    using store = temporaryJournal();
    await heldByOther(store.journal, 'x:a');
    const freed = delay(1200).then(async () => store.journal.dropLocks(await store.journal.locks(otherId)));
    const ran = await runToy(runbook([put('A')], { locks: ['x:a'] }), store, {
      input: { lockWaitSeconds: 30 },
    });
    await freed;
    expect(ran.result.status).toBe('Success');
    const waiting = (await store.journal.events(executionId, 0)).flatMap(({ event }) =>
      event.type === 'StepWaiting' ? [event.waiting] : [],
    );
    expect(waiting).toMatchObject([
      { kind: 'lock', lock: 'x:a', holder: `${otherId} (patch-postgresql, alice@ops1)` },
    ]);
    expect(ran.state.waiting).toBeNull();
  });

  test('are waited for no longer than was asked', async () => {
    using store = temporaryJournal();
    await heldByOther(store.journal, 'x:a');
    const ran = await runToy(runbook([put('A')], { locks: ['x:a'] }), store, {
      input: { lockWaitSeconds: 1 },
    });
    expect(ran.state.refused?.code).toBe('LOCKED');
    expect(ran.world.effects).toEqual([]);
  });

  test('that are waited for can be cancelled', async () => {
    using store = temporaryJournal();
    await heldByOther(store.journal, 'x:a');
    const cancelled = delay(700).then(() => store.journal.requestCancel(executionId));
    const ran = await runToy(runbook([put('A')], { locks: ['x:a'] }), store, {
      input: { lockWaitSeconds: 60 },
    });
    await cancelled;
    expect(ran.result).toMatchObject({ status: 'Cancelled', rollbackStatus: 'notRequested' });
    expect(ran.world.effects).toEqual([]);
    expect(ran.held).toEqual([]);
  });

  test('that an ended execution could not give back are free', async () => {
    using store = temporaryJournal();
    await heldByOther(store.journal, 'x:a');
    const end = {
      type: 'ExecutionEnded' as const,
      status: 'Success' as const,
      rollbackStatus: 'notRequested' as const,
    };
    await store.journal.append(otherId, [{ seq: 1, at: 2, event: { ...end, outputs: {} } }]);
    const ran = await runToy(runbook([put('A')], { locks: ['x:a'] }), store);
    expect(ran.result.status).toBe('Success');
    expect(await store.journal.locks()).toEqual([]);
  });
});
