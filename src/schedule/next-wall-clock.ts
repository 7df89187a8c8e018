/** The next wall-clock time of a cron rule, found by years, months and days instead of minute by minute. */
import { monthDays } from './month-days.ts';
import type { CronRule } from './rule.ts';
import { dayNumber, secondsPerDay, wallClock } from './wall-clock.ts';

/** The first wall-clock time strictly later than `after`, in seconds; undefined when none is left. */
export function nextWallClock(rule: CronRule, after: number): number | undefined {
  const from = wallClock(after);
  for (const year of rule.years) {
    if (year < from.year) continue;
    for (const month of rule.months) {
      if (year === from.year && month < from.month) continue;
      const isFirstMonth = year === from.year && month === from.month;
      for (const day of monthDays(rule.days, year, month)) {
        if (isFirstMonth && day < from.day) continue;
        const isFirstDay = isFirstMonth && day === from.day;
        const second = nextSecondOfDay(rule, isFirstDay ? from.secondOfDay : -1);
        if (second !== undefined) return dayNumber(year, month, day) * secondsPerDay + second;
      }
    }
  }
  return undefined;
}

/** Strictly later than `after`, on the same day. */
function nextSecondOfDay({ hours, minutes, seconds }: CronRule, after: number): number | undefined {
  for (const hour of hours) {
    if (hour * 3600 + 3599 <= after) continue;
    for (const minute of minutes) {
      if (hour * 3600 + minute * 60 + 59 <= after) continue;
      for (const second of seconds) {
        const at = hour * 3600 + minute * 60 + second;
        if (at > after) return at;
      }
    }
  }
  return undefined;
}
