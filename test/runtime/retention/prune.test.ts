/** What an undo needs stays until it cannot be asked for any more: real executions on this machine as a host, a real journal. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepKey } from '../../../src/actions/scripts/keep-key.ts';
import type { Journal } from '../../../src/journal/index.ts';
import type { Belay } from '../../../src/runtime/belay.ts';
import { newExecutionId } from '../../../src/runtime/execution-id.ts';
import { prune, type PrunePorts } from '../../../src/runtime/retention/prune.ts';
import { runnersIn } from '../../../src/runtime/liveness.ts';
import { Refusal } from '../../../src/runtime/refusal.ts';
import { HostFailure, type Host } from '../../../src/transports/host.ts';
import { keptIn, localBelay } from '../../support/local-belay.ts';
import { openTransports, type Transports } from '../../../src/runtime/transports.ts';
import { readConfiguration } from '../../../src/runtime/configuration.ts';

const hourMs = 3_600_000;
let dir: string;
let belay: Belay;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-prune-'));
  writeFileSync(join(dir, 'belay.yaml'), 'keep: 10d\nhosts: { here: { transport: local } }\n');
  belay = open();
});
afterEach(() => {
  belay.close();
  rmSync(dir, { recursive: true });
});

const open = (): Belay => localBelay(dir);
const keptApart = (host: Host): Host => keptIn(dir, host);

/** Writes a file that was there before, so that the host keeps the bytes of before. */
async function execution(
  name: string,
  more: { readonly fails?: boolean; readonly undo?: string } = {},
): Promise<string> {
  const target = join(dir, name);
  writeFileSync(target, 'before');
  const steps = [
    `- { name: Write, action: 'host:file', inputs: { Host: here, Path: '${target}', Content: after }${more.undo ?? ''} }`,
    ...(more.fails === true
      ? [
          `- { name: Fail, action: 'host:command', inputs: { Host: here, Script: 'exit 1' }, undo: { none: looks } }`,
        ]
      : []),
  ];
  const file = join(dir, `${name}.yaml`);
  writeFileSync(
    file,
    `schemaVersion: '0.3'\nrollback: { when: onFailure }\nmainSteps:\n${steps.map((step) => `  ${step}\n`).join('')}`,
  );
  const { id } = await belay.start({ file, texts: {}, values: {}, secrets: {}, sandbox: false });
  await belay.run(id, { onWait: 'leave' });
  return id;
}

/** Makes the journal believe that all of it happened so long ago. */
function age(id: string, ms: number): void {
  const database = new DatabaseSync(join(dir, 'state', 'journal.db'));
  database.prepare('UPDATE events SET at = at - ? WHERE execution = ?').run(ms, id);
  database.close();
}

const kept = (): string[] => {
  const folder = join(dir, 'kept', 'files');
  return existsSync(folder) ? readdirSync(folder) : [];
};
const keptFor = (id: string): number => kept().filter((name) => name.startsWith(id.toLowerCase())).length;

async function fates(): Promise<Record<string, string>> {
  const { judged } = await belay.retention([]);
  return Object.fromEntries(judged.map(({ view, fate }) => [view.executionId, `${fate.kind}: ${fate.why}`]));
}

async function pruned(gone: readonly string[] = []) {
  const retention = await belay.retention(gone);
  try {
    return await retention.prune();
  } finally {
    await retention.close();
  }
}

test('an execution goes when its time is over, here and on the host, and no other one loses anything', async () => {
  const [old, young] = [await execution('old'), await execution('young')];
  expect(await belay.journal.keptOn(old)).toEqual(['here']);
  // A file's own time says nothing, whatever a clock or a mirror has made of it.
  for (const name of kept()) utimesSync(join(dir, 'kept', 'files', name), 0, 0);
  expect((await pruned()).removed).toEqual([]);
  expect([keptFor(old), keptFor(young)]).toEqual([1, 1]);

  age(old, 10 * 24 * hourMs + hourMs);
  age(young, 9 * 24 * hourMs);
  expect(await fates()).toEqual({
    [old]: 'goes: its time is over',
    [young]: 'stays: it ended too short a time ago',
  });
  expect(await pruned()).toEqual({ removed: [old], unfinished: [], silent: [] });
  expect([keptFor(old), keptFor(young)]).toEqual([0, 1]);
  expect(await belay.journal.executionIds()).toEqual([young]);
  expect(existsSync(join(dir, 'state', 'executions', old))).toBe(false);

  await belay.requestRollback(young, { force: false });
  await belay.run(young, { onWait: 'leave' });
  expect((await belay.view(young)).rollbackStatus).toBe('clean');
});

