import { expect, test } from 'vitest';
import { satisfies, upstreamVersion } from '../../../src/actions/postgresql/version.ts';

test.each([
  ['15.20 (Debian 15.20-0+deb12u1)', '15.20-0+deb12u1', true],
  ['15.20 (Debian 15.20-0+deb12u1)', '15.20', true],
  ['15.20', '15.20-1PGDG.rhel9', true],
  ['15.20', '1:15.20-1.pgdg120+1', true],
  ['15.20', '15', true],
  ['17rc1 (Debian 17~rc1)', '17rc1', true],
  ['15.18 (Debian 15.18-0+deb12u1)', '15.20-0+deb12u1', false],
  ['15.2', '15.20', false],
  ['15.20', '15.2', false],
  ['16.1', '15', false],
  ['15.20', 'latest', false],
])('%s against %s: %s', (server, wanted, expected) => {
  expect(satisfies(server, wanted)).toBe(expected);
});

test('a version that is none has no upstream version', () => {
  expect(upstreamVersion('latest')).toBeUndefined();
});
