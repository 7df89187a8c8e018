/** Approvals that bind: real keys and ssh-keygen, a real belay, and somebody who may write the journal but has no key. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  allowedSignersOf,
  checkDecision,
  type WaitSaid,
} from '../../src/runtime/approvals/check-decision.ts';
import { signText } from '../../src/runtime/approvals/ssh-signature.ts';
import { statementText } from '../../src/runtime/approvals/statement.ts';
import type { ApprovalPolicy } from '../../src/inventory/index.ts';
import { BelayFolder, idIn } from '../cli/belay-process.ts';

let folder: BelayFolder;
beforeEach(() => {
  folder = new BelayFolder();
});
afterEach(() => folder.clear());

/** A key pair of that person; returns the private key's path. */
function keyOf(person: string): string {
  const file = join(folder.dir, `key-of-${person}`);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', person, '-f', file]);
  return file;
}
const publicOf = (file: string) => readFileSync(`${file}.pub`, 'utf8').trim();

const asking = (more: object) =>
  JSON.stringify({
    schemaVersion: '0.3',
    mainSteps: [
      { name: 'Ask', action: 'aws:approve', inputs: { Message: 'May I?', ...more } },
      { name: 'Nap', action: 'aws:sleep', inputs: { Duration: 'PT1S' } },
    ],
    outputs: ['Ask.ApproverDecisions'],
  });

function configure(approvers: object, approvals: object = {}): void {
  folder.write('belay.yaml', JSON.stringify({ approvers, approvals }));
}

async function started(more: object) {
  const running = folder.start(['run', folder.write('ask.yaml', asking(more)), '-y']);
  const said = await running.says('belay approve');
  return { running, id: idIn(said) };
}

function writeIntoInbox(id: string, value: object): void {
  const db = new DatabaseSync(join(folder.state, 'journal.db'));
  db.exec('PRAGMA busy_timeout = 5000');
  db.prepare('INSERT INTO inbox (execution, name, at, value, dedupe) VALUES (?, ?, ?, ?, ?)').run(
    id,
    'approve:Ask',
    Date.now(),
    JSON.stringify(value),
    'forged',
  );
  db.close();
}

