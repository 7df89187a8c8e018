/** authorized_keys below a folder that stands for a mounted root volume; running systems are in test/lab/actions-keys.test.ts. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { authorizedKeys } from '../../../src/actions/host/authorized-keys.ts';
import { parseLogin } from '../../../src/actions/host/own-key.ts';
import type { JsonObject } from '../../../src/json.ts';
import { observe, run, undo } from '../../support/action-bed.ts';
import { blankKey } from './keys.ts';
import { localTestHost } from './local.ts';

const [old, fresh, third] = [blankKey(1, 'old'), blankKey(2, 'fresh'), blankKey(3, 'third')];
const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

/** A root volume with one user, whose home is empty. */
function rootVolume(content?: string) {
  const here = localTestHost();
  const root = join(here.folder, 'root');
  const home = join(root, 'home', 'ops');
  const { uid, gid } = userInfo();
  mkdirSync(join(root, 'etc'), { recursive: true });
  mkdirSync(home, { recursive: true });
  writeFileSync(
    join(root, 'etc', 'passwd'),
    `other:x:9:9::/home/other:/bin/sh\nops:x:${uid}:${gid}::/home/ops:/bin/sh\n`,
  );
  const path = join(home, '.ssh', 'authorized_keys');
  if (content !== undefined) {
    mkdirSync(join(home, '.ssh'), { mode: 0o700 });
    writeFileSync(path, content);
    chmodSync(path, 0o640);
  }
  const inputs = (more: JsonObject): JsonObject => ({ Host: 'here', User: 'ops', Root: root, ...more });
  return {
    ...here,
    path,
    root,
    inputs,
    world: { hosts: { here: here.host } },
    content: () => readFileSync(path, 'utf8'),
  };
}

test('appends the line where the last one had no end, and undo restores bytes and mode exactly', async () => {
  await using volume = rootVolume(`# ours\r\n${old.line}`);
  const { inputs, world, path } = volume;
  const done = await run(authorizedKeys, inputs({ Keys: [`from="10.0.0.0/8" ${fresh.line}`] }), world);
  expect(done.ending).toMatchObject({
    kind: 'done',
    outputs: { Path: path, Changed: true, Fingerprints: [fresh.fingerprint], KeyCount: 2 },
    changes: [{ target: 'here', subject: path, from: null, to: fresh.fingerprint }],
  });
  expect(volume.content()).toBe(`# ours\r\n${old.line}\nfrom="10.0.0.0/8" ${fresh.line}\n`);
  expect(await undo(authorizedKeys, done, world)).toMatchObject({
    kind: 'done',
    changes: [{ from: fresh.fingerprint, to: null }],
  });
  expect(volume.content()).toBe(`# ours\r\n${old.line}`);
  expect(modeOf(path)).toBe('640');
  expect(await observe(authorizedKeys, done.inputs, world)).toEqual(done.before);
  expect(await undo(authorizedKeys, done, world)).toMatchObject({ kind: 'done', changes: [] });
  expect(readdirSync(join(volume.folder, 'kept', 'authorized-keys'))).toEqual([]);
});

test('makes folder and file for a user who has none, private; undo removes both', async () => {
  await using volume = rootVolume();
  const done = await run(authorizedKeys, volume.inputs({ Keys: [fresh.line] }), volume.world);
  expect(done.ending).toMatchObject({ kind: 'done', outputs: { KeyCount: 1 } });
  expect([modeOf(volume.path), modeOf(join(volume.path, '..'))]).toEqual(['600', '700']);
  await undo(authorizedKeys, done, volume.world, { knowing: 'nothing' });
  expect(existsSync(join(volume.path, '..'))).toBe(false);
});

test('a key that is there already keeps its line and options, whatever the comment', async () => {
  await using volume = rootVolume(`restrict,command="echo hi" ${old.line}\n`);
  const { ino } = statSync(volume.path);
  const done = await run(
    authorizedKeys,
    volume.inputs({ Keys: [blankKey(1, 'renamed').line] }),
    volume.world,
  );
  expect(done.ending).toMatchObject({ kind: 'done', outputs: { Changed: false }, changes: [] });
  expect(statSync(volume.path).ino).toBe(ino);
});

test('removes by the body, every line of it, and undo brings lines and options back', async () => {
  const content = `${fresh.line}\nrestrict ${old.line}\n${blankKey(1, 'again').line}\n`;
  await using volume = rootVolume(content);
  const done = await run(authorizedKeys, volume.inputs({ Keys: [old.line], State: 'absent' }), volume.world);
  expect(done.ending).toMatchObject({
    kind: 'done',
    outputs: { KeyCount: 1 },
    changes: [{ from: old.fingerprint, to: null }],
  });
  expect(volume.content()).toBe(`${fresh.line}\n`);
  await undo(authorizedKeys, done, volume.world, { knowing: 'nothing', lostReply: true });
  expect(volume.content()).toBe(content);
});

