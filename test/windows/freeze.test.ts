import { describe, expect, it } from 'vitest';
import { findZone } from '../../src/schedule/index.ts';
import { parseFreeze } from '../../src/windows/index.ts';

const berlin = findZone('Europe/Berlin') ?? raise();
function raise(): never {
  throw new Error('no zone');
}

function calendar(...lines: readonly string[]): string {
  return ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//test//EN', ...lines, 'END:VCALENDAR'].join('\r\n');
}
const event = (...lines: readonly string[]): string =>
  ['BEGIN:VEVENT', 'UID:e1', 'DTSTAMP:20260101T000000Z', ...lines, 'END:VEVENT'].join('\r\n');

/** Frozen times as `start/end summary`, in UTC. */
function frozen(text: string, from: string, until: string): string[] {
  const parsed = parseFreeze(text, berlin, findZone);
  if (parsed.kind === 'problem') throw new Error(parsed.message);
  const iso = (at: number): string => new Date(at).toISOString().replace(':00.000Z', 'Z');
  return parsed.calendar
    .frozenBetween(Date.parse(from), Date.parse(until))
    .map(({ start, end, summary }) => `${iso(start)}/${iso(end)} ${summary}`);
}

describe('a freeze calendar', () => {
  it('freezes whole days by the zone of the window, from midnight to midnight', () => {
    const text = calendar(
      event('DTSTART;VALUE=DATE:20261224', 'DTEND;VALUE=DATE:20261227', 'SUMMARY:Christmas'),
    );
    expect(frozen(text, '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z')).toEqual([
      '2026-12-23T23:00Z/2026-12-26T23:00Z Christmas',
    ]);
    expect(frozen(text, '2026-12-26T23:00:00Z', '2027-01-01T00:00:00Z')).toEqual([]);
  });

  it('reads repeats, excluded dates and one that was moved, over the change of clocks', () => {
    const text = calendar(
      event(
        'DTSTART;TZID=America/New_York:20261030T180000',
        'DTEND;TZID=America/New_York:20261030T200000',
        'RRULE:FREQ=WEEKLY;COUNT=4',
        'EXDATE;TZID=America/New_York:20261113T180000',
        'SUMMARY:Release',
      ),
      event(
        'RECURRENCE-ID;TZID=America/New_York:20261120T180000',
        'DTSTART;TZID=America/New_York:20261121T090000',
        'DTEND;TZID=America/New_York:20261121T100000',
        'SUMMARY:Release (moved)',
      ),
    );
    expect(frozen(text, '2026-10-01T00:00:00Z', '2026-12-31T00:00:00Z')).toEqual([
      '2026-10-30T22:00Z/2026-10-31T00:00Z Release',
      '2026-11-06T23:00Z/2026-11-07T01:00Z Release',
      '2026-11-21T14:00Z/2026-11-21T15:00Z Release (moved)',
    ]);
  });

  it('takes a zone that only the file describes from its VTIMEZONE', () => {
    const text = calendar(
      'BEGIN:VTIMEZONE',
      'TZID:Office Time',
      'BEGIN:STANDARD',
      'DTSTART:19700101T000000',
      'TZOFFSETFROM:+0530',
      'TZOFFSETTO:+0530',
      'END:STANDARD',
      'END:VTIMEZONE',
      event('DTSTART;TZID=Office Time:20260601T090000', 'DURATION:PT2H', 'SUMMARY:Audit'),
    );
    expect(frozen(text, '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z')).toEqual([
      '2026-06-01T03:30Z/2026-06-01T05:30Z Audit',
    ]);
  });

  it('of AWS that is closed by default freezes what lies between its events', () => {
    const text = calendar(
      'X-CALENDAR-TYPE:DEFAULT_CLOSED',
      event('DTSTART:20260601T020000Z', 'DTEND:20260601T040000Z', 'SUMMARY:Open'),
      'BEGIN:VTODO',
      'UID:todo',
      'DTSTAMP:20200320T004207Z',
      'SUMMARY:Add events to this calendar.',
      'END:VTODO',
    );
    expect(frozen(text, '2026-06-01T00:00:00Z', '2026-06-01T06:00:00Z')).toEqual([
      '2026-06-01T00:00Z/2026-06-01T02:00Z the calendar is closed by default',
      '2026-06-01T04:00Z/2026-06-01T06:00Z the calendar is closed by default',
    ]);
  });

  it('does not count cancelled events, and counts those that are shown as free', () => {
    const text = calendar(
      event('DTSTART:20260601T020000Z', 'DTEND:20260601T040000Z', 'STATUS:CANCELLED', 'SUMMARY:Off'),
      event('DTSTART:20260602T020000Z', 'DTEND:20260602T040000Z', 'TRANSP:TRANSPARENT', 'SUMMARY:On').replace(
        'UID:e1',
        'UID:e2',
      ),
    );
    expect(frozen(text, '2026-06-01T00:00:00Z', '2026-06-09T00:00:00Z')).toEqual([
      '2026-06-02T02:00Z/2026-06-02T04:00Z On',
    ]);
  });

  it.each([
    ['no calendar', 'hello', /not an iCalendar file/],
    ['a contact', 'BEGIN:VCARD\r\nVERSION:4.0\r\nEND:VCARD', /vcard, not a vcalendar/],
    [
      'a zone that nobody knows',
      calendar(event('DTSTART;TZID=Mars/Olympus:20260601T020000')),
      /"Mars\/Olympus" is neither/,
    ],
    ['a date that is none', calendar(event('DTSTART:2026-06-01')), /date/i],
    ['a rule that is none', calendar(event('DTSTART:20260601T020000Z', 'RRULE:FREQ=NEVER')), /./],
  ])('that is %s is a problem with a sentence', (_what, text, message) => {
    const parsed = parseFreeze(text, berlin, findZone);
    expect(parsed.kind).toBe('problem');
    if (parsed.kind === 'problem') expect(parsed.message).toMatch(message);
  });
});
