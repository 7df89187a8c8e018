import { describe, expect, it } from 'vitest';
import { parseDurationMs, parseInstantMs } from '../../src/document/duration.ts';

describe('parseDurationMs', () => {
  it.each([
    ['PT10M', 600_000],
    ['PT0S', 0],
    ['P1DT2H3M4.5S', 93_784_500],
    ['P2W', 1_209_600_000],
    ['pt1h', 3_600_000],
    [' PT5S ', 5000],
    ['PT0,25S', 250],
    ['PT0.0001S', 1],
  ])('reads %s', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  it.each([
    '',
    'P',
    'PT',
    'P1DT',
    '10M',
    'PT-5M',
    '-PT5M',
    'P1Y',
    'P1M',
    'PT1.5M',
    'PT5',
    '5 minutes',
    `PT${'9'.repeat(30)}S`,
  ])('refuses %j', (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });
});

describe('parseInstantMs', () => {
  it('takes an instant without an offset for UTC, whatever the machine thinks', () => {
    expect(parseInstantMs('2026-01-31T02:00:00')).toBe(Date.UTC(2026, 0, 31, 2));
  });

  it('reads offsets with and without a colon', () => {
    expect(parseInstantMs('2026-01-31T02:00:00+09:00')).toBe(Date.UTC(2026, 0, 30, 17));
    expect(parseInstantMs('2026-01-31T02:00Z')).toBe(Date.UTC(2026, 0, 31, 2));
  });

  it.each(['tomorrow', '2026-01-31', '2026-13-01T00:00:00Z', '2026-01-31 02:00:00Z'])(
    'refuses %j',
    (text) => {
      expect(parseInstantMs(text)).toBeUndefined();
    },
  );
});
