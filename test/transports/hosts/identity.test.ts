/** Who answers: read strictly, from real shells, and from hosts that are not what they should be. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import {
  askIdentity,
  identityLine,
  ownIdentity,
  readIdentity,
} from '../../../src/transports/hosts/identity.ts';

const nonce = 'belay-000102030405060708090a0b';
const machine = '0123456789abcdef0123456789abcdef';
const boot = '6b3a1f0e-2c4d-4e5f-8a9b-0c1d2e3f4a5b';
const answer = (line: string) => readIdentity(`Last login: today\n${nonce} ${line},\n`, nonce);

const shells = ['sh', 'bash', 'dash', 'csh', 'fish', 'zsh'].filter((name) => existsSync(`/bin/${name}`));
const opening = ['/bin/sh', '-c', 'IFS= read -r x; echo "opened $1 $2 $x"', 'sh', '$HOME *', '"a"'];
/** What a login shell prints that is given the line, and then these bytes. */
const said = (shell: string, input: string) => {
  const { stdout } = spawnSync(`/bin/${shell}`, ['-c', identityLine(nonce, opening)], {
    input,
    encoding: 'utf8',
  });
  return stdout;
};

test('a host shows its machine-id, its boot and its process namespace through any login shell', () => {
  for (const shell of shells) expect(readIdentity(said(shell, ''), nonce), shell).toEqual(ownIdentity());
  expect(ownIdentity().bootId).toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
});

test('the session becomes what is to be opened once it is told to go on, and reads nothing that is meant for that', () => {
  for (const shell of shells) {
    expect(said(shell, 'go\nfirst line\n').split('\n')[1], shell).toBe('opened $HOME * "a" first line');
    for (const other of ['', 'no\nfirst line\n', 'go'])
      expect(said(shell, other), shell).not.toContain('opened');
  }
});

test('what comes after the answer is there to be read by whoever goes on', async () => {
  const stdin = new PassThrough();
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const session = { stdin, stdout, stderr, ended: new Promise<never>(() => {}), kill: () => {} };
  stderr.write('motd');
  stdout.write(`Last login: today\n${nonce} ${machine},${boot},,,,\nrest é`);
  const asked = await askIdentity(session, nonce, 60_000);
  assert(asked.kind === 'identity');
  expect(stdin.read()).toBeNull();
  asked.goOn();
  stdout.end(' and more');
  stderr.end(' more');
  expect(String(stdin.read())).toBe('go\n');
  expect(await text(stdout)).toBe('rest é and more');
  expect(await text(stderr)).toBe('motd more');
});

test('the instance id is that of the hardware, or else what cloud-init found at this boot', () => {
  expect(answer(`${machine},${boot},pid:[4026531836],i-0123456789abcdef0,i-0fedcba9876543210`)).toEqual({
    machineId: machine,
    bootId: boot,
    space: 'pid:[4026531836]',
    instanceId: 'i-0123456789abcdef0',
  });
  expect(answer(`${machine},${boot},,Not Specified,i-0fedcba9876543210`)?.instanceId).toBe(
    'i-0fedcba9876543210',
  );
});

test('what has another form than it must have is not known', () => {
  const nothing = { machineId: null, bootId: null, space: null, instanceId: null };
  expect(answer(',,,,')).toEqual(nothing);
  expect(answer(`uninitialized,later,pid:[x],"i-1",$(id)`)).toEqual(nothing);
  expect(answer(`${'0'.repeat(32)},${boot}0,pid:[4026531836,i-0123456789abcdefg,`)).toEqual(nothing);
  expect(answer(`${machine.toUpperCase()},${boot},,,`)).toMatchObject({ machineId: machine, bootId: boot });
});

test('an answer counts once it has come whole, wherever on the line it begins', () => {
  expect(readIdentity(`${nonce} ${machine},${boot},,,,`, nonce)).toBeUndefined();
  expect(readIdentity('Please login as the user "admin"\n', nonce)).toBeUndefined();
  expect(readIdentity(`$ ${nonce} ${machine},${boot},,,,\n`, nonce)).toMatchObject({ machineId: machine });
});
