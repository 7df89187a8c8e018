/**
 * One occurrence of a window: what was decided about it and how far its tasks are. Plain JSON; the journal keeps it, and every decision is
 * written before anything is done about it, so that whoever runs next knows what has been begun.
 *
 * Statuses are AWS's: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_MaintenanceWindowExecution.html
 */
import type { TaskContents } from './task-content.ts';
import type { Task } from './types.ts';

export type OccurrenceStatus =
  | 'PENDING'
  | 'IN_PROGRESS'
  | 'SUCCESS'
  | 'FAILED'
  | 'TIMED_OUT'
  | 'CANCELLING'
  | 'CANCELLED'
  | 'SKIPPED_OVERLAPPING'
  | 'SKIPPED';

export type Ended = Exclude<OccurrenceStatus, 'PENDING' | 'IN_PROGRESS' | 'CANCELLING'>;

/** Why something did not happen, or not wholly. */
export interface Reason {
  readonly code: ReasonCode;
  /** A sentence with the values in it. */
  readonly message: string;
}

export const reasonCodes = {
  MISSED: 'It was due while no daemon ran, and the window does not catch up, or no longer.',
  OVERLAPPING: 'The occurrence before it still ran.',
  FROZEN: 'A freeze calendar forbids it.',
  FREEZE_UNKNOWN: 'A freeze calendar cannot be read, so nobody knows whether it forbids it.',
  PAUSED: 'Somebody has paused the window.',
  SKIPPED: 'Somebody has skipped it.',
  NOT_APPROVED: 'Nobody said yes before the cut-off, or somebody said no.',
  CHANGED_SINCE_APPROVED:
    'Its runbook, another file of it or its parameters changed after somebody had said yes.',
  AFTER_CUTOFF: 'The cut-off came before it could start.',
  DOES_NOT_FIT: 'Its worst case and the rollback would end after the window.',
  WORST_CASE_UNKNOWN: 'Nobody can say how long it may take.',
  NO_TARGETS: 'Its targets cannot be found.',
  TOO_MANY_ERRORS: 'More targets failed than MaxErrors allows.',
  NEEDS_A_PERSON:
    'It would wait for a person, or could not be taken back, and nobody had said yes beforehand.',
  NOT_STARTED: 'It was refused before its first step.',
  NON_COMPLIANT: 'A check found what must not be so.',
  UNDETERMINED: 'A check could not tell whether everything is as it must be.',
  RESERVE_SPENT: 'Its Reserve was spent, so it was cancelled.',
  WINDOW_ENDED: 'It was cancelled so that it could climb down inside the window.',
  CANCELLED: 'Somebody has cancelled it.',
} as const;

export type ReasonCode = keyof typeof reasonCodes;

export interface Occurrence {
  readonly window: string;
  /** `patch-db@20261206T010000Z`: WINDOW_EXECUTION_ID. */
  readonly id: string;
  /** Ms since 1970, as all times here. */
  readonly dueAt: number;
  /** When a daemon first saw that it was due. */
  readonly seenAt: number;
  readonly cutoffAt: number;
  /** The end of the window, or the beginning of a freeze that comes before it. */
  readonly endAt: number;
  readonly status: OccurrenceStatus;
  readonly reason?: Reason;
  readonly approval: { readonly approvers: readonly string[]; readonly minRequired: number } | null;
  /** Who had said yes when it began, and to what. Absent: it needs nobody, has not begun, or began under an earlier version. */
  readonly approved?: { readonly by: readonly string[]; readonly contents: TaskContents };
  /** The SNS topic that is told of it. */
  readonly notifySns?: string;
  /** Channels of belay.yaml that its window names. Absent in journals of an earlier version. */
  readonly notifyChannels?: readonly string[];
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly tasks: readonly TaskRun[];
}

export interface TaskRun {
  readonly task: Task;
  readonly status: OccurrenceStatus;
  readonly reason?: Reason;
  /** Null until they were looked up, when the task's turn came. A task without Targets has one that is ''. */
  readonly targets: readonly string[] | null;
  readonly invocations: readonly Invocation[];
}

/** One execution of a task's runbook. It is written down before it is started, under the id that it will have. */
export interface Invocation {
  readonly target: string;
  readonly executionId: string;
  readonly status: OccurrenceStatus;
  readonly reason?: Reason;
  /** Written down, which is not yet begun. */
  readonly plannedAt: number;
  /** The longest that it may take, forward and back, as known when it was planned. */
  readonly forwardMs: number;
  readonly rollbackMs: number;
  readonly cancelledAt?: number;
  readonly endedAt?: number;
  readonly rollbackStatus?: string;
  /** What was taken back, and what is still different; a phrase each. */
  readonly undone?: readonly string[];
  readonly left?: readonly string[];
}

export function isEnded(status: OccurrenceStatus): status is Ended {
  return status !== 'PENDING' && status !== 'IN_PROGRESS' && status !== 'CANCELLING';
}

/** From best to worst; what did not happen says nothing about what did. */
const byWorst: readonly Ended[] = [
  'SKIPPED_OVERLAPPING',
  'SKIPPED',
  'SUCCESS',
  'CANCELLED',
  'TIMED_OUT',
  'FAILED',
];

export function worst(statuses: readonly Ended[]): Ended {
  return (
    byWorst[Math.max(...statuses.map((status) => byWorst.indexOf(status)), byWorst.indexOf('SUCCESS'))] ??
    'SUCCESS'
  );
}

/** `patch-db@20261206T010000Z`. */
export function occurrenceId(window: string, dueAt: number): string {
  return `${window}@${new Date(dueAt).toISOString().replaceAll(/[-:]|\.\d+/g, '')}`;
}
