/** `Belay` for a caller without files: runbook and configuration are texts, and clock and caller are given. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Belay } from '../../src/runtime/belay.ts';
import { configurationText } from '../../src/runtime/configuration.ts';
import type { StartRequest } from '../../src/runtime/start-execution.ts';

const hourMs = 3_600_000;

let state: string;
let now: number;
let belay: Belay;

/** The state folder is Belay's own; the caller has none. */
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'belay-without-files-'));
  now = Date.UTC(2030, 0, 1);
  belay = new Belay({
    state,
    cwd: '/nobody/has/this',
    env: {},
    stdin: () => Promise.resolve(''),
    configurations: configurationText({
      file: 'the configuration',
      text: `hosts: { db1: { transport: local }, db2: { transport: local } }
groups: { db: [db1, db2] }
notify: { ops: { command: ['true'] } }
`,
    }),
    now: () => now,
    caller: () => 'ann',
  });
});
afterEach(() => {
  belay.close();
  rmSync(state, { recursive: true });
});

const request = (text: string): StartRequest => ({
  file: { file: 'from-the-server', text },
  texts: {},
  values: {},
  secrets: {},
  sandbox: false,
});

const runbook = `schemaVersion: '0.3'
locks: ['volume:vol-1']
notify: { channels: [ops] }
parameters: { Who: { type: String, default: all } }
mainSteps:
  - { name: Ask, action: 'aws:approve', timeoutSeconds: 7200, inputs: { Approvers: [ann], Message: 'on {{ Who }}?' } }
  - { name: Nap, action: 'aws:sleep', inputs: { Duration: PT1H } }
`;

test('an execution is started from a text, waits, is answered and goes on to its end, all by the given clock and caller', async () => {
  const { id } = await belay.start(request(runbook));
  expect(await belay.run(id, { onWait: 'leaveToDaemon' })).toEqual({ kind: 'left', reason: 'waiting' });
  expect(await belay.view(id)).toMatchObject({ startedBy: 'ann', createdAt: now, locks: ['volume:vol-1'] });
  expect((await belay.locks({ hosts: false })).held).toMatchObject([{ lock: 'volume:vol-1' }]);

  now += hourMs;
  await belay.decide(id, undefined, { decision: 'approve', comment: '' });
  expect(await belay.run(id, { onWait: 'leaveToDaemon' })).toEqual({ kind: 'left', reason: 'waiting' });
  now += hourMs;
  expect(await belay.run(id, { onWait: 'stay' })).toMatchObject({ kind: 'ended' });
  expect(await belay.view(id)).toMatchObject({ status: 'Success', endedAt: now, locks: [] });
  const [{ endedAt, createdAt } = { endedAt: null, createdAt: 0 }] = await belay.list();
  expect((endedAt ?? 0) - createdAt).toBe(2 * hourMs);
});

test('who is not an approver by the given caller is refused', async () => {
  const { id } = await belay.start(request(runbook.replace('[ann]', '[bob]')));
  await belay.run(id, { onWait: 'leave' });
  await expect(belay.decide(id, undefined, { decision: 'approve', comment: '' })).rejects.toThrow(/ann/);
});

test('a runbook is checked against the given configuration', async () => {
  await expect(belay.start(request(runbook.replace('[ops]', '[pager]')))).rejects.toThrow(
    /channels that nobody knows/,
  );
  expect(await belay.list()).toEqual([]);
});

test('a configuration that is not right is refused with its place', async () => {
  const wrong = configurationText({ file: 'the configuration', text: 'hosts: [db1]\n' });
  expect(() => wrong.find()).toThrow(expect.objectContaining({ code: 'BAD_CONFIGURATION' }));
});

test('what an execution of a text leaves is discarded and pruned without a file of the caller', async () => {
  const { id } = await belay.start(request(runbook));
  await belay.run(id, { onWait: 'leave' });
  await belay.discard(id, 'nobody needs it');
  now += 1_000 * 24 * hourMs;
  const retention = await belay.retention([]);
  try {
    expect(retention.judged).toMatchObject([{ fate: { kind: 'goes' } }]);
    await retention.prune();
  } finally {
    await retention.close();
  }
  expect(await belay.list()).toEqual([]);
});
