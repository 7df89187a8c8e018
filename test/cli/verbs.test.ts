/** What each verb does to an execution that nobody runs, and what it says of it: real processes. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BelayFolder, idIn, type Ended } from './belay-process.ts';

const me = userInfo().username;
let folder: BelayFolder;
beforeEach(() => {
  folder = new BelayFolder();
  folder.write('belay.yaml', 'hosts: { here: { transport: local } }\n');
});
afterEach(() => folder.clear());

const path = (name: string): string => join(folder.dir, name);
const runbook = (steps: string): string =>
  folder.write(
    'runbook.yaml',
    `schemaVersion: '0.3'\nrollback: { when: onFailure }\nmainSteps:\n${steps.replace(/^/gm, '  ')}\n`,
  );
const write = (): string =>
  `- { name: Write, action: 'host:file', inputs: { Host: here, Path: '${path('file')}', Content: "after" } }`;
const ask = `- { name: Ask, action: 'aws:approve', inputs: { Approvers: ['${me}'], Message: go on?, MinRequiredApprovals: 1 } }`;

async function waiting(): Promise<string> {
  const ended = await folder.run(['run', runbook(`${write()}\n${ask}`), '--no-wait', '-y']);
  expect(ended.code).toBe(6);
  return idIn(ended.stderr);
}

const list = async (): Promise<Ended> => folder.run(['list']);

test('cancel climbs down itself where nobody runs the execution', { timeout: 60_000 }, async () => {
  folder.write('file', 'before');
  const id = await waiting();
  expect(readFileSync(path('file'), 'utf8')).toBe('after');
  const cancelled = await folder.run(['cancel', id]);
  expect(cancelled.stderr).toContain('Cancelled at Ask, rolled back clean');
  expect(cancelled.code).toBe(3);
  expect(readFileSync(path('file'), 'utf8')).toBe('before');
});

test(
  'a second rollback says when the first one was, looks again, and claims what it saw',
  { timeout: 60_000 },
  async () => {
    folder.write('file', 'before');
    const id = idIn((await folder.run(['run', runbook(write()), '-y'])).stderr);
    expect((await folder.run(['rollback', id, '-y'])).stderr).toContain('Rolled back clean');
    const same = await folder.run(['rollback', id, '-y']);
    expect(same.stderr).toMatch(
      /was rolled back at \d\d:\d\d:\d\d already\.\nLooked again at .*:\n {2}Write on here {2}as it was before\nNothing was done\./,
    );
    expect(same.code).toBe(0);
    folder.write('file', 'somebody else');
    const other = await folder.run(['rollback', id, '-y']);
    expect(other.stderr).toMatch(/Write on here {2}is not as it was before: sha256 .* → .*, size 6 → 13/);
    expect(other.stderr).not.toContain('Rolled back clean');
    expect(other.code).toBe(5);
    expect(readFileSync(path('file'), 'utf8')).toBe('somebody else');
  },
);

test(
  'an empty id names nothing, and resume without one takes what is open',
  { timeout: 60_000 },
  async () => {
    folder.write('file', 'before');
    const open = await waiting();
    const done = idIn((await folder.run(['run', runbook(write()), '-y'])).stderr);
    const empty = await folder.run(['rollback', '', '-y']);
    expect(empty.code).toBe(2);
    expect(empty.stderr).toContain('an empty id names no execution');
    await folder.run(['approve', open]);
    const resumed = await folder.run(['resume']);
    expect([resumed.code, resumed.stderr]).toEqual([0, expect.stringContaining('Done in')]);
    const none = await folder.run(['resume']);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('waits to be resumed')]);
    expect((await folder.run(['show', done])).code).toBe(0);
  },
);

test(
  'what cannot go on is discarded with a reason and a name, and goes with the next prune',
  { timeout: 60_000 },
  async () => {
    const id = await waiting();
    const unsaid = await folder.run(['discard', id]);
    expect([unsaid.code, unsaid.stderr]).toEqual([2, expect.stringContaining('why?')]);
    const discarded = await folder.run(['discard', id, '--why', 'nobody answers']);
    expect(discarded.code).toBe(0);
    const shown = (await folder.run(['show', id])).stdout;
    expect(shown).toMatch(new RegExp(`discarded +.* by ${me}: nobody answers`));
    expect((await list()).stdout).toContain('discarded: nobody answers');
    for (const verb of [
      ['resume', id],
      ['cancel', id],
      ['rollback', id, '-y'],
    ]) {
      const refused = await folder.run(verb);
      expect([refused.code, refused.stderr], verb.join(' ')).toEqual([
        5,
        expect.stringContaining('was discarded by'),
      ]);
    }
    const told = await folder.run(['prune', '--dry-run']);
    expect(told.stdout).toMatch(new RegExp(`Goes \\(1\\)\\n +${id} .*nobody answers`));
    expect((await folder.run(['prune'])).stderr).toContain('nobody can be asked here; nothing was removed');
    const pruned = await folder.run(['prune', '-y', '--json']);
    expect(JSON.parse(pruned.stdout)).toMatchObject({ pruned: { removed: [id], unfinished: [] } });
    expect((await folder.run(['show', id])).code).toBe(2);
  },
);

test(
  'the log of a command says whose lines they are, also where it is piped',
  { timeout: 60_000 },
  async () => {
    const file = runbook(
      `- name: Each
  action: belay:rolling
  inputs:
    Targets: [here]
    Steps: [{ name: Say, action: 'host:command', inputs: { Host: '{{ Each.Target }}', Script: 'printf no-newline' }, undo: { none: looks } }]
- { name: Again, action: 'host:command', inputs: { Host: here, Script: 'echo second' }, undo: { none: looks } }`,
    );
    const id = idIn((await folder.run(['run', file, '-y'])).stderr);
    const { stdout } = await folder.run(['logs', id]);
    expect(stdout).toMatch(/Each@here\/Say.*\nno-newline\n.*Again.*\nsecond\n/s);
    const one = await folder.run(['logs', id, '--step', 'Each']);
    expect(one.stdout).toContain('no-newline');
    expect(one.stderr).not.toContain('wrote nothing');
  },
);

test(
  'an interactive run waits before each step; continue starts one, and complete ends it with nothing undone',
  { timeout: 60_000 },
  async () => {
    folder.write('file', 'before');
    const file = runbook(`${write()}\n- { name: Never, action: 'aws:sleep', inputs: { Duration: PT1S } }`);
    const started = await folder.run(['run', file, '--interactive', '--no-wait', '-y']);
    expect([started.code, started.stderr]).toEqual([6, expect.stringContaining('belay continue')]);
    const id = idIn(started.stderr);
    expect(readFileSync(path('file'), 'utf8')).toBe('before');
    expect((await list()).stdout).toContain('waits before Write');
    const wrong = await folder.run(['continue', id, '--step', 'Never']);
    expect([wrong.code, wrong.stderr]).toEqual([5, expect.stringContaining('what can come now: Write')]);
    const unasked = await folder.run(['approve', id]);
    expect([unasked.code, unasked.stderr]).toEqual([5, expect.stringContaining(`belay continue ${id}`)]);
    expect((await folder.run(['continue', id])).stderr).toContain('Write is next');
    const again = await folder.run(['continue', id]);
    expect([again.code, again.stderr]).toEqual([5, expect.stringContaining('decided already')]);
    const resumed = await folder.run(['resume', id, '--no-wait']);
    expect([resumed.code, resumed.stderr]).toEqual([6, expect.stringContaining('Never is next')]);
    expect(readFileSync(path('file'), 'utf8')).toBe('after');
    expect((await folder.run(['complete', id])).stderr).toContain('it will end before Never');
    const ended = await folder.run(['resume', id]);
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining('Never was not run')]);
    expect(readFileSync(path('file'), 'utf8')).toBe('after');
    const late = await folder.run(['complete', id]);
    expect([late.code, late.stderr]).toEqual([5, expect.stringContaining('has ended')]);
  },
);

test('lanes that wait side by side are answered one by one', { timeout: 60_000 }, async () => {
  writeFileSync(path('belay.yaml'), 'hosts: { a: { transport: local }, b: { transport: local } }\n');
  const file = runbook(
    `- name: Each
  action: belay:rolling
  inputs:
    Targets: [a, b]
    MaxUnavailable: 2
    MaxErrors: 1
    Steps: [{ name: Ask, action: 'aws:approve', inputs: { Approvers: ['${me}'], Message: 'go on with {{ Each.Target }}?', MinRequiredApprovals: 1 } }]`,
  );
  const running = folder.start(['run', file, '-y']);
  const id = idIn(await running.says(/--step Each@b\/Ask/));
  await running.says(/--step Each@a\/Ask/);
  const shown = (await folder.run(['show', id])).stdout;
  for (const at of ['Each@a/Ask', 'Each@b/Ask']) expect(shown).toContain(`belay approve ${id} --step ${at}`);
  expect((await folder.run(['approve', id])).stderr).toContain('waits at 2 steps');
  for (const at of ['Each@a/Ask', 'Each@b/Ask'])
    expect((await folder.run(['approve', id, '--step', at])).code, at).toBe(0);
  expect((await running.ended).code).toBe(0);
});

test('list says which executions were in the sandbox', { timeout: 60_000 }, async () => {
  await folder.run([
    'run',
    runbook(`- { name: Nap, action: 'aws:sleep', inputs: { Duration: PT0S } }`),
    '--sandbox',
    '-y',
  ]);
  expect((await list()).stdout).toContain('runbook (sandbox)');
  rmSync(path('runbook.yaml'));
});

test(
  'an undo list that sleeps is a rollback that is under way, and a cancel promises nothing',
  { timeout: 60_000 },
  async () => {
    const nap = `{ name: Nap, action: 'aws:sleep', inputs: { Duration: PT10M } }`;
    const file = runbook(
      `- { name: Act, action: 'host:command', inputs: { Host: here, Script: 'true' }, undo: [${nap}] }
- { name: Fail, action: 'host:command', inputs: { Host: here, Script: 'exit 1' }, undo: { none: it looks } }`,
    );
    const running = folder.start(['run', file, '-y']);
    const id = idIn(await running.says(/Nap .*sleeps for/));
    expect((await list()).stdout).toMatch(/Failed +running .*Act\/undo\/Nap/);
    const shown = (await folder.run(['show', id])).stdout;
    expect(shown).toContain('Failed, rollback running');
    expect(shown).toMatch(/↶ Act +under way\n +▸ Act\/undo\/Nap/);
    const cancelled = await folder.run(['cancel', id]);
    expect([cancelled.code, cancelled.stderr]).toEqual([
      5,
      expect.stringContaining('is climbing down already, and no cancel stops that'),
    ]);
    const again = await folder.run(['rollback', id, '-y']);
    expect([again.code, again.stderr]).toEqual([
      5,
      expect.stringContaining(`it is climbing down already; belay logs -f ${id} follows it`),
    ]);
  },
);

test(
  'explain tells of a rolling that its nested steps are undone, not that nothing is needed',
  { timeout: 60_000 },
  async () => {
    const { stdout } = await folder.run(['explain', 'belay:rolling']);
    expect(stdout).toMatch(/^undo +its nested steps are undone, target after target, last first/m);
  },
);
