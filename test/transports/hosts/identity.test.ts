/** Who answers: read strictly, from real shells, and from hosts that are not what they should be. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { identityLine, ownIdentity, readIdentity } from '../../../src/transports/hosts/identity.ts';

const nonce = 'belay-000102030405060708090a0b';
const machine = '0123456789abcdef0123456789abcdef';
const boot = '6b3a1f0e-2c4d-4e5f-8a9b-0c1d2e3f4a5b';
const answer = (line: string) => readIdentity(`Last login: today\n${nonce} ${line},\n`, nonce);

test('a host shows its machine-id, its boot and its process namespace through any login shell', () => {
  for (const shell of ['sh', 'bash', 'dash', 'csh', 'fish', 'zsh'].filter((name) =>
    existsSync(`/bin/${name}`),
  )) {
    const said = execFileSync(`/bin/${shell}`, ['-c', identityLine(nonce)], { encoding: 'utf8' });
    expect(readIdentity(said, nonce), shell).toEqual(ownIdentity());
  }
  expect(ownIdentity().bootId).toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
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
