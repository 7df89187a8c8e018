import { describe, expect, test } from 'vitest';
import {
  advance,
  type ApprovalFact,
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
  contents: () => ({}),
  skipped: () => null,
  isPaused: () => false,
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

describe('a yes', () => {
  const was = { patch: { says: 'a', files: { '/ops/patch.yaml': '1' } } };
  const is = { patch: { says: 'a', files: { '/ops/patch.yaml': '2' } } };
  const pending: Occurrence = {
    ...occurrence('CLIMB_DOWN'),
    status: 'PENDING',
    approval: { approvers: ['ada', 'bob'], minRequired: 1 },
    tasks: occurrence('CLIMB_DOWN').tasks.map((run) => ({
      ...run,
      status: 'PENDING',
      targets: null,
      invocations: [],
    })),
  };
  const said = (answers: readonly ApprovalFact[], contents = was): Facts => ({
    ...facts({ kind: 'runs' }),
    approvals: () => answers,
    contents: () => contents,
  });
  const yes: ApprovalFact = { by: 'ada', answer: 'yes' };
  const outdated: ApprovalFact = {
    by: 'ada',
    answer: 'outdated',
    why: '/ops/patch.yaml is not as it was then',
  };

  test('lets the occurrence begin, and what it was said to is kept with it', () => {
    const { occurrence: after, effects } = advance(pending, said([yes]), dueAt);
    expect(after).toMatchObject({ status: 'IN_PROGRESS', approved: { by: ['ada'], contents: was } });
    expect(effects.map(({ kind }) => kind)).toEqual(['start']);
  });

  test('to something else holds nothing up and starts nothing, and at the cut-off its file is named', () => {
    expect(advance(pending, said([outdated]), dueAt)).toEqual({ occurrence: pending, effects: [] });
    const { occurrence: after, effects } = advance(pending, said([outdated]), cutoffAt + 1);
    expect(effects).toEqual([]);
    expect(after).toMatchObject({ status: 'SKIPPED', reason: { code: 'NOT_APPROVED' } });
    expect(after.reason?.message).toContain('/ops/patch.yaml is not as it was then');
  });

  test('of a stranger counts for nothing, and that of another approver is enough', () => {
    const eve: ApprovalFact = { by: 'eve', answer: 'yes' };
    expect(advance(pending, said([outdated, eve]), dueAt).effects).toEqual([]);
    const bob: ApprovalFact = { by: 'bob', answer: 'yes' };
    expect(advance(pending, said([outdated, bob]), dueAt).occurrence.approved?.by).toEqual(['bob']);
  });

  test('holds for no target that starts after its runbook was changed; what runs goes on', () => {
    const { occurrence: begun } = advance(pending, said([yes]), dueAt);
    const running = advance(begun, said([yes], is), dueAt + minuteMs);
    expect(running.effects).toEqual([]);
    expect(running.occurrence.tasks[0]).toMatchObject({
      status: 'IN_PROGRESS',
      reason: { code: 'CHANGED_SINCE_APPROVED' },
    });
    const ended: ExecutionFact = {
      kind: 'ended',
      status: 'Success',
      rollbackStatus: 'notRequested',
      at: dueAt + 2 * minuteMs,
    };
    const over = advance(
      running.occurrence,
      { ...said([yes], is), execution: () => ended },
      dueAt + 2 * minuteMs,
    );
    expect(over.occurrence).toMatchObject({
      status: 'FAILED',
      tasks: [{ invocations: [{ status: 'SUCCESS' }] }],
    });
    expect(over.occurrence.tasks[0]?.reason?.message).toContain('/ops/patch.yaml is not as it was then');
  });

  test('changes nothing for targets that have all started', () => {
    const { occurrence: begun } = advance(pending, said([yes]), dueAt);
    const whole: Occurrence = {
      ...begun,
      tasks: begun.tasks.map((run) => ({ ...run, targets: ['h1'] })),
    };
    const { occurrence: after } = advance(whole, said([yes], is), dueAt + minuteMs);
    expect(after.tasks[0]?.reason).toBeUndefined();
  });
});

describe('an occurrence that waits', () => {
  const waiting: Occurrence = {
    ...occurrence('CLIMB_DOWN'),
    status: 'PENDING',
    tasks: occurrence('CLIMB_DOWN').tasks.map((run) => ({
      ...run,
      status: 'PENDING',
      targets: null,
      invocations: [],
    })),
  };
  const around = (more: Partial<Facts>): Facts => ({ ...facts({ kind: 'runs' }), ...more });

  test('and is skipped then does not begin, whoever says yes to it', () => {
    const reason = { code: 'SKIPPED', message: 'ada has skipped it' } as const;
    const skipped = around({ skipped: () => reason, approvals: () => [{ by: 'ada', answer: 'yes' }] });
    const { occurrence: after, effects } = advance(waiting, skipped, dueAt);
    expect(effects).toEqual([]);
    expect(after).toMatchObject({ status: 'SKIPPED', reason });
  });

  test('goes on waiting while its window is paused, and is over at the cut-off', () => {
    const paused = around({ isPaused: () => true });
    expect(advance(waiting, paused, dueAt)).toEqual({ occurrence: waiting, effects: [] });
    expect(advance(waiting, around({}), dueAt + minuteMs).occurrence.status).toBe('IN_PROGRESS');
    expect(advance(waiting, paused, cutoffAt + 1).occurrence).toMatchObject({
      status: 'SKIPPED',
      reason: { code: 'PAUSED' },
    });
  });
});