test('one that waits, whose rollback is partial, or that holds a lock stays however old it is', async () => {
  const partial = await execution('partial', {
    fails: true,
    undo: ', undo: [{ name: No, action: "host:command", inputs: { Host: here, Script: "exit 1" } }]',
  });
  expect((await belay.view(partial)).rollbackStatus).toBe('failed');
  const holding = await execution('holding');
  await belay.journal.takeLocks('', [{ name: 'x:y', asked: 'x:y', host: null }], holding, 1, []);
  const file = join(dir, 'ask.yaml');
  writeFileSync(file, `schemaVersion: '0.3'\nmainSteps: [{ name: Ask, action: 'aws:pause', inputs: {} }]\n`);
  const { id: waiting } = await belay.start({ file, texts: {}, values: {}, secrets: {}, sandbox: false });
  await belay.run(waiting, { onWait: 'leave' });
  for (const id of [partial, holding, waiting]) age(id, 9_999 * 24 * hourMs);
  expect(await fates()).toEqual({
    [partial]: 'stays: its rollback is failed',
    [holding]: 'stays: it still holds locks',
    [waiting]: 'stays: it has not ended (Waiting)',
  });
  expect((await pruned()).removed).toEqual([]);

  expect(await belay.discard(partial, 'mended by hand')).toEqual([]);
  expect(await belay.discard(holding, 'its host is gone')).toEqual([]);
  await belay.discard(waiting, 'nobody answers');
  expect(await belay.view(partial)).toMatchObject({
    status: 'Failed',
    rollbackStatus: 'failed',
    closing: { kind: 'closed' },
  });
  expect(await belay.view(waiting)).toMatchObject({ status: 'Cancelled', closing: { kind: 'discarded' } });
  await expect(belay.requestRollback(partial, { force: true })).rejects.toThrow(
    /was closed by .*: mended by hand/,
  );
  await expect(belay.run(waiting, { onWait: 'leave' })).rejects.toThrow(Refusal);
  expect((await pruned()).removed.toSorted()).toEqual([holding, partial, waiting].toSorted());
  expect(kept()).toEqual([]);
});

test('a host that does not answer is named, nothing is lost, and the next prune finishes', async () => {
  const id = await execution('elsewhere');
  await belay.journal.addKeptOn(id, 'there');
  age(id, 11 * 24 * hourMs);
  const first = await pruned();
  expect(first).toMatchObject({ removed: [], unfinished: [{ executionId: id, hosts: ['there'] }] });
  expect(first.silent).toEqual([{ host: 'there', why: expect.stringContaining('there') }]);
  await expect(belay.requestRollback(id, { force: true })).rejects.toThrow(/is being removed since/);
  await expect(belay.run(id, { onWait: 'leave' })).rejects.toThrow(/is being removed since/);
  expect((await pruned(['there'])).removed).toEqual([id]);
});

test('two executions that keep the same version both hold it; one that is unknown here is forgotten only when told', async () => {
  const folder = join(dir, 'kept', 'packages');
  const [mine, theirs] = [await execution('mine'), '0OTHERSTATE1'];
  const key = (id: string) => `${id.toLowerCase()}-0123456789abcdef`;
  for (const id of [mine, theirs]) {
    mkdirSync(join(folder, `${key(id)}.held`), { recursive: true });
    writeFileSync(join(folder, `${key(id)}.held`, 'demo_1.0_all.deb'), 'bytes');
  }
  age(mine, 11 * 24 * hourMs);
  await pruned();
  expect(readdirSync(folder)).toEqual([`${key(theirs)}.held`]);
  await belay.forgetOnHost(theirs, 'here');
  expect(readdirSync(folder)).toEqual([]);
  const known = await execution('known');
  await expect(belay.forgetOnHost(known, 'here')).rejects.toThrow(/can still be taken back/);
  expect(keptFor(known)).toBe(1);
});

/** An execution with the same record that ended long ago, and what the host keeps for it. */
async function oldTwin(of: string): Promise<string> {
  const id = newExecutionId(Date.now());
  const { journal } = belay;
  await journal.create({ ...(await belay.row(of)), id, createdAt: 1 });
  await journal.append(
    id,
    (await belay.events(of)).map((event) => ({ ...event, at: event.at - 11 * 24 * hourMs })),
  );
  await journal.addKeptOn(id, 'here');
  writeFileSync(join(dir, 'kept', 'files', keepKey(id)), 'before');
  return id;
}

