/** Times as people type them: how long from now, how long ago, a date, an instant. */
import { parseDurationMs } from '../../document/index.ts';
import { Refusal } from '../refusal.ts';

/** The longest that an acknowledgement lasts; a year later somebody else may have to know. */
const acknowledgedMsMax = 366 * 24 * 3_600_000;

/** An instant, a date (its end, UTC), an ISO 8601 duration, or `14d`. Throws Refusal. */
export function untilOf(text: string, now: number): number {
  const hint = 'for example 14d, PT8H, 2026-12-24 or 2026-12-24T06:00:00Z';
  const duration = durationOf(text);
  const at = duration === undefined ? instantOf(text, 'T23:59:59Z') : now + duration;
  if (at === undefined) throw new Refusal('usage', 'BAD_INSTANT', `${text} is not a time`, { hint });
  if (at <= now) throw new Refusal('usage', 'BAD_INSTANT', `${text} is over already`, { hint });
  if (at - now > acknowledgedMsMax)
    throw new Refusal(
      'usage',
      'BAD_INSTANT',
      `${text} is more than a year away; acknowledge it for at most a year`,
      { hint },
    );
  return at;
}

/** An instant, a date (its beginning, UTC), or how long ago: an ISO 8601 duration, or `7d`. Throws Refusal. */
export function sinceOf(text: string, now: number): number {
  const duration = durationOf(text);
  const at = duration === undefined ? instantOf(text, 'T00:00:00Z') : now - duration;
  if (at !== undefined) return at;
  throw new Refusal('usage', 'BAD_INSTANT', `${text} is not a time`, {
    hint: 'for example 7d, PT8H, 2026-12-01 or 2026-12-01T06:00:00Z',
  });
}

function durationOf(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,4})([mhdw])$/.exec(text) ?? [];
  const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };
  return count === undefined ? parseDurationMs(text) : Number(count) * unitMs[unit as keyof typeof unitMs];
}

/** Undefined: it is none. A day that its month does not have is none either. */
function instantOf(text: string, ofDay: string): number | undefined {
  const [, day, rest] =
    /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d))?$/i.exec(text) ?? [];
  if (day === undefined) return undefined;
  const midnight = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(day)) return undefined;
  const at = Date.parse(`${day}${rest ?? ofDay}`);
  return Number.isNaN(at) ? undefined : at;
}
