/** What proves where a connection ends: the record of the very ssh process that made it, and nothing less. */
import { expect, test } from 'vitest';
import { knownName, knownNameOf, readKeyRecord } from '../../../src/transports/hosts/ssh-record.ts';

const kex = 'debug1: kex: algorithm: curve25519-sha256';
const key = 'debug1: Server host key: ssh-ed25519 SHA256:wQSfYAuwy6Sy07tiZcinPWhdz7HWlTbrBvhUwzWZ5+0';
const known = "debug1: Host '[127.0.0.1]:2273' is known and matches the ED25519 host key.";
const login = 'Authenticated to 127.0.0.1 (via proxy) using "publickey".';
const socket = 'debug1: setting up multiplex master socket';
const log = (...lines: readonly string[]) => `${lines.join('\n')}\n`;

test('a key that was found under a name, one login and a socket of its own are a proof', () => {
  expect(readKeyRecord(log(kex, key, known, login, socket))).toEqual({
    key: 'SHA256:wQSfYAuwy6Sy07tiZcinPWhdz7HWlTbrBvhUwzWZ5+0',
    knownAs: '[127.0.0.1]:2273',
  });
});

test('certificates, fingerprints from DNS and Kerberos are proofs of their own', () => {
  const certificate =
    'debug1: Server host certificate: ssh-ed25519-cert-v01@openssh.com SHA256:abc, serial 7 ID "db1" CA ssh-ed25519 SHA256:def valid forever';
  const matched = "debug1: Host 'db1.example' is known and matches the ED25519-CERT host certificate.";
  expect(readKeyRecord(log(kex, certificate, matched, login, socket))).toEqual({
    key: 'SHA256:abc',
    knownAs: 'db1.example',
  });
  const dns = 'debug1: matching host key fingerprint found in DNS';
  expect(readKeyRecord(log(kex, key, dns, login, socket))).toMatchObject({ knownAs: null });
  const kerberos = 'debug1: kex: algorithm: gss-curve25519-sha256-toWM5Slw5Ew8Mqkay+al2g==';
  expect(readKeyRecord(log(kerberos, login, socket))).toEqual({ key: null, knownAs: null });
});

test.each([
  [
    'the socket of another process',
    [kex, key, known, login, socket, 'ControlSocket /run/c0 already exists, disabling multiplexing'],
    /another ssh process/,
  ],
  ['no login', [kex, key, known, socket], /tells of 0 logins/],
  ['the logins of two processes', [kex, key, known, login, login, socket], /tells of 2 logins/],
  ['no socket', [kex, key, known, login], /made no control socket/],
  ['no key', [kex, known, login, socket], /names no host key/],
  ['a key that nobody knows', [kex, key, login, socket], /under which name/],
  [
    'a server that only talks of it',
    [kex, key, `debug1: Remote: ${known}`, login, socket],
    /under which name/,
  ],
])('%s proves nothing', (_, lines, why) => {
  expect(readKeyRecord(log(...lines))).toMatch(why);
});

test('the name under which a key must be known is the alias, or the host and its port', () => {
  expect(knownNameOf('hostname 10.0.0.5\nport 22\n')).toBe('10.0.0.5');
  expect(knownNameOf('hostname 10.0.0.5\nport 2222\n')).toBe('[10.0.0.5]:2222');
  expect(knownNameOf('hostname 10.0.0.5\nhostkeyalias db1.example\nport 2222\n')).toBe('db1.example');
  expect(knownName('::1', 2222)).toBe('[::1]:2222');
});
