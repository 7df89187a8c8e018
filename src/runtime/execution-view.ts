/** An execution as `list` and `show` give it: the folded state, and whether anybody is running it. */
import {
  isTerminal,
  type ExecutionState,
  type ExecutionStatus,
  type Failure,
  type Repeated,
  type RollbackStatus,
  type StepState,
  type UndoState,
  type Waiting,
} from '../engine/index.ts';
import type { ChildPlace, Closing, ExecutionRow, Runner } from '../journal/index.ts';
import type { JsonObject } from '../json.ts';
import { maskPlaceholders } from './secrets/placeholder.ts';

export interface ExecutionView {
  readonly executionId: string;
  readonly runbook: string;
  readonly file: string;
  readonly sandbox: boolean;
  /** AWS's status, or Interrupted: its runner is gone before the end. */
  readonly status: ExecutionStatus;
  readonly rollbackStatus: RollbackStatus;
  readonly parameters: JsonObject;
  readonly steps: readonly StepState[];
  readonly rollback: readonly UndoState[];
  readonly outputs: JsonObject;
  readonly failedStep: string | null;
  /** Where it is: the step under way or waited at. */
  readonly at: string | null;
  readonly waiting: Waiting | null;
  /** Every step that waits for a person: lanes of a rolling may do so side by side. */
  readonly waits: readonly { readonly at: string; readonly waiting: Waiting }[];
  readonly drift: readonly { readonly step: string; readonly what?: string }[];
  /** What the last rollback saw that had nothing to do any more. */
  readonly repeated: Repeated | null;
  readonly rolledBackAt: number | null;
  /** Why it got no locks, when the last that it asked for were refused. */
  readonly refused: Failure | null;
  /** What it holds alone. */
  readonly locks: readonly string[];
  readonly startedBy: string;
  readonly runner: Runner | null;
  /** Whether a process is running it now. */
  readonly isLive: boolean;
  readonly cancelRequested: boolean;
  /** A person's last word on it. */
  readonly closing: Closing | null;
  /** Since when what was kept for its undo is being removed. */
  readonly forgottenAt: number | null;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Of a child: where it belongs. */
  readonly child: ChildPlace | null;
}

/** Who runs it, or the root above it. */
export interface Liveness {
  /** The latest runner; null: it left of its own will. */
  readonly runner: Runner | null;
  readonly isLive: boolean;
}

export function executionView(
  row: ExecutionRow,
  state: ExecutionState,
  { runner, isLive }: Liveness,
): ExecutionView {
  const owesRollback = state.endings > 0 && state.endings <= row.input.rollbackRequests.length;
  const endedByItself = state.endedAt !== null && !isUndoing(state) && !owesRollback;
  const hasEnded = endedByItself || row.closing !== null;
  const current = currentStep(state);
  return {
    executionId: row.id,
    runbook: row.runbook,
    file: row.file,
    sandbox: row.settings.sandbox,
    status: statusOf(row, state, { runner, isLive }, hasEnded),
    rollbackStatus: state.rollbackStatus,
    parameters: maskPlaceholders(row.input.parameters),
    steps: state.steps,
    rollback: state.rollback,
    outputs: state.outputs,
    failedStep: state.failedStep,
    at: current?.name ?? null,
    waiting: row.closing === null ? (state.waiting ?? current?.waiting ?? null) : null,
    drift: state.drift,
    waits: row.closing === null && !hasEnded ? waitsOf(state) : [],
    repeated: state.repeated,
    rolledBackAt: state.rolledBackAt,
    refused: state.refused,
    locks: state.locks,
    startedBy: row.settings.startedBy,
    runner,
    isLive,
    cancelRequested: row.cancelRequested,
    closing: row.closing,
    forgottenAt: row.forgottenAt,
    createdAt: row.createdAt,
    startedAt: state.startedAt,
    endedAt: endedByItself ? state.endedAt : (row.closing?.at ?? null),
    child: row.child,
  };
}

function statusOf(
  row: ExecutionRow,
  state: ExecutionState,
  { runner, isLive }: Liveness,
  hasEnded: boolean,
): ExecutionStatus {
  if (hasEnded) return isTerminal(state.status) ? state.status : 'Cancelled';
  if (!isLive && runner !== null) return 'Interrupted';
  if (row.cancelRequested && !isTerminal(state.status)) return 'Cancelling';
  return state.status;
}

function isUndoing(state: ExecutionState): boolean {
  return state.rollbackStatus === 'running' || state.rollbackStatus === 'waiting';
}

function waitsOf(state: ExecutionState): { at: string; waiting: Waiting }[] {
  return [...state.steps, ...state.rollback.flatMap(({ steps }) => steps)].flatMap(({ name, waiting }) =>
    waiting === null || waiting.kind === 'sleep' ? [] : [{ at: name, waiting }],
  );
}

function currentStep(state: ExecutionState): StepState | undefined {
  const steps = [...state.steps, ...state.rollback.flatMap(({ steps }) => steps)];
  return steps.findLast(({ status }) => status === 'Waiting' || status === 'InProgress');
}
