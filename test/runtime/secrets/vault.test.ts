import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { maskPlaceholders, newPlaceholder } from '../../../src/runtime/secrets/placeholder.ts';
import { Vault } from '../../../src/runtime/secrets/vault.ts';

const placeholder = newPlaceholder('P');
const secret = { name: 'P', value: 'hunter2-canary', placeholder };
const vault = new Vault([secret]);

test('a placeholder is replaced at any depth, inside longer texts too', () => {
  const inputs = { a: [placeholder], b: { c: `x=${placeholder};$&` } };
  expect(vault.reveal(inputs).inputs).toEqual({ a: ['hunter2-canary'], b: { c: 'x=hunter2-canary;$&' } });
});

test('a placeholder is replaced in a list that was pasted into a text as JSON, and in the name of a member', () => {
  const quoted = { name: 'P', value: 'with "quotes"', placeholder };
  const own = new Vault([quoted]);
  expect(own.reveal({ [placeholder]: `list: ${JSON.stringify([placeholder])}` }).inputs).toEqual({
    'with "quotes"': 'list: ["with \\"quotes\\""]',
  });
  const event = { type: 'StepStarted', step: 'A', action: 'a', inputs: { a: JSON.stringify([placeholder]) } };
  expect(maskPlaceholders(own.sealedEvent(event as never))).toMatchObject({ inputs: { a: '["***"]' } });
});

test('what looks like a placeholder and is not that of this execution is left as it is', () => {
  const forged = { a: newPlaceholder('P'), b: '\u0000secret:P\u0000', c: '\u0000P:v.t\u0000' };
  expect(vault.reveal(forged).inputs).toEqual(forged);
});

test('no host can write the guessable placeholder of an execution of Belay 0.1', () => {
  const old = new Vault([{ ...secret, placeholder: '\u0000secret:P\u0000' }]);
  const said = { status: 'ok', value: { outputs: { Stdout: '\u0000secret:P\u0000' } } } as const;
  const admitted = old.admitted(said);
  expect(old.reveal(admitted.value).inputs).toEqual({ outputs: { Stdout: '\ufffdsecret:P\ufffd' } });
  expect(vault.admitted(said)).toBe(said);
});

test('people see *** for a placeholder, and members that differ stay apart', () => {
  expect(maskPlaceholders({ text: `a ${placeholder} b` })).toEqual({ text: 'a *** b' });
  expect(maskPlaceholders({ '\0P:v.t\0': 1, '\0P:v.h\0': 2, '***(2)': 3, '\0\0': 4 })).toEqual({
    '***': 1,
    '***(3)': 2,
    '***(2)': 3,
    '\ufffd': 4,
  });
  expect(vault.masked(`${placeholder} and hunter2-canary`)).toBe('*** and ***');
});

test('a word of the runbook is not a secret because one has the same value; what came from the secret is', () => {
  const word = new Vault([{ name: 'P', value: 'openssl', placeholder }], {
    open: { mainSteps: [{ inputs: { Script: 'openssl version' } }] },
  });
  const { isSecret } = word.reveal({ Script: 'openssl version', Env: { P: placeholder } });
  expect(isSecret('openssl version')).toBe(false);
  expect(isSecret({ P: 'openssl' })).toBe(true);
  expect(vault.reveal({}).isSecret(['x', { y: 'is hunter2-canary' }])).toBe(true);
});

test('the public half of a private key is not a secret, although the private one holds it; a line of the private one is', () => {
  // The third and the fourth line share letters with the public key, as those of ed25519 keys in OpenSSH's format do.
  const shared = 'Zk3mQ9xT2vLbNc8R';
  const lines = [
    '-----BEGIN OPENSSH PRIVATE KEY-----',
    `b3BlbnNzaC1rZXktdjEA+${shared}/Yw5`,
    `${shared}+hJ7uE2pW`,
    '-----END-----',
  ];
  const own = new Vault([{ name: 'P', value: lines.join('\n'), placeholder }]);
  const nowhere = (): boolean => false;
  expect(
    own.secretPlace({ PublicKey: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0${shared}FIoR ops` }, nowhere),
  ).toBeUndefined();
  expect(own.secretPlace({ Comment: `as in ${lines[1]}` }, nowhere)).toEqual(['Comment']);
  expect(own.secretPlace({ Comment: Buffer.from(lines.join('\n')).toString('base64') }, nowhere)).toEqual([
    'Comment',
  ]);
});

/** As ssh-keygen writes one that needs no passphrase. */
function openSshKey(comment: string): string {
  const text = (bytes: Uint8Array | string): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, Buffer.from(bytes)]);
  };
  const point = randomBytes(32);
  const blob = Buffer.concat([text('ssh-ed25519'), text(point)]);
  const check = randomBytes(4);
  const secret = [check, check, blob, text(Buffer.concat([randomBytes(32), point])), text(comment)];
  const one = Buffer.from([0, 0, 0, 1]);
  const opening = [Buffer.from('openssh-key-v1\0'), text('none'), text('none'), text(''), one];
  const lines = Buffer.concat([...opening, text(blob), text(Buffer.concat(secret))])
    .toString('base64')
    .replaceAll(/.{70}(?=.)/g, '$&\n');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

const pemKey = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });

test.each([
  ['OpenSSH', openSshKey],
  ['PKCS #8', pemKey],
])('another %s key is not a secret for lines that every such key has; lines of the own are', (_, make) => {
  const [own, other] = [make('one'), make('two')];
  const held = new Vault([{ name: 'P', value: own, placeholder }]);
  const { isSecret } = held.reveal({});
  expect(isSecret(other)).toBe(false);
  expect(isSecret({ Key: [own] })).toBe(true);
  expect(isSecret(own.split('\n').at(-3) ?? '')).toBe(true);
  expect(held.secretPlace({ PrivateKey: other }, () => false)).toBeUndefined();
  expect(held.masked(own.split('\n')[0] ?? ''), 'people are shown no line of it').toBe('***');
});
