/**
 * Freeze calendars: iCalendar text → the times in which nothing may run. Reads what AWS Change Calendar and ordinary calendars export:
 * RRULE, RDATE, EXDATE, changed single events, VTIMEZONE. Source: RFC 5545, and
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/change-calendar-import.html
 *
 * Every event counts, also one that its calendar shows as free time: whole-day events are that by default. Cancelled ones do not.
 */
import ICAL from 'ical.js';
import type { Zone } from '../schedule/index.ts';

/** Ms since 1970; `end` is exclusive. */
export interface FrozenTime {
  readonly start: number;
  readonly end: number;
  /** The event's own words, for people. */
  readonly summary: string;
}

export interface FreezeCalendar {
  /** X-CALENDAR-TYPE:DEFAULT_CLOSED of AWS: runs may only happen during events. */
  readonly isClosedByDefault: boolean;
  /** Frozen times that touch [from, until), in order; times that overlap are not joined. */
  frozenBetween(from: number, until: number): readonly FrozenTime[];
}

export type ParsedFreeze =
  | { readonly kind: 'calendar'; readonly calendar: FreezeCalendar }
  /** A sentence without the file's name. */
  | { readonly kind: 'problem'; readonly message: string };

/** How often one event may come before the time that is asked for: a calendar of seconds would never end. */
const repeatsMax = 100_000;
export const freezeBytesMax = 4 * 1024 * 1024;

/** `zone`: of events whose times name none, and of whole days. */
export function parseFreeze(
  text: string,
  zone: Zone,
  findZone: (name: string) => Zone | undefined,
): ParsedFreeze {
  if (text.length > freezeBytesMax) return problem(`it is larger than ${freezeBytesMax} bytes`);
  let root: ICAL.Component;
  try {
    root = new ICAL.Component(ICAL.parse(text));
  } catch {
    return problem('it is not an iCalendar file (BEGIN:VCALENDAR … END:VCALENDAR)');
  }
  if (root.name !== 'vcalendar') return problem(`it holds a ${root.name}, not a vcalendar`);
  const instantOf = instants(zone, findZone);
  const series = seriesOf(root);
  const isClosedByDefault =
    String(root.getFirstPropertyValue('x-calendar-type') ?? '').toUpperCase() === 'DEFAULT_CLOSED';
  try {
    for (const event of series) event.iterator().next();
    for (const event of series) for (const time of [event.startDate, event.endDate]) instantOf(time, event);
  } catch (error) {
    return problem(error instanceof Error ? error.message : String(error));
  }
  const eventsBetween = (from: number, until: number): FrozenTime[] =>
    series.flatMap((event) => timesOf(event, instantOf, from, until)).toSorted((a, b) => a.start - b.start);
  return {
    kind: 'calendar',
    calendar: {
      isClosedByDefault,
      frozenBetween: (from, until) =>
        isClosedByDefault ? outside(eventsBetween(from, until), from, until) : eventsBetween(from, until),
    },
  };
}

const problem = (message: string): ParsedFreeze => ({ kind: 'problem', message });

/** Events without those that change one of their times, which are handed to the event that they belong to. */
function seriesOf(root: ICAL.Component): ICAL.Event[] {
  const events = root
    .getAllSubcomponents('vevent')
    .filter(
      (each) =>
        String(each.getFirstPropertyValue('status') ?? '').toUpperCase() !== 'CANCELLED' ||
        each.hasProperty('recurrence-id'),
    )
    .filter((each) => each.hasProperty('dtstart'))
    .map((each) => new ICAL.Event(each, { strictExceptions: false, exceptions: [] }));
  const series = events.filter((event) => !event.isRecurrenceException());
  const byUid = new Map(series.map((event) => [event.uid, event]));
  const alone: ICAL.Event[] = [];
  for (const event of events) {
    if (!event.isRecurrenceException()) continue;
    const of = byUid.get(event.uid);
    if (of === undefined) alone.push(event);
    else of.relateException(event);
  }
  return [...series, ...alone.filter((event) => !isCancelled(event))];
}

function isCancelled(event: ICAL.Event): boolean {
  return String(event.component.getFirstPropertyValue('status') ?? '').toUpperCase() === 'CANCELLED';
}

function timesOf(event: ICAL.Event, instantOf: InstantOf, from: number, until: number): FrozenTime[] {
  const found: FrozenTime[] = [];
  const add = (item: ICAL.Event, start: ICAL.Time, end: ICAL.Time): void => {
    const time = { start: instantOf(start, item), end: instantOf(end, item), summary: item.summary ?? '' };
    if (time.end > from && time.start < until && !isCancelled(item)) found.push(time);
  };
  if (!event.isRecurring()) {
    add(event, event.startDate, event.endDate);
    return found;
  }
  const iterator = event.iterator();
  for (let repeats = 0; repeats < repeatsMax; repeats += 1) {
    const next: ICAL.Time | null | undefined = iterator.next();
    if (next === null || next === undefined) return found;
    // A day more, since a single event may have been moved to an earlier time.
    if (instantOf(next, event) >= until + 86_400_000) return found;
    const { item, startDate, endDate } = event.getOccurrenceDetails(next);
    add(item, startDate, endDate);
  }
  // Who cannot tell whether it is frozen does not run.
  const summary = `${event.summary ?? event.uid} comes more than ${repeatsMax} times, so nobody can tell when it does not`;
  return [...found, { start: from, end: until, summary }];
}

type InstantOf = (time: ICAL.Time, event: ICAL.Event) => number;

/** Times with a zone of the IANA database are read by it; others by the VTIMEZONE of the file. */
function instants(zone: Zone, findZone: (name: string) => Zone | undefined): InstantOf {
  return (time, event) => {
    const wall = Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute, time.second) / 1000;
    if (time.zone === ICAL.Timezone.utcTimezone) return wall * 1000;
    const name = time.isDate ? undefined : zoneName(time, event);
    if (name === undefined) return zone.instantOf(wall) * 1000;
    const known = findZone(name);
    if (known !== undefined) return known.instantOf(wall) * 1000;
    if (time.zone.tzid === name) return (wall - time.zone.utcOffset(time)) * 1000;
    throw new Error(`the zone ${JSON.stringify(name)} is neither in the file nor in the IANA database`);
  };
}

/** ical.js forgets the name of a zone that the file does not describe; the property still has it. */
function zoneName(time: ICAL.Time, event: ICAL.Event): string | undefined {
  if (time.zone.tzid !== 'floating') return time.zone.tzid;
  const name = event.component.getFirstProperty('dtstart')?.getFirstParameter('tzid');
  return name === undefined || name === '' ? undefined : name;
}

/** What lies between the events. */
function outside(events: readonly FrozenTime[], from: number, until: number): FrozenTime[] {
  const frozen: FrozenTime[] = [];
  const summary = 'the calendar is closed by default';
  let open = from;
  for (const { start, end } of events) {
    if (start > open) frozen.push({ start: open, end: start, summary });
    open = Math.max(open, end);
  }
  if (open < until) frozen.push({ start: open, end: until, summary });
  return frozen;
}
