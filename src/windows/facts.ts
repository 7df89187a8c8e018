/** What the scheduler has to know of the world at an instant. It is asked for; nothing in this room looks by itself. */
import type { Occurrence, Reason } from './occurrence.ts';
import type { TaskContents } from './task-content.ts';
import type { Task } from './types.ts';

export interface Facts {
  /** Hosts and instances that a task's Targets are; asked once, when its turn has come. */
  targets(
    task: Task,
  ):
    | { readonly kind: 'targets'; readonly targets: readonly string[] }
    | { readonly kind: 'unknown'; readonly message: string };
  /** Why the task may not start while nobody is there; null: it may. */
  refusal(task: Task, occurrence: Occurrence): Reason | null;
  /** The longest that one run of the task may take. */
  worstCase(task: Task): WorstCase;
  /** What is known of an execution; undefined: it was never written down. */
  execution(id: string): ExecutionFact | undefined;
  /** A new id that no execution has. */
  newExecutionId(): string;
  /** What people said of an occurrence. */
  approvals(occurrenceId: string): readonly ApprovalFact[];
  /** What the tasks of an occurrence with an Approval are now. */
  contents(): TaskContents;
  /** Why it is skipped, where somebody has said so before it began. */
  skipped(occurrenceId: string): Reason | null;
  /** The window is paused: an occurrence that waits goes on waiting. */
  isPaused(occurrenceId: string): boolean;
  /** Somebody has asked to stop the occurrence. */
  isCancelled(occurrenceId: string): boolean;
  /** `run --now --force`: it starts although it does not fit. */
  isForced(occurrenceId: string): boolean;
}

export type WorstCase =
  | { readonly kind: 'known'; readonly forwardMs: number; readonly rollbackMs: number }
  | { readonly kind: 'unknown'; readonly message: string };

export type ExecutionFact =
  | { readonly kind: 'runs' }
  /** Refused before its first step, with the reason. */
  | { readonly kind: 'refused'; readonly message: string }
  | {
      readonly kind: 'ended';
      readonly status: 'Success' | 'Failed' | 'TimedOut' | 'Cancelled';
      readonly rollbackStatus: string;
      readonly at: number;
      /** Why, where that says more than the status. */
      readonly reason?: Reason;
      /** What its steps took back, and what is still different; a phrase each. */
      readonly undone?: readonly string[];
      readonly left?: readonly string[];
    };

export type ApprovalFact =
  | { readonly by: string; readonly answer: 'yes' | 'no' }
  /** A yes to something else than what would run now. `why`: a clause that names what has changed. */
  | { readonly by: string; readonly answer: 'outdated'; readonly why: string };

export type Effect =
  /** Start the runbook under this id, unless an execution has it already. */
  | {
      readonly kind: 'start';
      readonly occurrence: string;
      readonly task: Task;
      readonly target: string;
      readonly executionId: string;
    }
  | { readonly kind: 'cancel'; readonly executionId: string; readonly reason: Reason };
