/** Every word of an ending rests on something: the cases in which it once did not. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { actions } from '../../../src/actions/index.ts';
import { describeAction } from '../../../src/actions/describe-step.ts';
import { endedOf, exitCodeOf } from '../../../src/cli/exit-codes.ts';
import { endingLines } from '../../../src/cli/view/ending.ts';
import { makeStyle } from '../../../src/cli/view/style.ts';
import { accountOf } from '../../../src/engine/index.ts';
import { Belay } from '../../../src/runtime/belay.ts';
import { openTransports } from '../../../src/runtime/transports.ts';
import type { Aws } from '../../../src/transports/aws.ts';
import { sandboxIds } from '../../../src/world/index.ts';
import { localBelay } from '../../support/local-belay.ts';

const style = makeStyle({ color: false, unicode: true });
let dir: string;
let belay: Belay;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-truth-'));
  writeFileSync(join(dir, 'belay.yaml'), 'hosts: { here: { transport: local } }\n');
  belay = localBelay(dir);
});
afterEach(() => {
  belay.close();
  rmSync(dir, { recursive: true });
});

async function run(steps: string, { rollback = 'never', sandbox = false } = {}): Promise<string> {
  const file = join(dir, 'runbook.yaml');
  writeFileSync(
    file,
    `schemaVersion: '0.3'\nrollback: { when: ${rollback} }\nmainSteps:\n${steps.replace(/^/gm, '  ')}\n`,
  );
  const { id } = await belay.start({ file, texts: {}, values: {}, secrets: {}, sandbox });
  await belay.run(id, { onWait: 'leave' });
  return id;
}

const endingOf = async (id: string): Promise<string> => endingLines(await belay.view(id), style).join('\n');
const path = (name: string): string => join(dir, name);
const text = (name: string): string => readFileSync(path(name), 'utf8');
const write = (name: string, content: string): string =>
  `- { name: Write, action: 'host:file', inputs: { Host: here, Path: '${path(name)}', Content: "${content}" } }`;
const ask = `- { name: Ask, action: 'aws:approve', inputs: { Approvers: ['${userInfo().username}'], Message: go on?, MinRequiredApprovals: 1 } }`;
const fail = `- { name: Fail, action: 'host:command', inputs: { Host: here, Script: 'exit 1' }, undo: { none: it looks } }`;

/** The same folder with another AWS. */
function reopen(change: (aws: Aws) => Aws): void {
  belay.close();
  belay = new Belay({
    state: join(dir, 'state'),
    cwd: dir,
    env: {},
    stdin: () => Promise.resolve(''),
    openTransports: async (options) => {
      const transports = await openTransports(options);
      return { ...transports, aws: change(transports.aws) };
    },
  });
}

/** EC2 with other words in what it says of snapshots. */
const said = (aws: Aws, words: () => readonly (readonly [string, string])[]): Aws => ({
  ...aws,
  call: async (...given) => {
    const reply = await aws.call(...given);
    if (given[0].operation !== 'DescribeSnapshots') return reply;
    const text = words().reduce((all, [from, to]) => all.replaceAll(from, to), JSON.stringify(reply));
    return JSON.parse(text) as typeof reply;
  },
});

test('a command with an undo list may have changed something, and the rollback that runs the list is named', async () => {
  const id = await run(
    `- name: Restart
  action: host:command
  inputs: { Host: here, Script: 'echo restarted >>${path('log')}' }
  undo: [{ name: Back, action: 'host:command', inputs: { Host: here, Script: 'echo back >>${path('log')}' } }]`,
  );
  expect(await endingOf(id)).toMatch(
    new RegExp(
      `^Done in .*\\. Restart may have changed something\\. belay rollback ${id} takes everything back\\.$`,
    ),
  );
  await belay.requestRollback(id, { force: false });
  await belay.run(id, { onWait: 'leave' });
  expect(text('log')).toBe('restarted\nback\n');
  expect((await belay.view(id)).rollbackStatus).toBe('clean');
});

test('a step whose declared output does not fit has acted all the same', async () => {
  const id = await run(
    `- name: Patch
  action: host:package
  inputs: { Host: db1, Names: [postgresql-15, postgresql-client-15, libpq5], Version: 15.20* }
  outputs: [{ Name: V, Selector: $.Version, Type: Integer }]`,
    { sandbox: true },
  );
  expect((await belay.view(id)).steps[0]?.failure?.code).toBe('OUTPUT_MISMATCH');
  expect(await endingOf(id)).toContain('db1  postgresql-15 is 15.20, was 15.18');
  expect(await endingOf(id)).toContain(`next  belay rollback ${id} takes it back`);
});

