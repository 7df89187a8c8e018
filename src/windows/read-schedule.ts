/** Schedule, ScheduleTimezone, ScheduleOffset, StartDate and EndDate of a window, checked together. */
import {
  entryOf,
  integerOf,
  parseInstantMs,
  readText,
  requiredText,
  wrongType,
  type MapReader,
  type Span,
} from '../document/index.ts';
import { findZone, nextDue, parseSchedule, type Rule } from '../schedule/index.ts';
import { reportWindow } from './errors.ts';

export interface ReadSchedule {
  readonly scheduleText: string;
  readonly rule: Rule;
  readonly timezone: string;
  readonly offsetDays: number;
  readonly startAt?: number;
  readonly endAt?: number;
}

const offsetDaysMax = 6;
/** A date, a time and the offset of its clock: without one nobody knows which instant is meant. */
const fullInstant = /(Z|[+-]\d\d:?\d\d)$/i;

export function readSchedule(reader: MapReader, text: string, top: Span): ReadSchedule | undefined {
  const rule = readRule(reader, text, top);
  const timezone = readZone(reader);
  const offsetDays = readOffset(reader, rule);
  const startAt = readInstant(reader, 'StartDate');
  const endAt = readInstant(reader, 'EndDate');
  if (rule === undefined || timezone === undefined) return undefined;
  const read = {
    scheduleText: readText(reader, 'Schedule') ?? '',
    rule,
    timezone,
    offsetDays,
    ...(startAt === undefined ? {} : { startAt }),
    ...(endAt === undefined ? {} : { endAt }),
  };
  checkBounds(reader, read);
  return read;
}

function readRule(reader: MapReader, source: string, top: Span): Rule | undefined {
  const text = requiredText(reader, 'Schedule', top);
  const value = entryOf(reader, 'Schedule')?.value;
  if (text === undefined || value === undefined) return undefined;
  const parsed = parseSchedule(text);
  if (parsed.ok) return parsed.rule;
  const { message, hint, start, end } = parsed.problem;
  // The place within the text, where the file has the text as it is; otherwise the whole of it.
  const at = source.slice(value.span.start, value.span.end).indexOf(text);
  const span =
    at === -1 ? value.span : { start: value.span.start + at + start, end: value.span.start + at + end };
  reportWindow(reader.report, 'BAD_SCHEDULE', span, message, hint);
  return undefined;
}

function readZone(reader: MapReader): string | undefined {
  const entry = entryOf(reader, 'ScheduleTimezone');
  const name = readText(reader, 'ScheduleTimezone');
  if (entry === undefined) return 'UTC';
  if (name === undefined) return undefined;
  const zone = findZone(name);
  if (zone !== undefined) return zone.name;
  const hint = reader.report.suggest(name, () => Intl.supportedValuesOf('timeZone'));
  reportWindow(
    reader.report,
    'BAD_ZONE',
    entry.value.span,
    `${name} is not a zone of the IANA database`,
    hint ?? 'Zones are written as Europe/Berlin; UTC is the default.',
  );
  return undefined;
}

function readOffset(reader: MapReader, rule: Rule | undefined): number {
  const entry = entryOf(reader, 'ScheduleOffset');
  if (entry === undefined) return 0;
  const days = integerOf(entry.value);
  if (days === undefined || days < 1 || days > offsetDaysMax) {
    wrongType(reader, entry, `a number of days from 1 to ${offsetDaysMax}`);
    return 0;
  }
  if (rule !== undefined && rule.kind !== 'cron') {
    const message = `ScheduleOffset moves cron schedules only, and this is ${rule.kind}(...)`;
    reportWindow(reader.report, 'BAD_SCHEDULE', entry.keySpan, message);
    return 0;
  }
  return days;
}

function readInstant(reader: MapReader, key: string): number | undefined {
  const entry = entryOf(reader, key);
  if (entry === undefined) return undefined;
  const text =
    entry.value.kind === 'scalar' && typeof entry.value.value === 'string' ? entry.value.value : '';
  const ms = fullInstant.test(text) ? parseInstantMs(text) : undefined;
  if (ms !== undefined) return ms;
  const span = entry.value.kind === 'scalar' ? entry.value.span : entry.keySpan;
  reportWindow(
    reader.report,
    'BAD_INSTANT',
    span,
    `${key} must be a date and time with its offset`,
    'for example 2026-12-01T00:00:00+01:00; ScheduleTimezone does not apply to it',
  );
  return undefined;
}

/** A window that never opens is a mistake that nobody would notice. */
function checkBounds(reader: MapReader, read: ReadSchedule): void {
  const { rule, timezone, offsetDays, startAt, endAt } = read;
  const entry = entryOf(reader, 'EndDate');
  if (startAt !== undefined && endAt !== undefined && entry !== undefined && endAt <= startAt) {
    reportWindow(reader.report, 'BAD_INSTANT', entry.value.span, 'EndDate is not after StartDate');
    return;
  }
  const zone = findZone(timezone);
  if (zone === undefined) return;
  const schedule = {
    rule,
    zone,
    offsetDays,
    anchorAt: startAt ?? 0,
    ...(startAt === undefined ? {} : { startAt }),
    ...(endAt === undefined ? {} : { endAt }),
  };
  const span = entryOf(reader, 'Schedule')?.value.span;
  if (span !== undefined && nextDue(schedule, (startAt ?? 0) - 1) === undefined) {
    reportWindow(reader.report, 'NEVER_DUE', span, 'this schedule never comes between StartDate and EndDate');
  }
}
