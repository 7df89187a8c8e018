/**
 * What a list tells of an execution. It is kept with the row when a runner leaves of its own will, so that a list of ten
 * thousand reads ten thousand rows and folds no events; `executionView` makes its head from the same parts.
 */
import {
  isTerminal,
  type ExecutionState,
  type ExecutionStatus,
  type Failure,
  type RollbackStatus,
  type StepState,
  type Waiting,
} from '../engine/index.ts';
import type { ExecutionRow, Runner, Summary } from '../journal/index.ts';

/** Who runs it, or the root above it. */
export interface Liveness {
  /** The latest runner; null: it left of its own will. */
  readonly runner: Runner | null;
  readonly isLive: boolean;
  /** Who goes on with it when what it waits for has come. */
  readonly leftTo: 'daemon' | null;
}

/** Of the state that the events fold into, what a list needs. */
export type StateHead = {
  readonly seq: number;
  readonly status: ExecutionStatus;
  readonly rollbackStatus: RollbackStatus;
  readonly failedStep: string | null;
  readonly refused: Failure | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly endings: number;
  /** The step under way or waited at. */
  readonly at: string | null;
  readonly waiting: Waiting | null;
  readonly waits: readonly { readonly at: string; readonly waiting: Waiting }[];
};

/** What may differ from one look to the next although nothing happened in the execution. */
export type RowHead = Pick<ExecutionRow, 'closing' | 'cancelRequested'> & {
  readonly rollbackRequests: number;
};

export function headOf(state: ExecutionState): StateHead {
  const { status, rollbackStatus, failedStep, refused, startedAt, endedAt, endings, lastSeq } = state;
  const steps = [...state.steps, ...state.rollback.flatMap(({ steps: own }) => own)];
  const current = steps.findLast(isUnderWay);
  return {
    seq: lastSeq,
    status,
    rollbackStatus,
    failedStep,
    refused,
    startedAt,
    endedAt,
    endings,
    at: current?.name ?? null,
    waiting: state.waiting ?? current?.waiting ?? null,
    waits: steps.flatMap(({ name, waiting }) =>
      waiting === null || waiting.kind === 'sleep' ? [] : [{ at: name, waiting }],
    ),
  };
}

const isUnderWay = ({ status }: StepState): boolean => status === 'Waiting' || status === 'InProgress';

/** Undefined: another version wrote it, and says something else. */
export function readSummary(summary: Summary): StateHead | undefined {
  const { version, head } = summary as Summary & { readonly version?: number; readonly head?: unknown };
  return version === summaryVersion ? (head as StateHead) : undefined;
}

export function summaryOf(head: StateHead): Summary {
  return { version: summaryVersion, seq: head.seq, head };
}

const summaryVersion = 1;

/** What it comes to, given who runs it. */
export function standingOf(row: RowHead, head: StateHead, { runner, isLive, leftTo }: Liveness) {
  const owesRollback = head.endings > 0 && head.endings <= row.rollbackRequests;
  const isUndoing = head.rollbackStatus === 'running' || head.rollbackStatus === 'waiting';
  const endedByItself = head.endedAt !== null && !isUndoing && !owesRollback;
  const hasEnded = endedByItself || row.closing !== null;
  const status = (): ExecutionStatus => {
    if (hasEnded) return isTerminal(head.status) ? head.status : 'Cancelled';
    if (!isLive && runner !== null) return 'Interrupted';
    if (row.cancelRequested && !isTerminal(head.status)) return 'Cancelling';
    // A runner leaves of its own will only where it waits: at a step of its own, or below one.
    const isLeft = !isLive && runner === null && head.status === 'InProgress';
    return isLeft ? 'Waiting' : head.status;
  };
  return {
    status: status(),
    rollbackStatus: head.rollbackStatus,
    failedStep: head.failedStep,
    at: head.at,
    waiting: row.closing === null ? head.waiting : null,
    waits: row.closing === null && !hasEnded ? head.waits : [],
    refused: head.refused,
    runner,
    isLive,
    ...(leftTo === null ? {} : { leftTo }),
    cancelRequested: row.cancelRequested,
    closing: row.closing,
    startedAt: head.startedAt,
    endedAt: endedByItself ? head.endedAt : (row.closing?.at ?? null),
  };
}