describe('an approval where belay.yaml names approvers', { timeout: 60_000 }, () => {
  test('is a signature: who has the key is believed, and the journal says which key it was', async () => {
    const key = keyOf('alice');
    configure({ alice: { keys: [publicOf(key)] } });
    const { running, id } = await started({ Approvers: ['alice'] });
    const stranger = keyOf('mallory');
    const refused = await folder.run(['approve', id, '--key', stranger]);
    expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining('belongs to no approver') });
    expect(await folder.run(['approve', id, '--key', key, '--comment', 'go'])).toMatchObject({ code: 0 });
    const ended = await running.ended;
    expect(ended.code).toBe(0);
    const shown = execFileSync('ssh-keygen', ['-lf', `${key}.pub`], { encoding: 'utf8' }).split(' ')[1];
    expect(ended.stdout).toContain(`"SignedBy":"alice","Key":"${shown}"`);
  });

  test('finds the key in the agent or in ~/.ssh by itself', async () => {
    mkdirSync(join(folder.dir, '.ssh'), { mode: 0o700 });
    const key = join(folder.dir, '.ssh', 'id_ed25519');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    configure({ alice: { keys: [publicOf(key)] } });
    const { running, id } = await started({ Approvers: ['alice'] });
    expect(await folder.run(['approve', id])).toMatchObject({ code: 0 });
    expect(await running.ended).toMatchObject({ code: 0 });
  });

  test('is not a row that somebody wrote into the inbox: the wait goes on, and says why', async () => {
    const key = keyOf('alice');
    configure({ alice: { keys: [publicOf(key)] } });
    const { running, id } = await started({ Approvers: ['alice'] });
    writeIntoInbox(id, { approver: 'alice', decision: 'approve', comment: '', by: 'alice' });
    expect(await running.says('did not count')).toContain('it is not signed');
    expect(await folder.run(['reject', id, '--key', key, '--comment', 'no'])).toMatchObject({ code: 0 });
    expect(await running.ended).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('rejected Ask: no'),
    });
  });

  test('of a group counts once for each of its members', async () => {
    const [alice, bob] = [keyOf('alice'), keyOf('bob')];
    configure({
      alice: { keys: [publicOf(alice)] },
      bob: { keys: [publicOf(bob)] },
      dba: { members: ['alice', 'bob'] },
    });
    const { running, id } = await started({ Approvers: ['dba'], MinRequiredApprovals: 2 });
    expect(await folder.run(['approve', id, '--key', alice])).toMatchObject({ code: 0 });
    expect(await folder.run(['approve', id, '--key', alice])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('alice has answered Ask already'),
    });
    expect(await folder.run(['approve', id, '--key', bob])).toMatchObject({ code: 0 });
    expect(await running.ended).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('alice, bob, signed'),
    });
  });

  test('of several people of one group and one of another wants so many of each', async () => {
    const [alice, bob, carol] = [keyOf('alice'), keyOf('bob'), keyOf('carol')];
    configure({
      alice: { keys: [publicOf(alice)] },
      bob: { keys: [publicOf(bob)] },
      carol: { keys: [publicOf(carol)] },
      dba: { members: ['alice', 'bob'] },
      boss: { members: ['carol'] },
    });
    const { running, id } = await started({
      EnhancedApprovals: {
        Approvers: [
          { approver: 'dba', type: 'IamGroup', minRequiredApprovals: 2 },
          { approver: 'boss', type: 'IamGroup', minRequiredApprovals: 1 },
        ],
      },
    });
    for (const key of [carol, alice])
      expect(await folder.run(['approve', id, '--key', key])).toMatchObject({ code: 0 });
    expect((await folder.run(['show', id])).stdout).toContain('Waiting');
    expect(await folder.run(['approve', id, '--key', bob])).toMatchObject({ code: 0 });
    expect(await running.ended).toMatchObject({ code: 0 });
  });

  test('is refused of whoever started the execution, where belay.yaml wants that', async () => {
    const [mine, theirs] = [keyOf('me'), keyOf('bob')];
    configure(
      { me: { keys: [publicOf(mine)], user: userInfo().username }, bob: { keys: [publicOf(theirs)] } },
      { separate: true },
    );
    const { running, id } = await started({ Approvers: ['me', 'bob'] });
    expect(await folder.run(['approve', id, '--key', mine])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('me started the execution'),
    });
    expect(await folder.run(['approve', id, '--key', theirs])).toMatchObject({ code: 0 });
    expect(await running.ended).toMatchObject({ code: 0 });
  });

  test.skipIf(process.geteuid?.() !== 0)(
    'is refused of the person behind sudo, too (only root can have one)',
    async () => {
      const [mine, theirs] = [keyOf('erin'), keyOf('bob')];
      configure({ erin: { keys: [publicOf(mine)] }, bob: { keys: [publicOf(theirs)] } }, { separate: true });
      const file = folder.write('ask.yaml', asking({ Approvers: ['erin', 'bob'] }));
      const running = folder.start(['run', file, '-y'], { SUDO_USER: 'erin' });
      const id = idIn(await running.says('belay approve'));
      expect(await folder.run(['approve', id, '--key', mine])).toMatchObject({
        code: 5,
        stderr: expect.stringContaining('erin started the execution'),
      });
      expect(await folder.run(['approve', id, '--key', theirs])).toMatchObject({ code: 0 });
      expect(await running.ended).toMatchObject({ code: 0 });
    },
  );

  test('counts where a secret is in its message, and is over what is shown of it', async () => {
    const key = keyOf('alice');
    configure({ alice: { keys: [publicOf(key)] } });
    const file = folder.write(
      'secret.yaml',
      JSON.stringify({
        schemaVersion: '0.3',
        parameters: { S: { type: 'String', secret: true } },
        mainSteps: [
          { name: 'Ask', action: 'aws:approve', inputs: { Message: 'Use {{ S }}?', Approvers: ['alice'] } },
        ],
      }),
    );
    const running = folder.start(['run', file, '-y', '--secret', 'S=env:S'], { S: 'Str0ng-and-long' });
    const id = idIn(await running.says('belay approve'));
    expect(await folder.run(['approve', id, '--key', key])).toMatchObject({ code: 0 });
    expect(await running.ended).toMatchObject({ code: 0 });
  });

  test('counts by a file of allowed signers too, as long as the key is valid', async () => {
    const [old, now] = [keyOf('old'), keyOf('now')];
    folder.write(
      'signers',
      `old valid-before="20200101" ${publicOf(old)}\nnow namespaces="belay-approval" ${publicOf(now)}\n`,
    );
    configure({}, { allowedSigners: './signers' });
    const { running, id } = await started({ Approvers: ['old', 'now'] });
    expect(await folder.run(['approve', id, '--key', old])).toMatchObject({ code: 5 });
    expect(await folder.run(['approve', id, '--key', now])).toMatchObject({ code: 0 });
    expect(await running.ended).toMatchObject({ code: 0 });
  });
});