test('what was under way when it was cancelled may have changed something', async () => {
  const file = join(dir, 'runbook.yaml');
  writeFileSync(
    file,
    `schemaVersion: '0.3'\nrollback: { when: never }\nmainSteps: [{ name: Snap, action: 'ebs:snapshot', inputs: { Host: db1, Mounts: [/var/lib/postgresql] } }]\n`,
  );
  let isHeld = true;
  reopen((aws) => said(aws, () => (isHeld ? [['"State":"completed"', '"State":"pending"']] : [])));
  const { id } = await belay.start({ file, texts: {}, values: {}, secrets: {}, sandbox: true });
  const world = (): string => readFileSync(path(`state/executions/${id}/world.json`), 'utf8');
  const running = belay.run(id, { onWait: 'leave' });
  await expect
    .poll(() => Object.keys((JSON.parse(world()) as { snapshots: object }).snapshots).length, {
      timeout: 30_000,
    })
    .toBe(1);
  await belay.cancel(id);
  await running;
  isHeld = false;
  expect((await belay.view(id)).status).toBe('Cancelled');
  expect(await endingOf(id)).not.toContain('Nothing is left changed');
  expect(await endingOf(id)).toContain('Snap may have changed something');
  expect(await endingOf(id)).toContain(`belay rollback ${id} takes it back`);
  await belay.requestRollback(id, { force: false });
  await belay.run(id, { onWait: 'leave' });
  expect(Object.keys((JSON.parse(world()) as { snapshots: object }).snapshots)).toEqual([]);
});

test('a rollback that starts by itself leaves the work of others alone, names it, and takes back the rest', async () => {
  writeFileSync(path('theirs'), 'before');
  writeFileSync(path('ours'), 'before');
  const id = await run(`${write('ours', 'v1').replace('Write', 'Ours')}\n${write('theirs', 'v1')}\n${ask}`, {
    rollback: 'onFailure',
  });
  writeFileSync(path('theirs'), 'hotfix');
  await belay.decide(id, undefined, { decision: 'reject', comment: '' });
  await belay.run(id, { onWait: 'leave' });
  expect([text('theirs'), text('ours')]).toEqual(['hotfix', 'before']);
  expect(await belay.view(id)).toMatchObject({ status: 'Failed', rollbackStatus: 'partial' });
  expect(await endingOf(id)).toMatch(
    /Write was left alone.*somebody has changed it since the step: .*sha256 .* → .*, size 2 → 6/s,
  );
  expect(await endingOf(id)).toContain(`belay rollback ${id} --step Write --force`);
  expect(exitCodeOf(endedOf(await belay.view(id)))).toBe(4);

  await belay.requestRollback(id, { force: false });
  await belay.run(id, { onWait: 'leave' });
  expect(text('theirs')).toBe('hotfix');
  expect(await endingOf(id)).toContain('Refused: since the run ended, somebody changed what Write left');
  await belay.requestRollback(id, { force: true });
  await belay.run(id, { onWait: 'leave' });
  expect(text('theirs')).toBe('before');
  expect((await belay.view(id)).rollbackStatus).toBe('clean');
});

test('what a step found as it wants it is not its to take back, whatever somebody makes of it since', async () => {
  writeFileSync(path('theirs'), 'v1');
  writeFileSync(path('ours'), 'before');
  const id = await run(`${write('ours', 'v1').replace('Write', 'Ours')}\n${write('theirs', 'v1')}\n${ask}`, {
    rollback: 'onFailure',
  });
  writeFileSync(path('theirs'), 'hotfix');
  await belay.decide(id, undefined, { decision: 'reject', comment: '' });
  await belay.run(id, { onWait: 'leave' });
  expect([text('theirs'), text('ours')]).toEqual(['hotfix', 'before']);
  expect(await belay.view(id)).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
  expect(await endingOf(id)).not.toContain('Still changed');
  expect(exitCodeOf(endedOf(await belay.view(id)))).toBe(3);
});

