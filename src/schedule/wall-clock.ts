/**
 * Arithmetic of the proleptic Gregorian calendar without a zone. A wall-clock time is the number of seconds since
 * 1970-01-01T00:00:00 that a clock in UTC would show it at; a day number is that divided by a day.
 */

export const secondsPerDay = 86_400;

export function isLeapYear(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

const daysBefore = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334] as const;

/** `month` 1 to 12. */
export function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Days since 1970-01-01; `month` from 1, `day` from 1. */
export function dayNumber(year: number, month: number, day: number): number {
  const before = year - 1;
  const leapDays = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  const epoch = 719_162;
  const leapDay = month > 2 && isLeapYear(year) ? 1 : 0;
  return before * 365 + leapDays - epoch + (daysBefore[month - 1] ?? 0) + leapDay + day - 1;
}

/** 1, Sunday, to 7, Saturday. The first of January 1970 was a Thursday. */
export function weekdayOf(day: number): number {
  return ((((day + 4) % 7) + 7) % 7) + 1;
}

export interface WallClock {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  /** 0 to 86,399. */
  readonly secondOfDay: number;
}

export function wallClock(seconds: number): WallClock {
  const date = new Date(seconds * 1000);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    secondOfDay: ((seconds % secondsPerDay) + secondsPerDay) % secondsPerDay,
  };
}

/** From year, month, day, hour, minute, second; undefined when the calendar or the clock has no such time. */
export function wallSeconds(parts: readonly number[]): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts;
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  return dayNumber(year, month, day) * secondsPerDay + hour * 3600 + minute * 60 + second;
}
