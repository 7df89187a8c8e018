/**
 * A year of forty windows in seconds. What is promised is checked from the rows of windows.db and from the runs, by code that shares nothing
 * with the scheduler, and due instants by a reading of the schedules by hand.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dueInstants, findZone, parseSchedule } from '../../../src/schedule/index.ts';
import type { Task, Window } from '../../../src/windows/index.ts';
import { clockOf, dueByHand } from '../../schedule/by-hand.ts';
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
  'rate(36 hours)',
  'at(2027-05-28T02:30:00)',
];
const byHandMax = 3;
const seed = Number(process.env['BELAY_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

let stateDir: string;
beforeEach(() => {
  // In memory where the machine has that: a year has many writes, and each is waited for.
  stateDir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'belay-year-'));
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

const one = <T>(draw: Draw, values: readonly T[]): T => values[Math.floor(draw() * values.length)] as T;

function taskOf(index: number, draw: Draw): Task {
  const hosts = Array.from({ length: 1 + Math.floor(draw() * 5) }, (_each, host) => `h${host}`);
  return {
    name: `task${index}`,
    // Its name says how long it may take: forward and back, in minutes.
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

const limits = (runbook: string) => {
  const [forward = 0, back = 0] = runbook.split(':').map(Number);
  return { forwardSeconds: forward * 60, rollbackSeconds: back * 60 };
};
const forwardMsOf = ({ runbook = '', reserveMs }: Task): number =>
  reserveMs ?? limits(runbook).forwardSeconds * 1_000;
const rollbackMsOf = ({ runbook = '' }: Task): number => limits(runbook).rollbackSeconds * 1_000;

/** What a row of the journal holds, as far as it is looked at here. */
interface Row {
  readonly id: string;
  readonly window: string;
  readonly dueAt: number;
  readonly status: string;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly tasks: readonly {
    readonly status: string;
    readonly invocations: readonly { readonly executionId: string }[];
  }[];
}

function rowsOf(folder: string): Row[] {
  const database = new DatabaseSync(join(folder, 'windows.db'), { readOnly: true });
  try {
    const rows = database.prepare('SELECT record FROM occurrences ORDER BY window, due_at').all();
    return rows.map(({ record }) => JSON.parse(String(record)) as Row);
  } finally {
    database.close();
  }
}

/** What does not hold, as sentences. */
class Complaints {
  readonly all: string[] = [];
  unless(holds: boolean, sentence: string): void {
    if (!holds) this.all.push(sentence);
  }
}

const isOver = (status: string): boolean => !['PENDING', 'IN_PROGRESS', 'CANCELLING'].includes(status);

