import { describe, expect, it, test } from 'vitest';
import { nextDue } from '../../src/schedule/index.ts';
import { due, schedule } from './due.ts';

describe("the examples of AWS's own page come when it says", () => {
  // https://docs.aws.amazon.com/systems-manager/latest/userguide/reference-cron-and-rate-expressions.html
  const from = '2026-06-01T00:00:00Z'; // a Monday
  test.each([
    ['cron(0 10 * * ? *)', ['2026-06-01T10:00:00Z', '2026-06-02T10:00:00Z']],
    ['cron(15 12 * * ? *)', ['2026-06-01T12:15:00Z', '2026-06-02T12:15:00Z']],
    ['cron(0 18 ? * MON-FRI *)', ['2026-06-01T18:00:00Z', '2026-06-02T18:00:00Z']],
    ['cron(0 8 1 * ? *)', ['2026-06-01T08:00:00Z', '2026-07-01T08:00:00Z']],
    ['cron(0/15 * * * ? *)', ['2026-06-01T00:15:00Z', '2026-06-01T00:30:00Z']],
    ['cron(0/10 * ? * MON-FRI *)', ['2026-06-01T00:10:00Z', '2026-06-01T00:20:00Z']],
    ['cron(0/5 8-17 ? * MON-FRI *)', ['2026-06-01T08:00:00Z', '2026-06-01T08:05:00Z']],
    ['cron(0/30 * * * ? *)', ['2026-06-01T00:30:00Z', '2026-06-01T01:00:00Z']],
    ['cron(0 0/1 * * ? *)', ['2026-06-01T01:00:00Z', '2026-06-01T02:00:00Z']],
    ['cron(0 0/12 * * ? *)', ['2026-06-01T12:00:00Z', '2026-06-02T00:00:00Z']],
    ['cron(15 13 ? * * *)', ['2026-06-01T13:15:00Z', '2026-06-02T13:15:00Z']],
    ['cron(15 13 ? * MON *)', ['2026-06-01T13:15:00Z', '2026-06-08T13:15:00Z']],
    ['cron(0 */30 * * * ? *)', ['2026-06-01T00:30:00Z', '2026-06-01T01:00:00Z']],
    ['cron(30 09 ? * * *)', ['2026-06-01T09:30:00Z', '2026-06-02T09:30:00Z']],
    ['cron(24 30 09 ? * * *)', ['2026-06-01T09:30:24Z', '2026-06-02T09:30:24Z']],
    ['cron(0 2 ? * THU#3 *)', ['2026-06-18T02:00:00Z', '2026-07-16T02:00:00Z']],
    ['cron(30 23 ? * TUE#3 *)', ['2026-06-16T23:30:00Z', '2026-07-21T23:30:00Z']],
    ['cron(0 30 23 ? * TUE#3 *)', ['2026-06-16T23:30:00Z', '2026-07-21T23:30:00Z']],
    ['cron(0 0 ? * THU#2 *)', ['2026-06-11T00:00:00Z', '2026-07-09T00:00:00Z']],
    ['cron(15 10 ? * * *)', ['2026-06-01T10:15:00Z', '2026-06-02T10:15:00Z']],
    ['cron(0 2 L * ? *)', ['2026-06-30T02:00:00Z', '2026-07-31T02:00:00Z']],
    ['cron(15 10 ? * 6L *)', ['2026-06-26T10:15:00Z', '2026-07-31T10:15:00Z']],
    ['cron(0 16 ? * TUE *)', ['2026-06-02T16:00:00Z', '2026-06-09T16:00:00Z']],
    ['cron(0 0 2 ? * SUN *)', ['2026-06-07T02:00:00Z', '2026-06-14T02:00:00Z']],
  ])('%s', (text, expected) => {
    expect(due(text, from, 2)).toEqual(expected);
  });

  it('an offset of two days moves the third Tuesday to the Thursday behind it', () => {
    expect(due('cron(30 23 ? * TUE#3 *)', from, 2, { offsetDays: 2 })).toEqual([
      '2026-06-18T23:30:00Z',
      '2026-07-23T23:30:00Z',
    ]);
  });

  it('a window made between a cron instant and its offset does not run in that period', () => {
    const made = { offsetDays: 2, start: '2026-06-17T12:00:00Z' };
    expect(due('cron(30 23 ? * TUE#3 *)', from, 1, made)).toEqual(['2026-07-23T23:30:00Z']);
  });

  it('a window of every Wednesday in Los Angeles begins after its StartDate', () => {
    const window = { zone: 'America/Los_Angeles', start: '2021-01-01T00:00:00-08:00' };
    expect(due('cron(0 09 ? * WED *)', '2020-12-01T00:00:00Z', 1, window)).toEqual(['2021-01-06T17:00:00Z']);
  });

  it('a rate of seven days counts from StartDate, by the clock of the zone, until EndDate', () => {
    const window = {
      zone: 'Asia/Tokyo',
      anchor: '2019-01-01T00:03:15+09:00',
      start: '2019-01-01T00:03:15+09:00',
      end: '2019-06-30T00:06:15+09:00',
    };
    const all = due('rate(7 days)', '2018-12-01T00:00:00Z', 100, window);
    expect(all.slice(0, 2)).toEqual(['2018-12-31T15:03:15Z', '2019-01-07T15:03:15Z']);
    expect(all.at(-1)).toBe('2019-06-24T15:03:15Z');
    expect(all).toHaveLength(26);
  });

  it('at(...) is once, by the clock of the zone', () => {
    expect(
      due('at(2019-07-07T13:15:30)', '2019-01-01T00:00:00Z', 2, { zone: 'America/Los_Angeles' }),
    ).toEqual(['2019-07-07T20:15:30Z']);
  });
});

