import { expect, test } from 'vitest';
import {
  advance,
  type CutoffBehavior,
  type ExecutionFact,
  type Facts,
  type Occurrence,
  type RunbookTask,
} from '../../src/windows/index.ts';

const minuteMs = 60_000;
const dueAt = Date.parse('2026-12-06T01:00:00Z');
const cutoffAt = dueAt + 120 * minuteMs;
const endAt = dueAt + 180 * minuteMs;

/** One target of two runs, an hour and a half before the cut-off. */
function occurrence(cutoffBehavior: CutoffBehavior, taskType?: 'RUN_COMMAND'): Occurrence {
  const task: RunbookTask = {
    name: 'patch',
    runbook: 'patch.yaml',
    priority: 1,
    parameters: {},
    targets: ['h1', 'h2'],
    maxConcurrency: { kind: 'count', count: 1 },
    maxErrors: { kind: 'count', count: 0 },
    cutoffBehavior,
    ...(taskType === undefined ? {} : { taskType }),
    identity: { secrets: {} },
  };
  const plannedAt = dueAt + 30 * minuteMs;
  return {
    window: 'patch-db',
    id: 'patch-db@20261206T010000Z',
    dueAt,
    seenAt: dueAt,
    cutoffAt,
    endAt,
    status: 'IN_PROGRESS',
    approval: null,
    startedAt: dueAt,
    tasks: [
      {
        task,
        status: 'IN_PROGRESS',
        targets: ['h1', 'h2'],
        invocations: [
          {
            target: 'h1',
            executionId: 'run-1',
            status: 'IN_PROGRESS',
            plannedAt,
            forwardMs: 60 * minuteMs,
            rollbackMs: 20 * minuteMs,
          },
        ],
      },
    ],
  };
}

const facts = (run: ExecutionFact): Facts => ({
  targets: ({ targets }) => ({ kind: 'targets', targets }),
  refusal: () => null,
  worstCase: () => ({ kind: 'known', forwardMs: 10 * minuteMs, rollbackMs: 10 * minuteMs }),
  execution: () => run,
  newExecutionId: () => 'run-2',
  approvals: () => [],
  isCancelled: () => false,
  isForced: () => false,
});

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_RegisterTaskWithMaintenanceWindow.html
test.each([
  ['CONTINUE_TASK', undefined, []],
  ['CONTINUE_TASK', 'RUN_COMMAND', []],
  ['CANCEL_TASK', undefined, []],
  ['CANCEL_TASK', 'RUN_COMMAND', ['AFTER_CUTOFF']],
  ['CLIMB_DOWN', undefined, []],
] as const)('at the cut-off what runs under %s (%s) is cancelled: %s', (behavior, taskType, expected) => {
  const { effects } = advance(occurrence(behavior, taskType), facts({ kind: 'runs' }), cutoffAt + 1);
  expect(effects.map((effect) => (effect.kind === 'cancel' ? effect.reason.code : effect.kind))).toEqual(
    expected,
  );
});

test('under CLIMB_DOWN it is cancelled when its rollback still fits the window, and no later', () => {
  const running = occurrence('CLIMB_DOWN');
  const last = endAt - 20 * minuteMs;
  expect(advance(running, facts({ kind: 'runs' }), last - 1).effects).toEqual([]);
  expect(advance(running, facts({ kind: 'runs' }), last).effects).toMatchObject([
    { kind: 'cancel', reason: { code: 'WINDOW_ENDED' } },
  ]);
});

test.each([
  // A task that goes on starts its other targets; no other does behind the cut-off.
  ['CONTINUE_TASK', undefined, ['start'], 'IN_PROGRESS'],
  ['CANCEL_TASK', undefined, [], 'TIMED_OUT'],
  ['CANCEL_TASK', 'RUN_COMMAND', [], 'TIMED_OUT'],
  ['CLIMB_DOWN', undefined, [], 'TIMED_OUT'],
] as const)('behind the cut-off, %s (%s) starts: %s', (behavior, taskType, expected, status) => {
  const ended = { kind: 'ended', status: 'Success', rollbackStatus: 'notRequested', at: cutoffAt } as const;
  const { effects, occurrence: after } = advance(occurrence(behavior, taskType), facts(ended), cutoffAt + 1);
  expect(effects.map(({ kind }) => kind)).toEqual(expected);
  expect(after.tasks[0]?.status).toBe(status);
});

test('a command that was cut at the cut-off is late, and not cancelled by somebody', () => {
  const cut = advance(occurrence('CANCEL_TASK', 'RUN_COMMAND'), facts({ kind: 'runs' }), cutoffAt + 1);
  const ended = { kind: 'ended', status: 'Cancelled', rollbackStatus: 'notRequested', at: cutoffAt } as const;
  const { occurrence: after } = advance(cut.occurrence, facts(ended), cutoffAt + 2);
  expect(after).toMatchObject({ status: 'TIMED_OUT', tasks: [{ invocations: [{ status: 'TIMED_OUT' }] }] });
});
