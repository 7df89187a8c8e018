import { describe, expect, it, test } from 'vitest';
import { parseSchedule } from '../../src/schedule/index.ts';

/** What the problem marks in the text, and what it says. */
function problem(text: string): readonly [marked: string, message: string] {
  const parsed = parseSchedule(text);
  if (parsed.ok) throw new Error(`${text} was taken`);
  return [text.slice(parsed.problem.start, parsed.problem.end), parsed.problem.message];
}

describe('a schedule that AWS does not take is refused, with the part that is wrong', () => {
  test.each([
    ['every day', 'every day', 'a schedule is cron(...), rate(...) or at(...)'],
    [
      'cron(0 2 * * *)',
      '0 2 * * *',
      'cron(...) has six fields, or seven with seconds in front; this one has 5',
    ],
    ['cron(0 2 * * SUN *)', '*', 'exactly one of day-of-month and day-of-week is ?'],
    ['cron(0 2 ? * ? *)', '?', 'exactly one of day-of-month and day-of-week is ?'],
    ['cron(61 2 ? * SUN *)', '61', 'the minutes field takes 0 to 59, not "61"'],
    ['cron(0 24 ? * SUN *)', '24', 'the hours field takes 0 to 23, not "24"'],
    ['cron(0 2 ? * SUN#6 *)', '6', 'write 1 to 5 behind #, not "6"'],
    ['cron(0 2 ? * SUN#L *)', 'L', 'write 1 to 5 behind #, not "L"'],
    ['cron(0 2 ? JANUARY SUN *)', 'JANUARY', 'the month field takes 1 to 12 or JAN to DEC, not "JANUARY"'],
    ['cron(0 2 32 * ? *)', '32', 'the day-of-month field takes 1 to 31, not "32"'],
    ['cron(0 2 32W * ? *)', '32', 'the day-of-month field takes 1 to 31, not "32"'],
    ['cron(0 2 L-3 * ? *)', 'L-3', 'AWS has no L-n: days are counted from the first'],
    ['cron(0 2 1 * ? 1969)', '1969', 'the year field takes 1970 to 2199, not "1969"'],
    ['cron(0 2 1 * ? 2028-2026)', '2028-2026', 'the range of the year field runs backwards'],
    ['cron(0/0 2 1 * ? *)', '0', 'a step of the minutes field is 1 to 60, not "0"'],
    ['cron(0/5/5 2 1 * ? *)', '0/5/5', 'one / is enough in the minutes field'],
    ['cron(1-2-3 2 1 * ? *)', '1-2-3', 'a range of the minutes field has one -'],
    ['cron(0,,5 2 1 * ? *)', ',', 'the minutes field takes 0 to 59, not ""'],
    ['cron(0/4 * * * ? *)', '0/4', 'a schedule runs at most every 5 minutes'],
    ['cron(1,58 * * * ? *)', '1,58', 'a schedule runs at most every 5 minutes'],
    ['cron(1,58 23,0 * * ? *)', '1,58', 'a schedule runs at most every 5 minutes'],
    ['cron(0,30 0 2 * * ? *)', '0,30', 'a schedule runs at most every 5 minutes'],
    ['rate(0 days)', '0 days', 'a rate counts from 1'],
    ['rate(1 days)', '1 days', 'AWS takes the singular for 1 and the plural otherwise'],
    ['rate(5 hour)', '5 hour', 'AWS takes the singular for 1 and the plural otherwise'],
    ['rate(1 minute)', '1 minute', 'a schedule runs at most every 5 minutes'],
    ['rate(2 weeks)', '2 weeks', 'a rate is a whole number and minutes, hours or days'],
    ['rate(999999 days)', '999999 days', 'a rate is at most 36525 days'],
    [
      'at(2026-02-29T02:00:00)',
      '2026-02-29T02:00:00',
      'at(...) takes one date and time of the calendar, yyyy-MM-ddTHH:mm:ss',
    ],
    [
      'at(2026-02-28T24:00:00)',
      '2026-02-28T24:00:00',
      'at(...) takes one date and time of the calendar, yyyy-MM-ddTHH:mm:ss',
    ],
    [
      'at(2026-02-28T02:00:00Z)',
      '2026-02-28T02:00:00Z',
      'at(...) takes one date and time of the calendar, yyyy-MM-ddTHH:mm:ss',
    ],
  ])('%s', (text, marked, message) => {
    expect(problem(text)).toEqual([marked, message]);
  });

  it('a text longer than AWS takes', () => {
    expect(problem(`cron(${'0,'.repeat(200)}0 2 ? * SUN *)`)[1]).toMatch(/at most 256 characters/);
  });
});

describe('what AWS takes is taken', () => {
  test.each([
    'cron(1,58 2,4 * * ? *)',
    'cron(0 2 ? * FRI-MON *)',
    'cron(0 22-2 ? * * *)',
    'cron(0 2 ? * tue#3 *)',
    'cron(0 2 ? * TUE#2,TUE#4 *)',
    'cron(0 0 2 ? 1/3 THU#2 *)',
    'cron(0 2 LW * ? 2026-2028)',
    'cron(*/5 * * * ? *)',
    ' rate(25 days) ',
  ])('%s', (text) => {
    expect(parseSchedule(text)).toMatchObject({ ok: true });
  });
});
