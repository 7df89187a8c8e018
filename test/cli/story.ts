/** Events and views of executions as tests tell them: times in seconds since the start, everything else by default. */
import {
  foldEvents,
  type Change,
  type EngineEvent,
  type RecordedEvent,
  type StepEnding,
} from '../../src/engine/index.ts';
import type { ExecutionRow } from '../../src/journal/index.ts';
import type { ExecutionView } from '../../src/runtime/execution-view.ts';
import { eventLines } from '../../src/cli/view/event-lines.ts';
import { Progress } from '../../src/cli/view/progress.ts';
import { makeStyle, type Style } from '../../src/cli/view/style.ts';

export const id = '1RS0ABCDEFGH';
/** 02:14:07 UTC. */
export const startedAt = Date.UTC(2026, 10, 20, 2, 14, 7);
export const plain: Style = makeStyle({ color: false, unicode: true });
export const ascii: Style = makeStyle({ color: false, unicode: false });

export type Told = readonly [seconds: number, event: EngineEvent];

export function record(story: readonly Told[]): RecordedEvent[] {
  return story.map(([seconds, event], index) => ({ seq: index + 1, at: startedAt + seconds * 1000, event }));
}

/** All lines that stay on the screen. */
export function transcript(story: readonly Told[], style: Style = plain): string {
  const progress = new Progress(id);
  const lines: string[] = [];
  for (const event of record(story)) {
    lines.push(...eventLines(event, progress, style));
    progress.apply(event);
  }
  return lines.join('\n');
}

/** What the view knows after the story. */
export function progressAfter(story: readonly Told[]): Progress {
  const progress = new Progress(id);
  for (const event of record(story)) progress.apply(event);
  return progress;
}

export function viewAfter(story: readonly Told[], more: Partial<ExecutionView> = {}): ExecutionView {
  const state = foldEvents(record(story));
  const runner: ExecutionRow['runner'] = null;
  return {
    executionId: id,
    runbook: 'patch-postgresql',
    file: 'runbooks/patch-postgresql.yaml',
    sandbox: false,
    status: state.status,
    rollbackStatus: state.rollbackStatus,
    parameters: { Host: 'db1' },
    steps: state.steps,
    rollback: state.rollback,
    outputs: state.outputs,
    failedStep: state.failedStep,
    at: null,
    waiting: state.waiting,
    drift: state.drift,
    repeated: state.repeated,
    outdated: state.outdated,
    rolledBackAt: state.rolledBackAt,
    waits: [],
    refused: state.refused,
    locks: state.locks,
    startedBy: 'ops',
    runner,
    isLive: false,
    cancelRequested: false,
    closing: null,
    forgottenAt: null,
    createdAt: startedAt,
    startedAt: state.startedAt,
    endedAt: state.endedAt,
    child: null,
    ...more,
  };
}

export const begin = (...names: readonly string[]): Told => [
  0,
  { type: 'ExecutionStarted', steps: names.map((name) => ({ name, action: 'host:service' })) },
];

export const started = (
  seconds: number,
  step: string,
  more: Partial<Extract<EngineEvent, { type: 'StepStarted' }>> = {},
): Told => [seconds, { type: 'StepStarted', step, action: 'host:service', inputs: { Host: 'db1' }, ...more }];

export function ended(
  seconds: number,
  step: string,
  more: Partial<Extract<EngineEvent, { type: 'StepEnded' }>> & { readonly status?: StepEnding } = {},
): Told {
  return [
    seconds,
    {
      type: 'StepEnded',
      step,
      status: 'Success',
      attempts: 1,
      outputs: {},
      changes: [],
      restorePoints: [],
      targets: ['db1'],
      note: '',
      failure: null,
      critical: true,
      ...more,
    },
  ];
}

export function undone(
  seconds: number,
  step: string,
  more: Partial<Extract<EngineEvent, { type: 'UndoEnded' }>> = {},
): Told {
  return [
    seconds,
    {
      type: 'UndoEnded',
      step,
      result: 'undone',
      reason: '',
      changes: [],
      targets: ['db1'],
      note: '',
      failure: null,
      looked: 'asBefore',
      ...more,
    },
  ];
}

export const undoing = (seconds: number, step: string): Told => [
  seconds,
  { type: 'UndoStarted', step, action: 'host:service' },
];

export const change = (subject: string, from: string | null, to: string | null, target = 'db1'): Change => ({
  target,
  subject,
  from,
  to,
});

export const failure = (code: string, message: string) => ({ code, message, retryable: false });

export const packages = (from: string, to: string): Change[] =>
  ['postgresql-15', 'postgresql-client-15', 'libpq5'].map((name) => change(name, from, to));

/** A patch whose check at the end says no; up to the end of the forward flow. */
export const failedPatch: readonly Told[] = [
  begin('Stop', 'SnapshotData', 'Patch', 'Start', 'VerifyData'),
  started(0, 'Stop'),
  ended(1.2, 'Stop', { changes: [change('postgresql@15-main', 'active', 'inactive')] }),
  started(1.2, 'SnapshotData'),
  ended(2, 'SnapshotData', {
    restorePoints: [{ id: 'snap-0a17', of: 'vol-0b2c' }],
    note: 'snap-0a17 of vol-0b2c (2 GiB)',
  }),
  started(2, 'Patch'),
  ended(7.1, 'Patch', { changes: packages('15.18-0+deb12u1', '15.20-0+deb12u1') }),
  started(7.1, 'Start'),
  ended(9.1, 'Start', { changes: [change('postgresql@15-main', 'inactive', 'active')] }),
  started(9.1, 'VerifyData'),
  ended(9.5, 'VerifyData', {
    status: 'Failed',
    failure: failure('VERSION_MISMATCH', 'the server answers 15.18, wanted 15.20'),
  }),
  [9.5, { type: 'ForwardEnded', status: 'Failed', failedStep: 'VerifyData' }],
];

export const rollbackStarted = (seconds: number, ...steps: readonly string[]): Told => [
  seconds,
  { type: 'RollbackStarted', pass: 0, steps, budgetSeconds: 1800 },
];