test.each([{ force: false }, { force: true }])(
  'a rollback of a finished run leaves that alone, too: %j',
  async (request) => {
    writeFileSync(path('theirs'), 'v1');
    writeFileSync(path('ours'), 'before');
    const id = await run(`${write('ours', 'v1').replace('Write', 'Ours')}\n${write('theirs', 'v1')}`);
    writeFileSync(path('theirs'), 'hotfix');
    await belay.requestRollback(id, request);
    await belay.run(id, { onWait: 'leave' });
    expect([text('theirs'), text('ours')]).toEqual(['hotfix', 'before']);
    expect((await belay.view(id)).rollbackStatus).toBe('clean');
    expect(await endingOf(id)).not.toContain('Refused');
  },
);

test('two steps that write the same file are no others to each other', async () => {
  writeFileSync(path('file'), 'before');
  const id = await run(`${write('file', 'v1')}\n${write('file', 'v2').replace('Write', 'Again')}\n${fail}`, {
    rollback: 'onFailure',
  });
  expect(text('file')).toBe('before');
  expect((await belay.view(id)).rollbackStatus).toBe('clean');
});

test('what an own command has made of the file is taken back with it', async () => {
  writeFileSync(path('file'), 'before');
  const id = await run(
    `${write('file', 'v1')}
- { name: Sed, action: 'host:command', inputs: { Host: here, Script: 'echo more >>${path('file')}' }, undo: [{ name: B, action: 'aws:sleep', inputs: { Duration: PT0S } }] }
${fail}`,
    { rollback: 'onFailure' },
  );
  expect(text('file')).toBe('before');
  expect((await belay.view(id)).rollbackStatus).toBe('clean');
});

test('a failed step that was seen to have left nothing is told so, and one that only looked is as it says', async () => {
  const id = await run(write('no/such/folder', 'x'));
  expect(existsSync(path('no'))).toBe(false);
  expect(accountOf(await belay.view(id)).steps[0]).toMatchObject({ certainty: 'seenAsBefore' });
  expect(await endingOf(id)).toMatch(/Nothing is left changed: Write looked at again at .*: as before\./);
  expect(accountOf(await belay.view(await run(fail))).steps[0]).toMatchObject({ certainty: 'byWord' });
});

test('an expression in an input that decides is described by the most that it may become', () => {
  const action = actions.get('minio:lifecycle');
  if (action === undefined) throw new Error('there is no minio:lifecycle');
  const inputs = { Hosts: ['minio01'], Buckets: ['*'], Days: 365, Put: '{{ P }}' };
  expect(describeAction(action, inputs)).toMatchObject({ effect: 'repeatable', undo: { kind: 'restore' } });
  expect(describeAction(action, { ...inputs, Put: false })).toMatchObject({ effect: 'read' });
});

/** As where the key of an encrypted volume cannot be used: EC2 takes the call, and the snapshot ends in error. */
const inError = (aws: Aws): Aws =>
  said(aws, () => [
    ['"State":"completed"', '"State":"error","StateMessage":"Given key ID is not accessible"'],
  ]);

test.each([
  ['aws:createSnapshot', { VolumeId: sandboxIds.db1Data }],
  ['ebs:snapshot', { VolumeIds: [sandboxIds.db1Data] }],
])(
  'a snapshot of %s that ended in error is there until it is taken back, and is told so',
  async (action, inputs) => {
    reopen(inError);
    const id = await run(`- { name: Snap, action: '${action}', inputs: ${JSON.stringify(inputs)} }`, {
      sandbox: true,
    });
    const snapshots = (): string[] => {
      const world = JSON.parse(text(`state/executions/${id}/world.json`)) as { snapshots: object };
      return Object.keys(world.snapshots);
    };
    const [snapshot = ''] = snapshots();
    expect(await belay.view(id)).toMatchObject({
      status: 'Failed',
      steps: [{ failure: { code: 'SNAPSHOT_ERROR', message: expect.stringContaining('not accessible') } }],
    });
    expect(await endingOf(id)).not.toContain('Nothing is left changed');
    expect(await endingOf(id)).toContain(snapshot);
    expect(await endingOf(id)).toContain(`belay rollback ${id} takes it back`);
    await belay.requestRollback(id, { force: false });
    await belay.run(id, { onWait: 'leave' });
    expect(snapshots()).toEqual([]);
    expect((await belay.view(id)).rollbackStatus).toBe('clean');
    expect(await endingOf(id)).not.toContain('is gone');
  },
);
