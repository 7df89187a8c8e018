/** When time alone changes something next, so that nobody has to look every second. Ends of runs and words of people come on their own. */
import { findZone, nextDue } from '../schedule/index.ts';
import { isEnded, type Occurrence } from './occurrence.ts';
import { scheduleOf, type Window } from './types.ts';

/** The next due instant of a window behind `after`, in ms; undefined when it is disabled or never comes again. */
export function nextDueOf(window: Window, seenAt: number, after: number): number | undefined {
  const zone = findZone(window.timezone);
  if (zone === undefined || !window.isEnabled) return undefined;
  return nextDue(scheduleOf(window, zone, seenAt), after);
}

/** The next instant strictly after `now` at which an open occurrence has to be looked at; Infinity when there is none. */
export function wakeOf(occurrence: Occurrence, now: number): number {
  if (isEnded(occurrence.status)) return Infinity;
  const instants = [occurrence.cutoffAt + 1];
  for (const { task, invocations } of occurrence.tasks) {
    for (const { status, plannedAt, rollbackMs } of invocations) {
      if (isEnded(status)) continue;
      instants.push(occurrence.endAt - rollbackMs);
      if (task.reserveMs !== undefined) instants.push(plannedAt + task.reserveMs);
    }
  }
  return Math.min(...instants.filter((instant) => instant > now), Infinity);
}
