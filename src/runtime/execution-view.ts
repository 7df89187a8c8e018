/** An execution as `list` and `show` give it: the folded state, and whether anybody is running it. */
import type {
  ExecutionState,
  ExecutionStatus,
  Failure,
  OutdatedProcess,
  Repeated,
  RollbackStatus,
  StepState,
  UndoState,
  Waiting,
} from '../engine/index.ts';
import type { ChildPlace, Closing, ExecutionRow, ListedRow, Runner } from '../journal/index.ts';
import type { JsonObject } from '../json.ts';
import type { TriggeredAlarm } from './alarm-watch.ts';
import type { Answered } from './answered.ts';
import { maskPlaceholders } from './secrets/placeholder.ts';
import { headOf, readSummary, standingOf, type Liveness } from './summary.ts';

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
  /** A person had it end before a further step. */
  readonly wasCompleted?: true;
  /** The alarm that stopped it, where one did. */
  readonly triggeredAlarm?: TriggeredAlarm;
  /** Where it is: the step under way or waited at. */
  readonly at: string | null;
  readonly waiting: Waiting | null;
  /** Every step that waits for a person: lanes of a rolling may do so side by side. */
  readonly waits: readonly { readonly at: string; readonly waiting: Waiting }[];
  /** What people have said that somebody who goes on with it will take in; absent: nothing, or it is being run. */
  readonly answered?: readonly Answered[];
  readonly drift: readonly { readonly step: string; readonly what?: string }[];
  /** What the last rollback saw that had nothing to do any more. */
  readonly repeated: Repeated | null;
  /** Processes that still run what was taken back, when they were last looked for. */
  readonly outdated: readonly OutdatedProcess[];
  readonly rolledBackAt: number | null;
  /** Why it got no locks, when the last that it asked for were refused. */
  readonly refused: Failure | null;
  /** What it holds alone. */
  readonly locks: readonly string[];
  readonly startedBy: string;
  readonly runner: Runner | null;
  /** Whether a process is running it now. */
  readonly isLive: boolean;
  /** Who goes on with it when what it waits for has come; absent: whoever resumes it. */
  readonly leftTo?: 'daemon';
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

/** What a table of many shows; steps only where they matter. */
export type ListedExecution = Pick<
  ExecutionView,
  | 'executionId'
  | 'runbook'
  | 'file'
  | 'sandbox'
  | 'status'
  | 'rollbackStatus'
  | 'failedStep'
  | 'at'
  | 'waiting'
  | 'waits'
  | 'answered'
  | 'refused'
  | 'isLive'
  | 'leftTo'
  | 'cancelRequested'
  | 'closing'
  | 'startedBy'
  | 'createdAt'
  | 'startedAt'
  | 'endedAt'
  | 'child'
  | 'steps'
>;

/** No cancel stops it then: it is resumed. */
export function isClimbingDown({ rollbackStatus }: Pick<ExecutionView, 'rollbackStatus'>): boolean {
  return rollbackStatus === 'running' || rollbackStatus === 'waiting';
}

export function executionView(row: ExecutionRow, state: ExecutionState, liveness: Liveness): ExecutionView {
  const { length: rollbackRequests } = row.input.rollbackRequests;
  const { steps, rollback, outputs, drift, repeated, outdated, rolledBackAt, locks } = state;
  return {
    ...titleOf(row),
    parameters: maskPlaceholders(row.input.parameters),
    steps,
    rollback,
    outputs,
    drift,
    repeated,
    outdated,
    rolledBackAt,
    locks,
    forgottenAt: row.forgottenAt,
    ...(state.wasCompleted === true ? { wasCompleted: true as const } : {}),
    ...standingOf({ ...row, rollbackRequests }, headOf(state), liveness),
  };
}

/** Of an execution that nobody runs, by what was kept with its row. Undefined: its events have to be folded. */
export function listedView(row: ListedRow): ListedExecution | undefined {
  const head = row.summary === null ? undefined : readSummary(row.summary);
  if (head === undefined) return undefined;
  return {
    ...titleOf(row),
    steps: [],
    ...standingOf(row, head, { runner: null, isLive: false, leftTo: row.leftTo }),
  };
}

function titleOf(row: Omit<ListedRow, 'summary' | 'rollbackRequests'>) {
  const { id, runbook, file, settings, createdAt, child } = row;
  const { sandbox, startedBy } = settings;
  return { executionId: id, runbook, file, sandbox, startedBy, createdAt, child };
}