test(`forty windows over a year keep every promise, whenever their daemon dies (BELAY_SEED=${seed})`, async () => {
  const draw = drawFrom(seed);
  const windows = Array.from({ length: 40 }, (_, index) => windowOf(index, draw));
  const absences = Array.from({ length: 12 }, (_, month): [number, number] => {
    const from = startAt + month * 30 * dayMs + draw() * 29 * dayMs;
    return [from, from + draw() * 6 * hourMs];
  });
  const daemon = new SimulatedDaemon(
    { stateDir, windows, limits, absences, deathsPerWrite: 1 / 200, draw },
    startAt - 1,
  );
  await daemon.run(endAt);
  const rows = rowsOf(stateDir);
  const runs = [...daemon.runs.values()];
  expect(runs.length).toBeGreaterThan(1_000);
  expect(daemon.deaths).toBeGreaterThan(10);
  const byOccurrence = Map.groupBy(runs, (run) => run.occurrence);
  const complaints = new Complaints();
  const planned = rows.flatMap(({ tasks }) => tasks.flatMap(({ invocations }) => invocations));
  // What has run stands in the journal, and what stands there has run: once each.
  expect(planned.map(({ executionId }) => executionId).toSorted()).toEqual(
    runs.map(({ executionId }) => executionId).toSorted(),
  );
  for (const [index, window] of windows.entries()) {
    const own = rows.filter((each) => each.window === window.name);
    const decided = own.map(({ dueAt }) => dueAt);
    // By hand takes a second for each; test/schedule holds both readings together.
    const due = index < byHandMax ? dueByHandOf : dueOf;
    complaints.unless(
      JSON.stringify(decided) === JSON.stringify(due(window, daemon.now)),
      `${window.name}: decided are not the due ones`,
    );
    checkOverlap(own, complaints);
    for (const row of own) checkRuns(window, row, byOccurrence.get(row.id) ?? [], complaints);
  }
  expect(complaints.all.slice(0, 5)).toEqual([]);

  function ended(run: SimulatedRun): number {
    return daemon.endOf(run) ?? Infinity;
  }

  function checkRuns(window: Window, row: Row, own: readonly SimulatedRun[], say: Complaints): void {
    const { id, dueAt, status } = row;
    const windowEnd = dueAt + window.durationHours * hourMs;
    const cutoff = windowEnd - window.cutoffHours * hourMs;
    const mayHang = own.some((run) => run.task.cutoffBehavior !== 'CLIMB_DOWN' && ended(run) === Infinity);
    say.unless(isOver(status) || windowEnd > daemon.now - dayMs || mayHang, `${id} never ended`);
    say.unless(!status.startsWith('SKIPPED') || own.length === 0, `${id} was skipped and ran`);
    for (const run of own) {
      const { task, startedAt } = run;
      const siblings = own.filter((other) => other.task.name === task.name);
      const goesOn =
        task.cutoffBehavior === 'CONTINUE_TASK' && siblings.some((other) => other.startedAt <= cutoff);
      say.unless(startedAt >= dueAt, `${id} began before it was due`);
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
      say.unless(
        siblings.filter((other) => other.target === run.target).length === 1,
        `${id} ran ${task.name} twice on ${run.target}`,
      );
      if (task.cutoffBehavior !== 'CLIMB_DOWN') continue;
      say.unless(
        startedAt + forwardMsOf(task) + rollbackMsOf(task) <= windowEnd,
        `${id} started ${task.name}, which does not fit`,
      );
      // While nobody runs, nobody cancels: an absence is the one excuse.
      const lastMoment = windowEnd - rollbackMsOf(task);
      const wasAbsent = absences.some(([from, until]) => from < windowEnd && until > lastMoment);
      say.unless(
        wasAbsent || windowEnd >= daemon.now || ended(run) <= windowEnd,
        `${id}: ${task.name} went on behind the end`,
      );
    }
  }
}, 300_000);

function dueOf({ rule, timezone }: Window, now: number): readonly number[] {
  const zone = findZone(timezone);
  if (zone === undefined) throw new Error(timezone);
  return dueInstants({ rule, zone, offsetDays: 0, anchorAt: startAt, startAt }, startAt - 1, now, 1_000_000);
}

/** Every due instant up to `now`, by hand. */
function dueByHandOf({ scheduleText, timezone }: Window, now: number): number[] {
  const [, kind = '', inner = ''] = /^(\w+)\((.*)\)$/.exec(scheduleText) ?? [];
  if (kind === 'rate') {
    const everyMs = Number(inner.split(' ')[0]) * hourMs;
    const count = Math.floor((now - startAt) / everyMs) + 1;
    return Array.from({ length: count }, (_each, index) => startAt + index * everyMs);
  }
  const clock = clockOf(timezone);
  const [from, until] = [startAt / minuteMs - 1, Math.floor(now / minuteMs)];
  if (kind === 'cron') return dueByHand(inner.split(' '), clock, from, until).map((at) => at * minuteMs);
  const wall = Date.parse(`${inner}Z`) / minuteMs;
  for (let minute = from; minute <= until; minute += 1)
    if (clock(minute) === wall) return [minute * minuteMs];
  return [];
}

function checkOverlap(own: readonly Row[], say: Complaints): void {
  const ran = own.filter(({ startedAt }) => startedAt !== undefined);
  for (const [index, { id, startedAt = 0 }] of ran.entries()) {
    const before = ran[index - 1];
    say.unless(
      before === undefined || (before.endedAt ?? Infinity) <= startedAt,
      `${id} overlaps ${before?.id}`,
    );
  }
}
