/** A year of forty windows in seconds, with invariants that are checked from the records by code that shares nothing with the scheduler. */
import { expect, test } from 'vitest';
import { dueInstants, findZone, parseSchedule } from '../../src/schedule/index.ts';
import { isEnded, type Occurrence, type Task, type Window, type WorstCase } from '../../src/windows/index.ts';
import { drawFrom, SimulatedDaemon, type Draw, type SimulatedRun } from './simulation.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const startAt = Date.parse('2026-12-01T00:00:00Z');
const endAt = startAt + 365 * dayMs;
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'America/Havana',
];
const schedules = [
  'cron(0 2 * * ? *)',
  'cron(30 1 ? * SUN *)',
  'cron(0 2 ? * TUE#2 *)',
  'cron(0 23 L * ? *)',
  'cron(0/30 1-3 ? * MON-FRI *)',
  'rate(12 hours)',
  'rate(3 days)',
  'at(2027-03-28T02:30:00)',
];
const seed = Number(process.env['BELAY_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

const one = <T>(draw: Draw, values: readonly T[]): T => values[Math.floor(draw() * values.length)] as T;

function taskOf(index: number, draw: Draw): Task {
  const hosts = Array.from({ length: 1 + Math.floor(draw() * 5) }, (_each, host) => `h${host}`);
  return {
    name: `task${index}`,
    runbook: `${one(draw, [5, 20, 45, 170])}:${one(draw, [5, 15, 30])}`,
    priority: Math.floor(draw() * 3),
    parameters: {},
    targets: draw() < 0.5 ? [] : hosts,
    maxConcurrency: { kind: 'count', count: 1 + Math.floor(draw() * 2) },
    maxErrors: { kind: 'count', count: Math.floor(draw() * 2) },
    cutoffBehavior: one(draw, ['CLIMB_DOWN', 'CLIMB_DOWN', 'CONTINUE_TASK', 'CANCEL_TASK']),
    ...(draw() < 0.2 ? { reserveMs: 30 * minuteMs } : {}),
    identity: { secrets: {} },
  };
}

function windowOf(index: number, draw: Draw): Window {
  const scheduleText = one(draw, schedules);
  const parsed = parseSchedule(scheduleText);
  if (!parsed.ok) throw new Error(scheduleText);
  const durationHours = 1 + Math.floor(draw() * 6);
  return {
    name: `window${index}`,
    scheduleText,
    rule: parsed.rule,
    timezone: one(draw, zones),
    offsetDays: 0,
    startAt,
    durationHours,
    cutoffHours: Math.floor(draw() * durationHours),
    isEnabled: true,
    freeze: [],
    missedRuns: draw() < 0.5 ? { kind: 'skip' } : { kind: 'catchUp', ageMsMax: 2 * hourMs },
    approval: null,
    tasks: Array.from({ length: 1 + Math.floor(draw() * 3) }, (_, task) => taskOf(task, draw)),
  };
}

/** The runbook's name says how long it may take: forward and back, in minutes. */
function limits({ runbook = '', reserveMs }: Task): { forwardMs: number; rollbackMs: number } {
  const [forward = 0, back = 0] = runbook.split(':').map(Number);
  return { forwardMs: reserveMs ?? forward * minuteMs, rollbackMs: back * minuteMs };
}
const worstCase = (task: Task): WorstCase => ({ kind: 'known', ...limits(task) });

/** What does not hold, as sentences. */
class Complaints {
  readonly all: string[] = [];
  unless(holds: boolean, sentence: string): void {
    if (!holds) this.all.push(sentence);
  }
}

test(`forty windows over a year keep every promise (BELAY_SEED=${seed})`, () => {
  const draw = drawFrom(seed);
  const windows = Array.from({ length: 40 }, (_, index) => windowOf(index, draw));
  const absences = Array.from({ length: 12 }, (_, month): [number, number] => {
    const from = startAt + month * 30 * dayMs + draw() * 29 * dayMs;
    return [from, from + draw() * 6 * hourMs];
  });
  const daemon = new SimulatedDaemon({ windows, worstCase, freeze: () => [], absences, draw }, startAt - 1);
  daemon.run(endAt);
  const occurrences = [...daemon.occurrences.values()];
  const runs = [...daemon.runs.values()];
  expect(runs.length).toBeGreaterThan(1_000);
  const byOccurrence = Map.groupBy(runs, (run) => run.occurrence);
  const complaints = new Complaints();
  for (const window of windows) {
    const own = occurrences.filter((each) => each.window === window.name);
    checkDue(window, own, daemon.now, complaints);
    checkOverlap(own, complaints);
    for (const occurrence of own) {
      checkRuns(window, occurrence, byOccurrence.get(occurrence.id) ?? [], complaints);
    }
  }
  for (const { id, status, tasks, endAt: end } of occurrences) {
    const mayHang = tasks.some(
      ({ task, status: left }) => !isEnded(left) && task.cutoffBehavior !== 'CLIMB_DOWN',
    );
    complaints.unless(isEnded(status) || end > daemon.now - dayMs || mayHang, `${id} never ended`);
  }
  expect(complaints.all.slice(0, 5)).toEqual([]);

  function ended(run: SimulatedRun): number {
    return daemon.endOf(run) ?? Infinity;
  }

  function checkRuns(
    window: Window,
    occurrence: Occurrence,
    own: readonly SimulatedRun[],
    say: Complaints,
  ): void {
    const { id } = occurrence;
    const windowEnd = occurrence.dueAt + window.durationHours * hourMs;
    const cutoff = windowEnd - window.cutoffHours * hourMs;
    say.unless(!occurrence.status.startsWith('SKIPPED') || own.length === 0, `${id} was skipped and ran`);
    for (const run of own) {
      const { task, startedAt } = run;
      const siblings = own.filter((other) => other.task === task);
      const goesOn =
        task.cutoffBehavior === 'CONTINUE_TASK' && siblings.some((other) => other.startedAt <= cutoff);
      say.unless(startedAt >= occurrence.dueAt, `${id} began before it was due`);
      say.unless(startedAt <= cutoff || goesOn, `${id} started ${task.name} behind the cut-off`);
      const sideBySide = siblings.filter(
        (other) => other.startedAt <= startedAt && ended(other) > startedAt,
      ).length;
      const atMost = task.maxConcurrency.kind === 'count' ? task.maxConcurrency.count : 0;
      say.unless(
        sideBySide <= atMost,
        `${id} has ${sideBySide} of ${task.name} side by side, at most ${atMost}`,
      );
      const earlier = own.filter((other) => other.task.priority < task.priority);
      say.unless(
        earlier.every((other) => ended(other) <= startedAt),
        `${id} started ${task.name} before its turn`,
      );
      if (task.cutoffBehavior !== 'CLIMB_DOWN') continue;
      const { forwardMs, rollbackMs } = limits(task);
      say.unless(
        startedAt + forwardMs + rollbackMs <= windowEnd,
        `${id} started ${task.name}, which does not fit`,
      );
      // While nobody runs, nobody cancels: an absence is the one excuse.
      const wasAbsent = absences.some(([from, until]) => from < windowEnd && until > windowEnd - rollbackMs);
      const isOver = windowEnd < daemon.now;
      say.unless(
        wasAbsent || !isOver || ended(run) <= windowEnd,
        `${id}: ${task.name} went on behind the end`,
      );
    }
  }
}, 120_000);

/** Every due instant is decided, once and in order. */
function checkDue(window: Window, own: readonly Occurrence[], now: number, say: Complaints): void {
  const zone = findZone(window.timezone);
  if (zone === undefined) throw new Error(window.timezone);
  const schedule = { rule: window.rule, zone, offsetDays: 0, anchorAt: startAt, startAt };
  const due = dueInstants(schedule, startAt - 1, now, 1_000_000);
  const decided = own.map(({ dueAt }) => dueAt);
  say.unless(JSON.stringify(decided) === JSON.stringify(due), `${window.name}: decided are not the due ones`);
}

function checkOverlap(own: readonly Occurrence[], say: Complaints): void {
  const ran = own.filter(({ startedAt }) => startedAt !== undefined);
  for (const [index, { id, startedAt = 0 }] of ran.entries()) {
    const before = ran[index - 1];
    say.unless(
      before === undefined || (before.endedAt ?? Infinity) <= startedAt,
      `${id} overlaps ${before?.id}`,
    );
  }
}
