/** Which days of one month a rule means. */
import type { DayRule, MonthDay, WeekDay } from './rule.ts';
import { dayNumber, daysInMonth, weekdayOf } from './wall-clock.ts';

const sunday = 1;
const saturday = 7;

/** Days of the month, ascending, without repeats; empty when the month has none. */
export function monthDays(rule: DayRule, year: number, month: number): readonly number[] {
  const last = daysInMonth(year, month);
  const firstWeekday = weekdayOf(dayNumber(year, month, 1));
  const days = new Set<number>();
  if (rule.kind === 'ofMonth') for (const day of rule.days) add(ofMonth(day, last, firstWeekday));
  else for (const day of rule.days) for (const each of ofWeek(day, last, firstWeekday)) add(each);
  return [...days].toSorted((left, right) => left - right);

  function add(day: number | undefined): void {
    if (day !== undefined && day <= last) days.add(day);
  }
}

function ofMonth(day: MonthDay, last: number, firstWeekday: number): number | undefined {
  switch (day.kind) {
    case 'day':
      return day.day;
    case 'last':
      return last;
    case 'nearestWeekday':
      return day.day > last ? undefined : nearestWeekday(day.day, last, firstWeekday);
    case 'lastWeekday':
      return nearestWeekday(last, last, firstWeekday);
    default:
      return day satisfies never;
  }
}

/** From Monday to Friday, never in another month. */
function nearestWeekday(day: number, last: number, firstWeekday: number): number {
  const weekday = weekdayInMonth(day, firstWeekday);
  if (weekday === saturday) return day === 1 ? 3 : day - 1;
  if (weekday === sunday) return day === last ? day - 2 : day + 1;
  return day;
}

function weekdayInMonth(day: number, firstWeekday: number): number {
  return ((firstWeekday - 1 + day - 1) % 7) + 1;
}

function ofWeek(day: WeekDay, last: number, firstWeekday: number): readonly number[] {
  const first = ((day.weekday - firstWeekday + 7) % 7) + 1;
  const all = [first, first + 7, first + 14, first + 21, first + 28].filter((each) => each <= last);
  switch (day.kind) {
    case 'every':
      return all;
    case 'last':
      return all.slice(-1);
    case 'nth':
      return all.slice(day.nth - 1, day.nth);
    default:
      return day satisfies never;
  }
}
