import { expect, test } from 'vitest';
import { maskPlaceholders, secretPlaceholder, Vault } from '../../../src/runtime/secrets/vault.ts';

const vault = new Vault(new Map([['P', 'hunter2-canary']]));

test('a placeholder is replaced at any depth, inside longer texts too', () => {
  const inputs = { a: [secretPlaceholder('P')], b: { c: `x=${secretPlaceholder('P')};` } };
  expect(vault.reveal(inputs)).toEqual({ a: ['hunter2-canary'], b: { c: 'x=hunter2-canary;' } });
});

test('what the world gives back can neither show a secret nor become a placeholder', () => {
  expect(vault.conceal({ key: 'hunter2-canary', forged: secretPlaceholder('P') })).toEqual({
    key: '***',
    forged: '�secret:P�',
  });
});

test('people see *** for a placeholder', () => {
  expect(maskPlaceholders({ text: `a ${secretPlaceholder('P')} b` })).toEqual({ text: 'a *** b' });
});
