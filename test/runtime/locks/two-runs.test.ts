/** Two `belay run` on one state folder, as processes: one runs, one is told who holds what since when. */
import { userInfo } from 'node:os';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BelayFolder, idIn } from '../../cli/belay-process.ts';

const paused = `
schemaVersion: '0.3'
rollback: { when: never }
locks: ['volume:vol-1']
mainSteps:
  - { name: Look, action: aws:pause, inputs: {} }
`;
const short = `
schemaVersion: '0.3'
rollback: { when: never }
parameters: { Volume: { type: String, default: vol-1 } }
locks: ['volume:{{ Volume }}']
mainSteps:
  - { name: Wait, action: aws:sleep, inputs: { Duration: PT1S } }
`;

let belay: BelayFolder;
beforeEach(() => {
  belay = new BelayFolder();
  belay.write('paused.yaml', paused);
  belay.write('short.yaml', short);
});
afterEach(() => belay.clear());

const json = async (args: readonly string[]) => JSON.parse((await belay.run(args)).stdout) as never;

test('a second run is refused with 5 while the first waits, killed or not, until it has ended', async () => {
  const first = belay.start(['run', 'paused.yaml']);
  const id = idIn(await first.says('belay continue'));
  const who = new RegExp(
    `Refused: volume:vol-1 is held by ${id} \\(paused, [^@ ]+@[^ ]+\\) since \\d\\d:\\d\\d:\\d\\d; it is under way: .*--wait-lock`,
  );
  const live = await belay.run(['run', 'short.yaml']);
  expect(live).toMatchObject({ code: 5, stderr: expect.stringMatching(who) });
  expect(live.stderr).toContain('Nothing was started, nothing was changed.');
  expect(await belay.run(['run', 'short.yaml', '-p', 'Volume=vol-2'])).toMatchObject({ code: 0 });
  expect(await belay.run(['run', 'short.yaml', '--sandbox'])).toMatchObject({ code: 0 });
  expect(await json(['show', id, '--json'])).toMatchObject({ locks: ['volume:vol-1'] });

  first.child.kill('SIGKILL');
  await first.ended;
  const dead = await belay.run(['run', 'short.yaml']);
  expect(dead.code).toBe(5);
  expect(dead.stderr).toContain(
    `; its runner is gone: belay resume ${id} goes on, belay cancel ${id} climbs down.`,
  );
  expect(await json(['locks', '--json'])).toMatchObject({
    locks: [
      { lock: 'volume:vol-1', holder: { executionId: id, runbook: 'paused', condition: 'runnerGone' } },
    ],
  });

  await belay.run(['continue', id]);
  expect(await belay.run(['resume', id])).toMatchObject({ code: 0 });
  expect(await json(['show', id, '--json'])).toMatchObject({ locks: [] });
  expect(await belay.run(['locks'])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('Nothing is held.'),
  });
  expect(await belay.run(['run', 'short.yaml'])).toMatchObject({ code: 0 });
}, 120_000);

test('is held while a person is asked and through the rollback; a later rollback waits for whoever has it then', async () => {
  const asking = `
schemaVersion: '0.3'
rollback: { when: onFailure }
locks: ['volume:vol-1']
mainSteps:
  - name: Write
    action: host:command
    inputs: { Host: here, Script: 'true' }
    undo:
      - { name: TakeBack, action: aws:pause, inputs: {} }
  - { name: Ask, action: aws:approve, inputs: { Approvers: ['${userInfo().username}'] } }
`;
  belay.write('belay.yaml', 'hosts: { here: { transport: local } }\n');
  belay.write('asking.yaml', asking);
  const isRefused = async () => {
    const other = await belay.run(['run', 'short.yaml']);
    expect(other).toMatchObject({ code: 5, stderr: expect.stringContaining(`is held by ${id} (asking, `) });
  };
  const first = belay.start(['run', 'asking.yaml', '-y']);
  const id = idIn(await first.says('belay approve'));
  await isRefused();
  await belay.run(['reject', id]);
  await first.says('belay continue');
  await isRefused();
  await belay.run(['continue', id]);
  expect(await first.ended).toMatchObject({ code: 3 });

  const approved = belay.start(['run', 'asking.yaml', '-y']);
  const done = idIn(await approved.says('belay approve'));
  await belay.run(['approve', done]);
  expect(await approved.ended).toMatchObject({ code: 0 });
  const between = belay.start(['run', 'paused.yaml']);
  const holder = idIn(await between.says('belay continue'));
  expect(await belay.run(['rollback', done, '-y'])).toMatchObject({
    code: 5,
    stderr: expect.stringContaining(`is held by ${holder}`),
  });
  const back = belay.start(['rollback', done, '-y', '--wait-lock=60']);
  await back.says(`waits for volume:vol-1, held by ${holder}`);
  await belay.run(['continue', holder]);
  await back.says('belay continue');
  await belay.run(['continue', done]);
  expect(await back.ended).toMatchObject({ code: 0 });
}, 120_000);

