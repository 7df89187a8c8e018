/** src/actions/check/port.ts: addresses as the kernel writes them. */
import { expect, test } from 'vitest';
import { addressOf } from '../../../src/actions/check/port.ts';

test.each([
  ['0100007F', '127.0.0.1'],
  ['00000000', '0.0.0.0'],
  ['00000000000000000000000001000000', '::1'],
  ['00000000000000000000000000000000', '::'],
  ['0000000000000000FFFF00000100007F', '127.0.0.1'],
  ['B80D01200000000000000000AE010000', '2001:db8::1ae'],
  ['B80D0120000000000000000000000100', '2001:db8::1:0'],
])('%s is %s', (hex, address) => {
  expect(addressOf(hex)).toBe(address);
});

test.each(['', '7F', 'nonsense', '0100007f'])('%j is not an address', (hex) => {
  expect(() => addressOf(hex)).toThrow(/is not an address/);
});