/** The runner dies at the n-th word to the journal or to the host, before or after it. */
function dying(
  ports: PrunePorts,
  n: number,
  when: 'before' | 'after',
): PrunePorts & { readonly isOver: () => boolean } {
  let calls = 0;
  class Killed extends Error {}
  const fuse = <T>(act: () => T): T => {
    calls += 1;
    if (calls === n && when === 'before') throw new Killed();
    if (calls > n) throw new Killed();
    const value = act();
    if (calls === n) throw new Killed();
    return value;
  };
  const journal: Journal = new Proxy(ports.journal, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      const isWrite = ['beginForgetting', 'dropKeptOn', 'remove'].includes(String(name));
      return (...args: unknown[]): unknown => {
        const act = (): unknown => Reflect.apply(member, target, args);
        return isWrite ? fuse(act) : act();
      };
    },
  });
  return { ...ports, journal, host: (id, name) => fuse(() => ports.host(id, name)), isOver: () => calls < n };
}

test('killed at any moment, it has taken nothing that is needed, and the next one finishes', async () => {
  const needed = await execution('needed');
  const inventory = readConfiguration(join(dir, 'belay.yaml')).inventory;
  const transports: Transports = await openTransports({
    sandbox: false,
    inventory,
    stateDir: belay.stateDir,
    executionId: 'prune',
    now: Date.now,
  });
  try {
    let isOver = false;
    for (let n = 1; !isOver; n += 1) {
      for (const when of ['before', 'after'] as const) {
        const ids = await Promise.all(['one', 'two'].map(() => oldTwin(needed)));
        const ports: PrunePorts = {
          journal: belay.journal,
          stateDir: belay.stateDir,
          runners: runnersIn(belay.stateDir),
          keepMs: 10 * 24 * hourMs,
          now: Date.now,
          view: (id) => belay.view(id),
          allHosts: async () => ['here'],
          host: async (_id, name) => keptApart(transports.host(name)),
          gone: new Set(),
        };
        const killed = dying(ports, n, when);
        await prune(killed, [...ids, needed]).catch(() => undefined);
        isOver = killed.isOver();
        expect(keptFor(needed), `${when} call ${n}`).toBe(1);
        for (const id of (await belay.journal.executionIds()).filter((one) => one !== needed)) {
          // Whatever has lost anything can be taken back by nobody any more, and still has its row.
          if (keptFor(id) === 0)
            await expect(belay.requestRollback(id, { force: true })).rejects.toThrow(/being removed/);
        }
        expect((await pruned()).unfinished).toEqual([]);
        expect(await belay.journal.executionIds()).toEqual([needed]);
        expect(kept()).toHaveLength(1);
      }
    }
  } finally {
    await transports.close();
  }
  await belay.requestRollback(needed, { force: false });
  await belay.run(needed, { onWait: 'leave' });
  expect((await belay.view(needed)).rollbackStatus).toBe('clean');
});

test('an execution of a version that wrote down no hosts is forgotten on all of its inventory', async () => {
  const id = await execution('earlier');
  const database = new DatabaseSync(join(dir, 'state', 'journal.db'));
  database.exec('UPDATE executions SET kept_on_known = 0; DELETE FROM kept_on');
  database.close();
  age(id, 11 * 24 * hourMs);
  expect(await pruned()).toMatchObject({ removed: [id] });
  expect(kept()).toEqual([]);
});

test('the host says no in its own words', async () => {
  const id = await execution('refusing');
  age(id, 11 * 24 * hourMs);
  const failing = new HostFailure({
    code: 'UNREACHABLE',
    message: 'here (local): no route to host',
    retryable: true,
    effect: 'none',
  });
  const ports: PrunePorts = {
    journal: belay.journal,
    stateDir: belay.stateDir,
    runners: runnersIn(belay.stateDir),
    keepMs: hourMs,
    now: Date.now,
    view: (one) => belay.view(one),
    allHosts: async () => [],
    host: () => Promise.reject(failing),
    gone: new Set(),
  };
  expect((await prune(ports, [id])).silent).toEqual([
    { host: 'here', why: 'here (local): no route to host' },
  ]);
  expect(keptFor(id)).toBe(1);
});