test('a lock on what nobody knows is refused before anything is started', async () => {
  belay.write('belay.yaml', 'hosts: { db1: { transport: local } }\ngroups: { databases: [db1] }\n');
  for (const [lock, says] of [
    ['host:db2', 'locks: no host is called db2. Did you mean db1?'],
    ['cluster:database', 'locks: no group is called database. Did you mean databases?'],
    ['cluster:db1', 'locks: db1 is a host, no group; write db1'],
  ] as const) {
    belay.write('wrong.yaml', short.replace('volume:{{ Volume }}', lock));
    const refused = await belay.run(['run', 'wrong.yaml']);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(says) });
    expect(refused.stderr).toContain('Nothing was started.');
  }
}, 60_000);

test('of two that start at the same time one runs and one is refused', async () => {
  const ends = await Promise.all([belay.run(['run', 'short.yaml']), belay.run(['run', 'short.yaml'])]);
  expect(ends.map(({ code }) => code).toSorted((left, right) => Number(left) - Number(right))).toEqual([
    0, 5,
  ]);
}, 60_000);

test('--wait-lock waits, says for whom, and runs once it is free', async () => {
  const first = belay.start(['run', 'paused.yaml']);
  const id = idIn(await first.says('belay continue'));
  const second = belay.start(['run', 'short.yaml', '--wait-lock=60']);
  const said = await second.says('waits for volume:vol-1');
  expect(said).toMatch(
    new RegExp(`waits for volume:vol-1, held by ${id} \\(paused, .*\\) since .*, at most 60 s`),
  );
  await belay.run(['continue', id]);
  expect(await first.ended).toMatchObject({ code: 0 });
  expect(await second.ended).toMatchObject({ code: 0 });
  expect(await belay.run(['run', 'short.yaml', '--wait-lock', 'soon'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--wait-lock soon: that is not a number of seconds'),
  });
}, 60_000);

test('Ctrl-C while waiting leaves at once; resumed, it waits on, and a cancel ends it', async () => {
  const first = belay.start(['run', 'paused.yaml']);
  await first.says('belay continue');
  const second = belay.start(['run', 'short.yaml', '--wait-lock']);
  const id = idIn(await second.says('waits for volume:vol-1'));
  second.child.kill('SIGINT');
  expect(await second.ended).toMatchObject({
    code: 130,
    stderr: expect.stringContaining(`belay resume ${id}`),
  });
  const cancelled = await belay.run(['cancel', id]);
  expect(cancelled.code).toBe(1);
  expect(cancelled.stderr).toContain('Cancelled');
  expect((await belay.run(['resume', id])).code).toBe(5);
}, 60_000);

test('unlock names what it frees, never a live holder, and a resume then finds its lock gone', async () => {
  const first = belay.start(['run', 'paused.yaml']);
  const id = idIn(await first.says('belay continue'));
  const unlock = ['unlock', 'volume:vol-1', '--holder', id];
  expect(await belay.run([...unlock, '-y'])).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('is under way; nothing was freed'),
  });
  first.child.kill('SIGKILL');
  await first.ended;
  expect(await belay.run(['unlock', 'volume:vol-1', '--holder', '01NOBODY', '-y'])).toMatchObject({
    code: 5,
    stderr: expect.stringContaining(`it is held by ${id}`),
  });
  expect(await belay.run(unlock)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('nothing was freed'),
  });
  const freed = await belay.run([...unlock, '-y']);
  expect(freed).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/This frees:[^]*volume:vol-1[^]*Freed\./),
  });

  const other = belay.start(['run', 'paused.yaml']);
  const otherId = idIn(await other.says('belay continue'));
  await belay.run(['continue', id]);
  expect(await belay.run(['resume', id])).toMatchObject({
    code: 5,
    stderr: expect.stringContaining(`${id} has lost its lock: volume:vol-1 is held by ${otherId}`),
  });
  await belay.run(['continue', otherId]);
  expect(await other.ended).toMatchObject({ code: 0 });
  expect(await belay.run(['resume', id])).toMatchObject({ code: 0 });
}, 120_000);
