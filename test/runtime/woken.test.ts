/** Executions that were left while they waited cost a look at a counter, and are run again when what they wait for has come. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Journal } from '../../src/journal/index.ts';
import { Belay } from '../../src/runtime/belay.ts';
import { Woken } from '../../src/runtime/woken.ts';

let dir: string;
let now: number;
const open: Belay[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-woken-'));
  writeFileSync(join(dir, 'belay.yaml'), 'hosts: { a: { transport: local }, b: { transport: local } }\n');
  now = Date.now();
});
afterEach(() => {
  for (const belay of open.splice(0)) belay.close();
  rmSync(dir, { recursive: true });
});

/** As a process of its own would have it. */
function opened(): Belay {
  const options = { state: join(dir, 'state'), cwd: dir, env: { ...process.env, HOME: dir }, now: () => now };
  const belay = new Belay({ ...options, stdin: () => Promise.resolve('') });
  open.push(belay);
  return belay;
}

const ask = `{ name: Ask, action: 'aws:approve', timeoutSeconds: 3600, inputs: { Approvers: ['${userInfo().username}'] } }`;
const sleep = "{ name: Nap, action: 'aws:sleep', inputs: { Duration: PT2H } }";

async function leave(belay: Belay, steps: readonly string[], name = 'runbook'): Promise<string> {
  const file = join(dir, `${name}.yaml`);
  writeFileSync(file, `schemaVersion: '0.3'\nmainSteps:\n${steps.map((step) => `  - ${step}\n`).join('')}`);
  const { id } = await belay.start({ file, texts: {}, values: {}, secrets: {}, sandbox: false });
  expect(await belay.run(id, { onWait: 'leaveToDaemon' })).toEqual({ kind: 'left', reason: 'waiting' });
  return id;
}

/** Counts what is read. */
function counted(journal: Journal) {
  const reads = { count: 0 };
  const counting = {
    version: () => journal.version(),
    woken: (at: number) => {
      reads.count += 1;
      return journal.woken(at);
    },
    nextWakeAt: (at: number) => journal.nextWakeAt(at),
  };
  return {
    reads,
    woken: new Woken(
      () => counting,
      () => now,
    ),
  };
}

const ids = async (woken: Woken): Promise<string[]> => (await woken.look()).map(({ id }) => id);

test('nothing is read while nothing was written and no time has come; an answer of another process wakes', async () => {
  const belay = opened();
  const id = await leave(belay, [ask]);
  const { reads, woken } = counted(belay.journal);
  for (let look = 0; look < 100; look += 1) expect(await ids(woken)).toEqual([]);
  expect(reads.count).toBe(1);
  await opened().decide(id, undefined, { decision: 'approve', comment: '' });
  expect(await woken.look()).toEqual([{ id, leftTo: 'daemon' }]);
  expect(await belay.run(id, { onWait: 'leaveToDaemon' })).toMatchObject({
    kind: 'ended',
    result: { status: 'Success' },
  });
  expect(await ids(woken)).toEqual([]);
});

test('the end of the time wakes, and the step is TimedOut', async () => {
  const belay = opened();
  const id = await leave(belay, [ask]);
  const { woken } = counted(belay.journal);
  now += 3_599_000;
  expect(await ids(woken)).toEqual([]);
  now += 1_001;
  expect(await ids(woken)).toEqual([id]);
  await belay.run(id, { onWait: 'leaveToDaemon' });
  expect((await belay.view(id)).status).toBe('TimedOut');
});

test('a long sleep is left, and goes on at its end; a cancel wakes it before', async () => {
  const belay = opened();
  const [slept, cancelled] = [await leave(belay, [sleep], 'slept'), await leave(belay, [sleep], 'cancelled')];
  const { woken } = counted(belay.journal);
  expect(await ids(woken)).toEqual([]);
  await opened().cancel(cancelled);
  expect(await ids(woken)).toEqual([cancelled]);
  await belay.run(cancelled, { onWait: 'leaveToDaemon' });
  expect((await belay.view(cancelled)).status).toBe('Cancelled');
  now += 7_200_000;
  expect(await ids(woken)).toEqual([slept]);
  await belay.run(slept, { onWait: 'leaveToDaemon' });
  expect((await belay.view(slept)).status).toBe('Success');
});

test('without a daemon to leave it to, a sleep is waited for, and an approval that is left is nobody’s in particular', async () => {
  const belay = opened();
  const id = await leave(belay, [ask]);
  await belay.run(id, { onWait: 'leave' });
  await belay.decide(id, undefined, { decision: 'approve', comment: '' });
  expect(await belay.journal.woken(now)).toEqual([{ id, leftTo: null }]);
  const file = join(dir, 'nap.yaml');
  writeFileSync(file, `schemaVersion: '0.3'\nmainSteps:\n  - ${sleep}\n`);
  const napping = await belay.start({ file, texts: {}, values: {}, secrets: {}, sandbox: true });
  const leaving = new AbortController();
  const running = belay.run(napping.id, {
    onWait: 'leave',
    leave: leaving.signal,
    onEvent: ({ event }) => {
      if (event.type === 'StepWaiting') leaving.abort();
    },
  });
  expect(await running).toEqual({ kind: 'left', reason: 'asked' });
  expect(await belay.journal.isLeft(napping.id)).toBe(false);
});

test('what waits in two lanes is woken by either', async () => {
  const belay = opened();
  const rolling = `{ name: Each, action: 'belay:rolling', inputs: { Targets: [a, b], MaxUnavailable: 2, MaxErrors: 1, Steps: [${ask}] } }`;
  const id = await leave(belay, [rolling]);
  await belay.decide(id, 'Each@b/Ask', { decision: 'approve', comment: '' });
  expect(await belay.journal.woken(now)).toEqual([{ id, leftTo: 'daemon' }]);
  expect(await belay.run(id, { onWait: 'leaveToDaemon' })).toEqual({ kind: 'left', reason: 'waiting' });
  expect(await belay.journal.woken(now)).toEqual([]);
});

test('of executions that nobody runs, resume means the one for which something has come', async () => {
  const belay = opened();
  const first = await leave(belay, [ask], 'first');
  now += 1_000;
  const second = await leave(belay, [ask], 'second');
  expect(await belay.findOpen()).toBe(second);
  await belay.decide(first, undefined, { decision: 'approve', comment: '' });
  expect(await belay.findOpen()).toBe(first);
});

test('a discarded one wakes nobody', async () => {
  const belay = opened();
  const id = await leave(belay, [ask]);
  await belay.discard(id, 'no use');
  now += 3_600_001;
  expect(await belay.journal.woken(now)).toEqual([]);
});
