import { expect, test } from 'vitest';
import { canMove, hasUnicode, wantsColor } from '../../src/cli/terminal.ts';

const terminal = { isTTY: true };
const pipe = { isTTY: false };

test.each([
  ['auto', {}, terminal, true],
  ['auto', {}, pipe, false],
  ['auto', { NO_COLOR: '1' }, terminal, false],
  ['auto', { NO_COLOR: '' }, terminal, true],
  ['auto', { FORCE_COLOR: '1' }, pipe, true],
  ['auto', { FORCE_COLOR: '0' }, terminal, false],
  ['auto', { NO_COLOR: '1', FORCE_COLOR: '1' }, terminal, false],
  ['auto', { TERM: 'dumb' }, terminal, false],
  ['auto', { TERM: 'dumb', FORCE_COLOR: '1' }, terminal, true],
  ['always', { NO_COLOR: '1' }, pipe, true],
  ['never', { FORCE_COLOR: '1' }, terminal, false],
] as const)('--color %s with %j on %j: colour is %s', (wish, env, stream, wanted) => {
  expect(wantsColor(wish, env, stream)).toBe(wanted);
});

test.each([
  [{ LANG: 'en_US.UTF-8' }, true],
  [{ LANG: 'C.utf8' }, true],
  [{ LANG: 'C' }, false],
  [{}, false],
  [{ LC_ALL: 'C', LANG: 'en_US.UTF-8' }, false],
  [{ LC_ALL: '', LC_CTYPE: 'de_DE.UTF-8', LANG: 'C' }, true],
] as const)('the locale %j has UTF-8: %s', (env, has) => {
  expect(hasUnicode(env, 'linux')).toBe(has);
});

test('lines move on a terminal that is not dumb', () => {
  expect(canMove({}, terminal)).toBe(true);
  expect(canMove({ TERM: 'dumb' }, terminal)).toBe(false);
  expect(canMove({}, pipe)).toBe(false);
});
