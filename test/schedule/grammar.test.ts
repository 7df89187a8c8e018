/** Random expressions of the whole grammar, in zones with every kind of transition, against a reading by hand. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueInstants, parseSchedule } from '../../src/schedule/index.ts';
import { clockOf, dueByHand } from './by-hand.ts';
import { schedule } from './due.ts';

/** Zones, and a day on which a stretch of 400 days begins. */
const stretches = [
  ['UTC', '2026-01-01', 'no transition'],
  ['Europe/Berlin', '2026-01-01', 'an hour'],
  ['Europe/Dublin', '2026-09-01', 'winter is the exception'],
  ['America/New_York', '2027-10-01', 'an hour'],
  ['America/St_Johns', '2010-10-01', 'half an hour off, set at one minute past midnight'],
  ['America/Havana', '2026-01-01', 'at midnight'],
  ['America/Sao_Paulo', '2018-06-01', 'abolished, gaps at midnight'],
  ['America/Santiago', '2026-01-01', 'the southern hemisphere'],
  ['Asia/Tehran', '2021-12-01', 'abolished'],
  ['Asia/Kathmandu', '2026-01-01', 'three quarters of an hour off'],
  ['Asia/Kolkata', '2026-01-01', 'half an hour off'],
  ['Asia/Pyongyang', '2017-12-01', 'set by half an hour'],
  ['Asia/Gaza', '2026-01-01', 'twice a year and Ramadan'],
  ['Africa/Casablanca', '2026-01-01', 'Ramadan'],
  ['Africa/Cairo', '2014-01-01', 'four times in one year'],
  ['Australia/Adelaide', '2026-01-01', 'half an hour off, southern'],
  ['Australia/Lord_Howe', '2026-01-01', 'set by half an hour twice a year'],
  ['Antarctica/Troll', '2026-01-01', 'set by two hours'],
  ['Pacific/Chatham', '2026-01-01', 'three quarters of an hour off, southern'],
  ['Pacific/Apia', '2011-06-01', 'left out a day'],
  ['Pacific/Kwajalein', '1993-02-01', 'left out a day'],
] as const;
const days = 400;

const number = (min: number, max: number): fc.Arbitrary<string> => fc.integer({ min, max }).map(String);
const element = (min: number, max: number, base = number(min, max)): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 3, arbitrary: base },
    { weight: 2, arbitrary: fc.tuple(base, base).map(([from, to]) => `${from}-${to}`) },
    fc.tuple(base, number(1, max - min)).map(([from, step]) => `${from}/${step}`),
    fc.tuple(base, base, number(1, max - min)).map(([from, to, step]) => `${from}-${to}/${step}`),
    number(1, max - min).map((step) => `*/${step}`),
    fc.constant('*'),
  );
const list = (one: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.array(one, { minLength: 1, maxLength: 3 }).map((elements) => elements.join(','));

const monthName = fc.constantFrom(
  'JAN',
  'FEB',
  'MAR',
  'APR',
  'MAY',
  'JUN',
  'JUL',
  'AUG',
  'SEP',
  'OCT',
  'NOV',
  'DEC',
);
const weekday = fc.oneof(number(1, 7), fc.constantFrom('SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'));
const dayOfMonth = list(
  fc.oneof(
    element(1, 31),
    fc.constantFrom('L', 'LW'),
    number(1, 31).map((day) => `${day}W`),
  ),
);
const dayOfWeek = list(
  fc.oneof(
    element(1, 7, weekday),
    fc.constant('L'),
    weekday.map((day) => `${day}L`),
    fc.tuple(weekday, number(1, 5)).map(([day, nth]) => `${day}#${nth}`),
  ),
);
const dayFields = fc.oneof(
  dayOfMonth.map((dom) => [dom, '?'] as const),
  dayOfWeek.map((dow) => ['?', dow] as const),
);
/** Mostly few minutes and hours around the time at which clocks are set; now and then anything. */
const minutes = fc.oneof({ weight: 3, arbitrary: number(0, 59) }, list(element(0, 59)));
const hours = fc.oneof(
  { weight: 2, arbitrary: list(number(0, 3)) },
  { weight: 1, arbitrary: fc.constant('*') },
  list(element(0, 23)),
);

const cron = fc
  .tuple(
    minutes,
    hours,
    dayFields,
    fc.oneof(fc.constant('*'), list(element(1, 12, fc.oneof(number(1, 12), monthName)))),
  )
  .map(([minute, hour, [dom, dow], month]) => [minute, hour, dom, month, dow, '*'])
  .filter((fields) => parseSchedule(`cron(${fields.join(' ')})`).ok);

describe('a cron expression is due exactly when a reading by hand says so', () => {
  it.each(stretches)('%s from %s, %s', (zone, start, _kind) => {
    const clock = clockOf(zone);
    const first = Date.parse(`${start}T00:00:00Z`) / 60_000;
    const until = first + days * 24 * 60;
    fc.assert(
      fc.property(cron, fc.integer({ min: 0, max: 59 }), (fields, shift) => {
        const from = first + shift;
        const expected = dueByHand(fields, clock, from, until);
        const rule = schedule(`cron(${fields.join(' ')})`, { zone });
        const found = dueInstants(rule, from * 60_000, until * 60_000, 200_000);
        expect(found.map((at) => at / 60_000)).toEqual(expected);
      }),
      { numRuns: Number(process.env['BELAY_SCHEDULES'] ?? 2) },
    );
  });
});

it('no text makes the parser throw, and a problem always marks a part of the text', () => {
  const text = fc.oneof(
    fc.string(),
    fc
      .array(
        fc.constantFrom(
          'cron(',
          'rate(',
          'at(',
          ')',
          ' ',
          '*',
          '?',
          'L',
          'W',
          '#',
          '/',
          '-',
          ',',
          '0',
          '31',
          'TUE',
          '\u0000',
        ),
      )
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (each) => {
      const parsed = parseSchedule(each);
      if (parsed.ok) return;
      expect(parsed.problem.message).not.toBe('');
      expect(parsed.problem.start).toBeGreaterThanOrEqual(0);
      expect(parsed.problem.end).toBeGreaterThan(parsed.problem.start);
    }),
    { numRuns: 2_000 },
  );
});
