/**
 * Rule × instant → the next instant. No clock in here: whoever asks says from when.
 *
 * AWS does not say what daylight saving does to a schedule, so this does: a wall-clock time that a day leaves out runs at the
 * first instant after the gap; one that a day shows twice runs once, the first time. Rates of days keep the wall clock,
 * rates of hours and minutes are elapsed time.
 */
import type { CronRule, RateRule, Rule } from './rule.ts';
import { nextWallClock } from './next-wall-clock.ts';
import { secondsPerDay } from './wall-clock.ts';
import type { Zone } from './zone.ts';

export interface Schedule {
  readonly rule: Rule;
  readonly zone: Zone;
  /** Days by which each run is later than its cron instant, at the same wall-clock time: ScheduleOffset. Cron only. */
  readonly offsetDays: number;
  /** Where rates count from, in ms since 1970: StartDate, or when the schedule was first seen. */
  readonly anchorAt: number;
  /** Nothing is due before, in ms: StartDate. With an offset, cron instants before it give no run either. */
  readonly startAt?: number;
  /** Nothing is due after, in ms: EndDate. */
  readonly endAt?: number;
}

/** The first due instant strictly later than `after`, both in ms since 1970; undefined when none comes any more. */
export function nextDue(schedule: Schedule, after: number): number | undefined {
  const { startAt = -Infinity, endAt = Infinity } = schedule;
  // A run at the very start is due.
  const afterSeconds = Math.floor(Math.max(after, startAt - 1) / 1000);
  const due = nextSeconds(schedule, afterSeconds);
  if (due === undefined || due * 1000 > endAt) return undefined;
  return due * 1000;
}

/** The due instants in (after, until], in order, at most `countMax`. */
export function dueInstants(schedule: Schedule, after: number, until: number, countMax: number): number[] {
  const due: number[] = [];
  let last = nextDue(schedule, after);
  while (last !== undefined && last <= until && due.length < countMax) {
    due.push(last);
    last = nextDue(schedule, last);
  }
  return due;
}

function nextSeconds(schedule: Schedule, after: number): number | undefined {
  const { rule, zone } = schedule;
  switch (rule.kind) {
    case 'cron':
      return nextCron(schedule, rule, after);
    case 'rate':
      return rule.unit === 'day'
        ? nextDayRate(schedule, rule, after)
        : nextElapsedRate(schedule, rule, after);
    case 'at': {
      const at = zone.instantOf(rule.wallSeconds);
      return at > after ? at : undefined;
    }
    default:
      return rule satisfies never;
  }
}

function nextCron(
  { zone, offsetDays, startAt }: Schedule,
  rule: CronRule,
  after: number,
): number | undefined {
  const shift = offsetDays * secondsPerDay;
  const isEarly = (wall: number): boolean =>
    offsetDays > 0 && startAt !== undefined && zone.instantOf(wall) * 1000 < startAt;
  // In a repeated hour the clocks show times whose first showing is past: those are passed over, at most a day of them.
  let wall = nextWallClock(rule, zone.wallAt(after) - shift);
  while (wall !== undefined) {
    const at = zone.instantOf(wall + shift);
    if (at > after && !isEarly(wall)) return at;
    wall = nextWallClock(rule, wall);
  }
  return undefined;
}

function nextElapsedRate({ anchorAt }: Schedule, { count, unit }: RateRule, after: number): number {
  const step = count * (unit === 'hour' ? 3600 : 60);
  const anchor = Math.ceil(anchorAt / 1000);
  return anchor + Math.max(0, Math.floor((after - anchor) / step) + 1) * step;
}

function nextDayRate({ zone, anchorAt }: Schedule, { count }: RateRule, after: number): number {
  const step = count * secondsPerDay;
  const anchor = Math.ceil(anchorAt / 1000);
  const anchorWall = zone.wallAt(anchor);
  // One step early, since clocks may have been set back since.
  const passed = Math.floor((zone.wallAt(after) - anchorWall) / step) - 1;
  let steps = Math.max(0, passed);
  // Whoever anchors in the second showing of an hour means that instant, once.
  let at = steps === 0 ? anchor : zone.instantOf(anchorWall + steps * step);
  while (at <= after) {
    steps += 1;
    at = zone.instantOf(anchorWall + steps * step);
  }
  return at;
}
