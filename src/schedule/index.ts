/** The door of the room: schedule text → rule, rule × instant → next due instants. Pure: it knows no clock. */
export { parseSchedule, scheduleCharactersMax } from './parse-schedule.ts';
export { dueInstants, nextDue, type Schedule } from './next-due.ts';
export { scheduleMinutesMin, type ParsedSchedule, type Rule, type ScheduleProblem } from './rule.ts';
export { findZone, type Zone } from './zone.ts';
