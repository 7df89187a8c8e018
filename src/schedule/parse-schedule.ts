/**
 * Schedule text → rule. Three forms: `cron(...)`, `rate(...)`, `at(...)`.
 * Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/reference-cron-and-rate-expressions.html
 */
import { parseCron } from './parse-cron.ts';
import {
  reject,
  ScheduleError,
  scheduleMinutesMin,
  tooOften,
  type ParsedSchedule,
  type Piece,
  type RateRule,
  type Rule,
} from './rule.ts';
import { wallSeconds } from './wall-clock.ts';

/** The longest schedule that AWS takes. */
export const scheduleCharactersMax = 256;
/** A hundred years: a longer rate is a mistake. */
const rateDaysMax = 36_525;

/** Never throws; the problem says which characters are wrong. */
export function parseSchedule(text: string): ParsedSchedule {
  try {
    return { ok: true, rule: parse(text) };
  } catch (error) {
    if (error instanceof ScheduleError) return { ok: false, problem: error.problem };
    throw error;
  }
}

function parse(text: string): Rule {
  const whole: Piece = { text, start: 0 };
  if (text.length > scheduleCharactersMax) {
    reject(whole, `a schedule has at most ${scheduleCharactersMax} characters, this one has ${text.length}`);
  }
  const match = /^\s*(cron|rate|at)\(([^()]*)\)\s*$/.exec(text);
  if (match === null) {
    reject(
      whole,
      'a schedule is cron(...), rate(...) or at(...)',
      'for example cron(0 2 ? * SUN#3 *), rate(7 days) or at(2026-12-31T02:00:00)',
    );
  }
  const [, form, inner = ''] = match;
  const body: Piece = { text: inner, start: text.indexOf('(') + 1 };
  switch (form) {
    case 'cron':
      return parseCron(body);
    case 'rate':
      return parseRate(body);
    default:
      return parseAt(body);
  }
}

function parseRate(body: Piece): RateRule {
  const match = /^\s*(\d{1,9})\s+(minute|hour|day)(s?)\s*$/.exec(body.text);
  if (match === null) {
    reject(body, 'a rate is a whole number and minutes, hours or days', 'for example rate(12 hours)');
  }
  const [, digits = '', unit = '', plural] = match;
  const count = Number(digits);
  if (count === 0) reject(body, 'a rate counts from 1');
  if ((count === 1) !== (plural === '')) {
    const right = count === 1 ? unit : `${unit}s`;
    reject(body, `AWS takes the singular for 1 and the plural otherwise`, `rate(${count} ${right})`);
  }
  if (unit === 'minute' && count < scheduleMinutesMin) tooOften(body);
  const days = count / (unit === 'day' ? 1 : unit === 'hour' ? 24 : 24 * 60);
  if (days > rateDaysMax) reject(body, `a rate is at most ${rateDaysMax} days`);
  return { kind: 'rate', count, unit: unit as RateRule['unit'] };
}

function parseAt(body: Piece): Rule {
  const match = /^\s*(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\s*$/.exec(body.text);
  const seconds = match === null ? undefined : wallSeconds(match.slice(1).map(Number));
  if (seconds === undefined) {
    reject(
      body,
      'at(...) takes one date and time of the calendar, yyyy-MM-ddTHH:mm:ss',
      'the zone is ScheduleTimezone, not part of the text',
    );
  }
  return { kind: 'at', wallSeconds: seconds };
}