test.each(['present', 'absent'])(
  'when somebody has changed the file since, undo of %s touches only its own lines',
  async (State) => {
    await using volume = rootVolume(`${old.line}\nrestrict ${fresh.line}\n`);
    const Keys = [State === 'present' ? third.line : fresh.line];
    const done = await run(authorizedKeys, volume.inputs({ Keys, State }), volume.world);
    const theirs = blankKey(9, 'theirs').line;
    writeFileSync(volume.path, `${volume.content()}${theirs}\n`);
    expect(await undo(authorizedKeys, done, volume.world)).toMatchObject({
      kind: 'done',
      note: expect.stringContaining('changed by somebody else'),
    });
    expect(volume.content().split('\n').sort()).toEqual(
      ['', old.line, `restrict ${fresh.line}`, theirs].sort(),
    );
  },
);

test('refuses to remove the last key, and changes nothing', async () => {
  await using volume = rootVolume(`# comment\n${old.line}\n`);
  const done = await run(authorizedKeys, volume.inputs({ Keys: [old.line], State: 'absent' }), volume.world);
  expect(done.ending).toMatchObject({ kind: 'failed', code: 'LAST_KEY' });
  expect(volume.content()).toBe(`# comment\n${old.line}\n`);
  expect(await undo(authorizedKeys, done, volume.world)).toMatchObject({ kind: 'done', changes: [] });
});

test('refuses to remove a key where the one that was proven is not in the file', async () => {
  await using volume = rootVolume(`${old.line}\n${third.line}\n`);
  const inputs = volume.inputs({ Keys: [old.line], State: 'absent', Proven: fresh.line });
  const done = await run(authorizedKeys, inputs, volume.world);
  expect(done.ending).toMatchObject({ kind: 'failed', code: 'PROVEN_KEY_MISSING' });
  expect(volume.content()).toBe(`${old.line}\n${third.line}\n`);
});

test('after a lost reply nothing is written twice', async () => {
  await using volume = rootVolume(`${old.line}\n`);
  const done = await run(authorizedKeys, volume.inputs({ Keys: [fresh.line] }), volume.world, {
    lostReply: true,
  });
  expect(done.ending).toMatchObject({ kind: 'done', outputs: { Changed: true, KeyCount: 2 } });
  expect(volume.starts()).toBe(1);
});

test('says where else the key comes from', async () => {
  await using volume = rootVolume(`${old.line}\n${fresh.line}\n`);
  writeFileSync(`${volume.path}2`, `${old.line}\n`);
  mkdirSync(join(volume.root, 'home', 'other', '.ssh'), { recursive: true });
  writeFileSync(join(volume.root, 'home', 'other', '.ssh', 'authorized_keys'), `${old.line}\n`);
  const done = await run(authorizedKeys, volume.inputs({ Keys: [old.line], State: 'absent' }), volume.world);
  const note = done.ending.kind === 'done' ? (done.ending.note ?? '') : '';
  expect(note).toContain(`sshd also reads ${volume.path}2, with 1 keys`);
  expect(note).toContain('other has the key in');
});

test('follows the AuthorizedKeysFile of the volume, with its tokens', async () => {
  await using volume = rootVolume();
  mkdirSync(join(volume.root, 'etc', 'ssh', 'keys'), { recursive: true });
  writeFileSync(join(volume.root, 'etc', 'ssh', 'sshd_config'), 'AuthorizedKeysFile /etc/ssh/keys/%u-%%\n');
  const done = await run(authorizedKeys, volume.inputs({ Keys: [fresh.line] }), volume.world);
  expect(done.ending).toMatchObject({ outputs: { Path: join(volume.root, 'etc/ssh/keys/ops-%') } });
});

test('links, unknown users, private keys and what is not a key are refused by name', async () => {
  await using volume = rootVolume();
  const asked = (more: JsonObject) =>
    run(authorizedKeys, volume.inputs({ Keys: [fresh.line], ...more }), volume.world);
  await expect(asked({ User: 'nobody-here' })).rejects.toMatchObject({ code: 'NO_SUCH_USER' });
  await expect(asked({ Root: join(volume.root, 'etc') })).rejects.toMatchObject({ code: 'NO_SUCH_ROOT' });
  await expect(asked({ Keys: ['ssh-rsa nonsense'] })).rejects.toMatchObject({ code: 'NOT_A_KEY' });
  const secret = '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----';
  const refused = await asked({ Keys: [secret] }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'PRIVATE_KEY' });
  expect(String(refused)).not.toContain('b3B');
  mkdirSync(join(volume.path, '..'));
  symlinkSync('/etc/hostname', volume.path);
  await expect(asked({})).rejects.toMatchObject({ code: 'NOT_A_FILE' });
});

test.each([
  [
    'Accepted publickey for ops from 10.77.0.1 port 4711 ssh2: ED25519 SHA256:abc',
    { kind: 'key', user: 'ops', fingerprint: 'SHA256:abc' },
  ],
  [
    'Accepted publickey for ops from fe80::1 port 4711 ssh2: ED25519-CERT SHA256:abc ID x (serial 0) CA ED25519 SHA256:d',
    { kind: 'otherwise', user: 'ops' },
  ],
  ['Accepted password for ops from 10.77.0.1 port 4711 ssh2', { kind: 'otherwise', user: 'ops' }],
  ['Accepted publickey for ops from 10.77.0.1 port 4711 ssh2', { kind: 'unknown' }],
  [undefined, { kind: 'unknown' }],
])('reads of a login %s', (line, login) => {
  expect(parseLogin(line)).toEqual(login);
});
