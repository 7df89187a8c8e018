/** What a schedule expression means. Rules hold numbers only; a zone gives them instants (next-due.ts). */

export type Rule = CronRule | RateRule | AtRule;

export interface CronRule {
  readonly kind: 'cron';
  /** Ascending, without repeats: 0 to 59. */
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** 1 to 12. */
  readonly months: readonly number[];
  /** 1970 to 2199. */
  readonly years: readonly number[];
  readonly days: DayRule;
}

/** Which days of a month: exactly one of the expression's two day fields says it, the other one is `?`. */
export type DayRule =
  | { readonly kind: 'ofMonth'; readonly days: readonly MonthDay[] }
  | { readonly kind: 'ofWeek'; readonly days: readonly WeekDay[] };

export type MonthDay =
  | { readonly kind: 'day'; readonly day: number }
  /** `L`. */
  | { readonly kind: 'last' }
  /** `15W`: the day from Monday to Friday that is nearest to the 15th, in the same month. */
  | { readonly kind: 'nearestWeekday'; readonly day: number }
  /** `LW`. */
  | { readonly kind: 'lastWeekday' };

/** Weekdays count from 1, Sunday, to 7, Saturday. */
export type WeekDay =
  | { readonly kind: 'every'; readonly weekday: number }
  /** `6L`: the last Friday. */
  | { readonly kind: 'last'; readonly weekday: number }
  /** `TUE#3`: the third Tuesday. A month that has no such day has no run. */
  | { readonly kind: 'nth'; readonly weekday: number; readonly nth: number };

/** Every `count` units from an anchor. Days keep the wall clock of the zone; minutes and hours are elapsed time. */
export interface RateRule {
  readonly kind: 'rate';
  readonly count: number;
  readonly unit: 'minute' | 'hour' | 'day';
}

/** Once, at a wall-clock time. */
export interface AtRule {
  readonly kind: 'at';
  /** Seconds since 1970 as if the wall clock were UTC. */
  readonly wallSeconds: number;
}

/** Why a text is not a schedule: which characters of it are wrong, and what to write instead. */
export interface ScheduleProblem {
  readonly message: string;
  readonly hint?: string;
  /** Offsets into the text; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
}

export type ParsedSchedule =
  | { readonly ok: true; readonly rule: Rule }
  | { readonly ok: false; readonly problem: ScheduleProblem };

/** Thrown inside the room only; parseSchedule answers with its problem. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
  readonly problem: ScheduleProblem;
  constructor(problem: ScheduleProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** A piece of the expression and where it begins. */
export interface Piece {
  readonly text: string;
  readonly start: number;
}

export function reject({ text, start }: Piece, message: string, hint?: string): never {
  throw new ScheduleError({
    message,
    start,
    end: start + Math.max(1, text.length),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** What runs more often is refused, as AWS does. */
export const scheduleMinutesMin = 5;

export function tooOften(piece: Piece): never {
  reject(piece, `a schedule runs at most every ${scheduleMinutesMin} minutes`);
}

/** Cuts a piece at a separator; every part knows its place. */
export function cut({ text, start }: Piece, separator: string): Piece[] {
  const parts: Piece[] = [];
  let at = start;
  for (const part of text.split(separator)) {
    parts.push({ text: part, start: at });
    at += part.length + separator.length;
  }
  return parts;
}
