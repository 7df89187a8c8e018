/** The small words of the view: durations, changes, targets, parameters, texts. */
import { describe, expect, test } from 'vitest';
import {
  changesText,
  changeText,
  netChanges,
  shortVersions,
  targetsText,
} from '../../../src/cli/view/change-text.ts';
import { agoText, durationText, elapsedText, limitText } from '../../../src/cli/view/durations.ts';
import { outputLines, parametersText } from '../../../src/cli/view/output-lines.ts';
import { clipped, printable, printableLines } from '../../../src/cli/view/printable.ts';
import { change } from '../story.ts';

test.each([
  [0, '0.0 s'],
  [1234, '1.2 s'],
  [9940, '9.9 s'],
  [9990, '10 s'],
  [59_400, '59 s'],
  [65_000, '1 min 5 s'],
  [3_720_000, '1 h 2 min'],
])('%d ms took %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test.each([
  [2_900, '0:02'],
  [760_000, '12:40'],
  [3_723_000, '1:02:03'],
])('%d ms under way is %s', (ms, text) => {
  expect(elapsedText(ms)).toBe(text);
});

test.each([
  [45, '45 s'],
  [1800, '30 min'],
  [7200, '2 h'],
  [604_800, '7 days'],
])('a limit of %d s is %s', (seconds, text) => {
  expect(limitText(seconds)).toBe(text);
});

test('how long ago', () => {
  expect(agoText(0, 5_000)).toBe('just now');
  expect(agoText(0, 130_000)).toBe('2 min ago');
});

describe('versions', () => {
  test('lose epoch and revision where the rest still tells them apart', () => {
    expect(shortVersions('15.18-0+deb12u1', '15.20-0+deb12u1')).toEqual({ from: '15.18', to: '15.20' });
    expect(shortVersions('1:9.2p1-2+deb12u9', '1:9.3p1-1')).toEqual({ from: '9.2p1', to: '9.3p1' });
  });
  test('stay whole where they would look the same', () => {
    expect(shortVersions('15.18-0+deb12u1', '15.18-0+deb12u2')).toEqual({
      from: '15.18-0+deb12u1',
      to: '15.18-0+deb12u2',
    });
  });
  test('what is no version is left alone', () => {
    expect(shortVersions('active', 'in-active')).toEqual({ from: 'active', to: 'in-active' });
    expect(shortVersions(null, '1.0-1')).toEqual({ from: null, to: '1.0-1' });
  });
});

test('a change says what it was and what it is, also where there was nothing', () => {
  expect(changeText(change('/etc/x', null, 'sha256 af18'))).toBe('/etc/x absent → sha256 af18');
  expect(changeText(change('tag Name', 'a', ''))).toBe('tag Name a → ""');
  expect(changeText(change('/etc/x', 'a'.repeat(80), null))).toBe(`/etc/x ${'a'.repeat(47)}… → absent`);
});

test('the same change on many hosts counts once', () => {
  expect(
    changesText([change('p', '1', '2', 'a'), change('p', '1', '2', 'b'), change('q', '1', '2', 'a')]),
  ).toBe('p 1 → 2, 1 more');
});

test('what came back to where it was is not a change', () => {
  const net = netChanges([
    change('u', 'active', 'inactive'),
    change('p', '1', '2'),
    change('u', 'inactive', 'active'),
  ]);
  expect(net).toEqual([change('p', '1', '2')]);
  expect(changesText([change('u', 'on', 'off'), change('p', '1', '2'), change('u', 'off', 'on')])).toBe(
    'p 1 → 2',
  );
  expect(changesText([change('u', 'on', 'on')])).toBe('');
});

test.each([
  [[], ''],
  [['db1'], 'db1'],
  [['db1', 'db2'], 'db1, db2'],
  [['a', 'b', 'c', 'd'], '4 hosts'],
  [['i-0123456789abcdef0', 'i-0123456789abcdef1'], '2 targets'],
])('targets %j are %j', (targets, text) => {
  expect(targetsText(targets)).toBe(text);
});

test('parameters and outputs are plain where they can be, and JSON where they have to be', () => {
  expect(parametersText({ Host: 'db1', Names: ['a', 'b'], Odd: ['a b'], Map: { a: 1 } })).toBe(
    'Host=db1  Names=a,b  Odd=["a b"]  Map={"a":1}',
  );
  expect(outputLines({ 'Patch.Version': '15.20', 'Snap.Ids': ['s-1'] })).toBe(
    'Patch.Version: 15.20\nSnap.Ids: s-1\n',
  );
  expect(outputLines({})).toBe('');
});

test('printable text is one line in which control characters can be seen; lines keep their line feeds and tabs', () => {
  expect(printable('a\u001B[31m\r\n  b\u0007\tc ')).toBe('a b␇ c');
  expect(printableLines('a\u001B[2J\n\tb\r\u0008')).toBe('a␛[2J\n\tb␍␈');
  expect(clipped('abcdef', 4)).toBe('abc…');
  expect(clipped('abcd', 4)).toBe('abcd');
});
