/** The signals of SSM by Belay's words, said early, twice and late to an execution that nobody runs: real processes. */
import { userInfo } from 'node:os';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BelayFolder, idIn, type Ended } from './belay-process.ts';

const me = userInfo().username;
let folder: BelayFolder;
beforeEach(() => {
  folder = new BelayFolder();
});
afterEach(() => folder.clear());

const said = async (...words: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await folder.run(words);
  return `${code} ${stderr}${stdout}`;
};
const runbook = (...mainSteps: readonly object[]): string =>
  folder.write('runbook.json', JSON.stringify({ schemaVersion: '0.3', mainSteps }));
const waits = async (...steps: readonly object[]): Promise<string> => {
  const ended: Ended = await folder.run(['run', runbook(...steps), '--sandbox', '--no-wait', '-y']);
  expect(ended.code, ended.stderr).toBe(6);
  return idIn(ended.stderr);
};
const sleep = (name: string) => ({ name, action: 'aws:sleep', inputs: { Duration: 'PT0S' } });
const hold = { name: 'Hold', action: 'aws:pause', inputs: {} };
const ask = { name: 'Ask', action: 'aws:approve', inputs: { Approvers: [me] } };

test('Resume answers a pause once, and early and late it is refused', { timeout: 120_000 }, async () => {
  const id = await waits(hold, ask, sleep('Last'));
  expect(await said('approve', id)).toMatch(/^5 NOT_WAITING .*Hold/);
  expect(await said('continue', id, '--step', 'Ask')).toMatch(/^5 NOT_WAITING .*waits at Hold/);
  expect(await said('continue', id)).toMatch(/^0 .*go on behind Hold/);
  for (const word of ['continue', 'reject'])
    expect(await said(word, id)).toMatch(/^5 ALREADY_DECIDED .*Hold .* has been answered already/);
  expect(await said('resume', id, '--no-wait')).toMatch(/^6 /);
  expect(await said('continue', id)).toMatch(/^5 NOT_WAITING .*Ask/);
  expect(await said('approve', id)).toMatch(/^0 /);
  for (const word of ['approve', 'reject']) expect(await said(word, id)).toMatch(/^5 ALREADY_DECIDED/);
  expect(await said('resume', id, '--no-wait')).toMatch(/^0 /);
  for (const word of ['approve', 'reject', 'continue', 'complete'])
    expect(await said(word, id)).toMatch(/^5 (?:NOT_WAITING|ALREADY_ENDED)/);
});

test(
  'a word that was said twice does not answer the next wait of the step',
  { timeout: 120_000 },
  async () => {
    const write = {
      name: 'Write',
      action: 'host:file',
      inputs: { Host: 'web1', Path: '/etc/motd', Content: 'x' },
      undo: [hold],
    };
    const ended = await folder.run(['run', runbook(write), '--sandbox', '-y']);
    expect(ended.code, ended.stderr).toBe(0);
    const id = idIn(ended.stderr);
    for (let turn = 1; turn <= 2; turn += 1) {
      expect(await said('rollback', id, '-y', '--no-wait'), `turn ${turn}`).toMatch(/^6 .*Hold/s);
      expect(await said('reject', id)).toMatch(/^0 /);
      expect(await said('reject', id)).toMatch(/^5 ALREADY_DECIDED/);
      expect(await said('resume', id, '--no-wait')).not.toMatch(/^[06] /);
    }
  },
);

test('StartStep starts a step once, and only one that can come now', { timeout: 120_000 }, async () => {
  const file = runbook(sleep('One'), sleep('Two'), sleep('Three'));
  const ended = await folder.run(['run', file, '--sandbox', '--interactive', '--no-wait', '-y']);
  expect(ended.code, ended.stderr).toBe(6);
  const id = idIn(ended.stderr);
  expect(await said('continue', id, '--step', 'Three')).toMatch(/^5 NOT_NEXT .*\n.*One/);
  expect(await said('approve', id)).toMatch(/^5 NOT_WAITING .*before One/);
  expect(await said('continue', id)).toMatch(/^0 .*One is next/);
  expect(await said('continue', id)).toMatch(/^5 ALREADY_DECIDED/);
  expect(await said('resume', id, '--no-wait')).toMatch(/^6 /);
  expect(await said('complete', id)).toMatch(/^0 .*before Two/);
  expect(await said('resume', id, '--no-wait')).toMatch(/^0 .*belay complete/s);
});

test(
  'what was said while nobody runs it is told by show and list, with who said it and what to type now',
  { timeout: 120_000 },
  async () => {
    const id = await waits(hold, ask, {
      ...ask,
      name: 'Both',
      inputs: { Approvers: [me, 'nobody-else'], MinRequiredApprovals: 2 },
    });
    const told = async (): Promise<string> => (await folder.run(['show', id])).stdout;
    const listed = async (): Promise<string> => (await folder.run(['list'])).stdout;
    const resume = `belay resume ${id}`;
    expect(await told()).toContain('belay continue');
    expect(await said('continue', id)).toMatch(/^0 /);
    expect(await told()).toMatch(
      new RegExp(`Answered at Hold\\n +${me} said to go on, .*\\n +it goes on with +${resume}\\n`),
    );
    expect(await told()).not.toContain('belay continue');
    expect(await listed()).toContain(`Hold, ${me} said to go on: ${resume}`);
    expect(await said('resume', id, '--no-wait')).toMatch(/^6 /);

    expect(await told()).toContain('belay approve');
    expect(await said('reject', id, '--step', 'Nothing')).toMatch(/^5 /);
    expect(await said('approve', id)).toMatch(/^0 /);
    expect(await told()).toMatch(
      new RegExp(`Answered at Ask\\n +${me} approved, .*\\n +it goes on with +${resume}\\n`),
    );
    expect(await listed()).toContain(`Ask, ${me} approved: ${resume}`);
    expect(await said('resume', id, '--no-wait')).toMatch(/^6 /);

    expect(await said('approve', id)).toMatch(/^0 /);
    expect(await told()).toMatch(
      new RegExp(
        `Waiting at Both: .*\\n +${me} approved, .*\\n.*belay approve .*\\n +and then +${resume}\\n`,
      ),
    );
    expect(await listed()).toMatch(/Both, waits for /);
  },
);

test(
  'the next step that was said to start is told until somebody starts it',
  { timeout: 120_000 },
  async () => {
    const file = runbook(sleep('One'), sleep('Two'));
    const ended = await folder.run(['run', file, '--sandbox', '--interactive', '--no-wait', '-y']);
    const id = idIn(ended.stderr);
    expect(await said('continue', id)).toMatch(/^0 /);
    const { stdout } = await folder.run(['show', id]);
    expect(stdout).toMatch(
      new RegExp(`Answered\\n +${me} said to start One, .*\\n +it goes on with +belay resume ${id}\\n`),
    );
    expect((await folder.run(['list'])).stdout).toContain(`${me} said to start One: belay resume ${id}`);
  },
);
