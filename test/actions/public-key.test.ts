import { expect, test } from 'vitest';
import { looksPrivate, parsePublicKey } from '../../src/actions/public-key.ts';
import { blankKey } from './host/keys.ts';

test('finds the key behind options, quoted ones with spaces and keys in them too', () => {
  const { line, body } = blankKey(1);
  const other = blankKey(2).line;
  for (const options of ['', 'restrict ', `from="10.0.0.0/8",command="echo ${other} \\"x\\"" `]) {
    expect(parsePublicKey(`${options}${line}`)).toMatchObject({ type: 'ssh-ed25519', body });
  }
});

test('fingerprints are those of ssh-keygen', () => {
  const github = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
  expect(parsePublicKey(github)?.fingerprint).toBe('SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
});

test.each([
  ['nothing', ''],
  ['a comment', `# ${blankKey(1).line}`],
  ['two lines', `${blankKey(1).line}\n${blankKey(2).line}`],
  ['another type than the key says', blankKey(1).line.replace('ssh-ed25519', 'ssh-rsa')],
  ['a key that is cut off', 'ssh-ed25519 AAAA'],
])('%s is not a key', (_, text) => {
  expect(parsePublicKey(text)).toBeUndefined();
});

test('a private key is known as one', () => {
  expect(looksPrivate('-----BEGIN OPENSSH PRIVATE KEY-----\nb3B')).toBe(true);
  expect(looksPrivate(blankKey(1).line)).toBe(false);
});
