/** What a schedule text is due at, as texts with the zone's own clock. */
import { dueInstants, findZone, parseSchedule, type Schedule } from '../../src/schedule/index.ts';

export interface ScheduleOptions {
  readonly zone?: string;
  readonly offsetDays?: number;
  readonly anchor?: string;
  readonly start?: string;
  readonly end?: string;
}

export function schedule(text: string, options: ScheduleOptions = {}): Schedule {
  const parsed = parseSchedule(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problem.message}`);
  const zone = findZone(options.zone ?? 'UTC');
  if (zone === undefined) throw new Error(`no zone ${options.zone}`);
  return {
    rule: parsed.rule,
    zone,
    offsetDays: options.offsetDays ?? 0,
    anchorAt: Date.parse(options.anchor ?? '2026-01-01T00:00:00Z'),
    ...(options.start === undefined ? {} : { startAt: Date.parse(options.start) }),
    ...(options.end === undefined ? {} : { endAt: Date.parse(options.end) }),
  };
}

/** The first `count` instants after `after`, in UTC without milliseconds. */
export function due(text: string, after: string, count: number, options?: ScheduleOptions): string[] {
  const instants = dueInstants(schedule(text, options), Date.parse(after), Infinity, count);
  return instants.map((at) => new Date(at).toISOString().replace('.000', ''));
}