describe('days that months do not all have', () => {
  test.each([
    ['cron(0 2 31W * ? *)', '2026-05-30T00:00:00Z', ['2026-07-31T02:00:00Z', '2026-08-31T02:00:00Z']],
    ['cron(0 2 1W * ? *)', '2026-07-31T12:00:00Z', ['2026-08-03T02:00:00Z', '2026-09-01T02:00:00Z']],
    ['cron(0 2 15W * ? *)', '2026-02-01T00:00:00Z', ['2026-02-16T02:00:00Z', '2026-03-16T02:00:00Z']],
    ['cron(0 2 LW * ? *)', '2026-05-01T00:00:00Z', ['2026-05-29T02:00:00Z', '2026-06-30T02:00:00Z']],
    ['cron(0 2 ? * TUE#5 *)', '2026-04-01T00:00:00Z', ['2026-06-30T02:00:00Z', '2026-09-29T02:00:00Z']],
    ['cron(0 2 ? * L *)', '2026-06-01T00:00:00Z', ['2026-06-06T02:00:00Z', '2026-06-13T02:00:00Z']],
    ['cron(0 2 29 2 ? *)', '2096-03-01T00:00:00Z', ['2104-02-29T02:00:00Z', '2108-02-29T02:00:00Z']],
    ['cron(0 2 ? * FRI-MON *)', '2026-06-02T00:00:00Z', ['2026-06-05T02:00:00Z', '2026-06-06T02:00:00Z']],
  ])('%s', (text, after, expected) => {
    expect(due(text, after, 2)).toEqual(expected);
  });

  it('a schedule that never comes again has no next run', () => {
    expect(due('cron(0 2 30 2 ? *)', '2026-01-01T00:00:00Z', 1)).toEqual([]);
    expect(due('cron(0 2 1 1 ? 2025)', '2026-01-01T00:00:00Z', 1)).toEqual([]);
  });
});

describe('daylight saving', () => {
  it('a time that a day leaves out runs at the first instant after the gap', () => {
    expect(due('cron(30 2 * * ? *)', '2026-03-07T12:00:00Z', 2, { zone: 'America/New_York' })).toEqual([
      '2026-03-08T07:00:00Z', // 03:00, where 02:30 does not exist
      '2026-03-09T06:30:00Z',
    ]);
  });

  it('several times in one gap are one run, together with the time behind it', () => {
    expect(due('cron(0/30 2-3 * * ? *)', '2026-03-08T00:00:00Z', 3, { zone: 'America/New_York' })).toEqual([
      '2026-03-08T07:00:00Z',
      '2026-03-08T07:30:00Z',
      '2026-03-09T06:00:00Z',
    ]);
  });

  it('a time that a day shows twice runs once, the first time', () => {
    expect(due('cron(30 1 * * ? *)', '2026-10-31T12:00:00Z', 2, { zone: 'America/New_York' })).toEqual([
      '2026-11-01T05:30:00Z',
      '2026-11-02T06:30:00Z',
    ]);
  });

  it('a rate of days keeps the wall clock, a rate of hours the distance', () => {
    const berlin = { zone: 'Europe/Berlin', anchor: '2026-03-28T02:00:00+01:00' };
    expect(due('rate(1 day)', '2026-03-28T12:00:00Z', 2, berlin)).toEqual([
      '2026-03-29T01:00:00Z', // 03:00, where 02:00 does not exist
      '2026-03-30T00:00:00Z',
    ]);
    expect(due('rate(24 hours)', '2026-03-28T12:00:00Z', 2, berlin)).toEqual([
      '2026-03-29T01:00:00Z',
      '2026-03-30T01:00:00Z',
    ]);
  });

  it('a day that a zone left out runs at the first instant of the next one', () => {
    // Samoa went from 29 December 2011 straight to the 31st.
    expect(due('cron(0 10 * * ? *)', '2011-12-29T12:00:00Z', 3, { zone: 'Pacific/Apia' })).toEqual([
      '2011-12-29T20:00:00Z',
      '2011-12-30T10:00:00Z',
      '2011-12-30T20:00:00Z',
    ]);
  });
});

it('a run in the very millisecond of StartDate or EndDate is due; one just outside is not', () => {
  const bounded = schedule('cron(0 2 * * ? *)', {
    start: '2026-06-01T02:00:00Z',
    end: '2026-06-02T02:00:00Z',
  });
  const first = Date.parse('2026-06-01T02:00:00Z');
  const second = Date.parse('2026-06-02T02:00:00Z');
  expect(nextDue(bounded, 0)).toBe(first);
  expect(nextDue(bounded, first - 1)).toBe(first);
  expect(nextDue(bounded, first)).toBe(second);
  expect(nextDue(bounded, second)).toBeUndefined();
});
