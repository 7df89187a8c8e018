/**
 * The fields of `cron(...)` as maintenance windows take them: minutes hours day-of-month month day-of-week year, with seconds
 * in front where there are seven. What AWS's page leaves open (ranges over the end, `W` at the edge of a month) is as in
 * Quartz, whose grammar this is: https://www.quartz-scheduler.org/documentation/quartz-2.3.0/tutorials/crontrigger.html
 */
import { monthNames, parseNumbers, type Field } from './cron-numbers.ts';
import { parseMonthDays, parseWeekDays } from './cron-days.ts';
import { reject, scheduleMinutesMin, tooOften, type CronRule, type DayRule, type Piece } from './rule.ts';

const second: Field = { name: 'seconds', min: 0, max: 59 };
const minute: Field = { name: 'minutes', min: 0, max: 59 };
const hour: Field = { name: 'hours', min: 0, max: 23 };
const month: Field = { name: 'month', min: 1, max: 12, names: monthNames };
const year: Field = { name: 'year', min: 1970, max: 2199, isOpen: true };

export function parseCron(body: Piece): CronRule {
  const fields = words(body);
  if (fields.length !== 6 && fields.length !== 7) {
    reject(
      body,
      `cron(...) has six fields, or seven with seconds in front; this one has ${fields.length}`,
      'minutes hours day-of-month month day-of-week year: cron(30 23 ? * TUE#3 *)',
    );
  }
  const none: Piece = { text: '0', start: body.start };
  const [seconds, minutes, hours, dom, months, dow, years] = (
    fields.length === 7 ? fields : [none, ...fields]
  ) as [Piece, Piece, Piece, Piece, Piece, Piece, Piece];
  const rule: CronRule = {
    kind: 'cron',
    seconds: parseNumbers(seconds, second),
    minutes: parseNumbers(minutes, minute),
    hours: parseNumbers(hours, hour),
    days: parseDays(dom, dow),
    months: parseNumbers(months, month),
    years: parseNumbers(years, year),
  };
  if (rule.seconds.length > 1) tooOften(seconds);
  if (minutesApart(rule) < scheduleMinutesMin) tooOften(minutes);
  return rule;
}

function words({ text, start }: Piece): Piece[] {
  return [...text.matchAll(/\S+/g)].map((match) => ({ text: match[0], start: start + match.index }));
}

function parseDays(dom: Piece, dow: Piece): DayRule {
  if ((dom.text === '?') === (dow.text === '?')) {
    reject(
      dom.text === '?' ? dow : dom,
      'exactly one of day-of-month and day-of-week is ?',
      dom.text === '?' ? 'write * for every day' : 'put ? into the one that does not matter',
    );
  }
  return dow.text === '?'
    ? { kind: 'ofMonth', days: parseMonthDays(dom) }
    : { kind: 'ofWeek', days: parseWeekDays(dow) };
}

/** The least number of minutes between two runs of one day, or over midnight. */
function minutesApart({ minutes, hours }: CronRule): number {
  let least = Infinity;
  for (const [index, value] of minutes.entries()) {
    if (index > 0) least = Math.min(least, value - (minutes[index - 1] ?? 0));
  }
  const neighbours = hours.some((value) => hours.includes((value + 1) % 24));
  if (neighbours) least = Math.min(least, 60 - (minutes.at(-1) ?? 0) + (minutes[0] ?? 0));
  return least;
}