test('a prompt that wants somebody else is not answered by whoever started the execution', async () => {
  const me = userInfo().username;
  const { running, id } = await started({ Approvers: [me], Separate: true });
  expect(await folder.run(['approve', id])).toMatchObject({
    code: 5,
    stderr: expect.stringContaining(`you have started ${id}, and Ask wants somebody else`),
  });
  running.child.kill('SIGKILL');
  await running.ended;
}, 60_000);

test('what runs is what was started: a program that was edited since is refused at the next resume', async () => {
  const { running, id } = await started({ Approvers: [userInfo().username] });
  running.child.kill('SIGKILL');
  await running.ended;
  const db = new DatabaseSync(join(folder.state, 'journal.db'));
  const changed = db
    .prepare("UPDATE executions SET program = replace(program, 'PT1S', 'PT2S') WHERE id = ?")
    .run(id);
  db.close();
  expect(changed.changes).toBe(1);
  const resumed = await folder.run(['resume', id]);
  expect(resumed).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('is not the one that was started'),
  });
}, 60_000);

describe('a signed decision', () => {
  const wait: WaitSaid = {
    executionId: '01JD3K7Q0000',
    runbook: 'patch',
    step: 'Ask',
    wait: 'Ask#1',
    message: 'May I?',
    programSha256: 'a'.repeat(64),
    parametersSha256: 'b'.repeat(64),
    approvers: ['alice', 'bob'],
    separate: false,
    startedBy: ['carol'],
  };

  test('counts for nothing else than what was signed', { timeout: 60_000 }, async () => {
    const key = keyOf('alice');
    const people = new Map([
      [
        'alice',
        { name: 'alice', keys: [publicOf(key).split(' ').slice(0, 2).join(' ')], arns: [], users: ['alice'] },
      ],
    ]);
    const policy: ApprovalPolicy = {
      people,
      groups: new Map(),
      separate: false,
      allowedSigners: null,
      stsEndpoint: null,
      inbox: false,
    };
    const signers = allowedSignersOf(policy, process.env);
    const decision = { approver: 'alice', decision: 'approve' as const, comment: 'yes' };
    const signature = await signText(statementText({ ...wait, ...decision }), key, process.env);
    const check = (otherWait: object, other: object) =>
      checkDecision(policy, { ...wait, ...otherWait }, { ...decision, signature, ...other }, signers);
    expect(await check({}, {})).toMatchObject({ kind: 'good', person: 'alice' });
    const texts = [
      'executionId',
      'runbook',
      'step',
      'wait',
      'message',
      'programSha256',
      'parametersSha256',
    ] as const;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...texts), fc.string(), async (name, text) => {
        fc.pre(text !== wait[name]);
        expect(await check({ [name]: text }, {})).toMatchObject({ kind: 'bad' });
      }),
      { numRuns: 15 },
    );
    for (const other of [
      { decision: 'reject' },
      { comment: 'no' },
      { approver: 'bob' },
      { approver: 'carol' },
      { signature: `${signature}x` },
      { signature: signature.replace(/[A-Z]/, 'z') },
      { signature: 7 },
      { signature: undefined },
    ]) {
      expect(await check({}, other), JSON.stringify(other)).toMatchObject({ kind: 'bad' });
    }
  });

  test('cannot hide a line of its own in a message or a comment', () => {
    const text = statementText({
      ...wait,
      approver: 'alice',
      decision: 'reject',
      comment: 'x"\ndecision: approve',
    });
    expect(text.split('\n').filter((line) => line.startsWith('decision:'))).toEqual(['decision: reject']);
  });
});
