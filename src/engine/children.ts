/**
 * Children: executions below another one. A child has a record of its own and its own steps, events, inbox and rollback; it runs where
 * the execution at the top (the root) runs, under that one's runner, and holds its locks in the root's name. What may be done with it from
 * outside is done through the root (docs/decisions/0017).
 */
import type { OutcomeTimes } from './activities.ts';
import type { ExecutionResult } from './result.ts';
import type { ExecutionInput, Program, RollbackRequest } from './types.ts';

/** Starts a child, once, and waits until it has ended. */
export interface ChildCall {
  /** Stable path, unique in the execution, as an activity's: `Patch@db1:child`. The child's own id follows from it. */
  readonly id: string;
  /** The path of the step that calls. */
  readonly step: string;
  /** What the child works on, where the step starts several; null: it is the only one. */
  readonly target: string | null;
  /** The runbook's name for people. */
  readonly runbook: string;
  /** The runbook's file, absolute: its attachments lie beside it; null: it is the caller's own. */
  readonly file: string | null;
  /** What started is what is resumed: it is stored with the child. Children of one program share what is stored. */
  readonly program: Program;
  readonly input: ChildInput;
  /** After so long the child is cancelled, and its end waited for. Counted from the first call; null: no limit. */
  readonly timeoutMs: number | null;
  /** Starts and runs although the root was cancelled: in a rollback, in onCancel. */
  readonly ignoreCancel: boolean;
}

export type ChildInput = Pick<ExecutionInput, 'parameters' | 'rollbackWhen' | 'lockWaitSeconds' | 'location'>;

/** Has a child that has ended climb down, and waits for that. No cancel reaches it. */
export interface ChildRollbackCall {
  readonly id: string;
  /** The id of the call that started the child. */
  readonly child: string;
  readonly request: RollbackRequest;
}

export type ChildOutcome = OutcomeTimes &
  (
    | {
        readonly status: 'ended';
        readonly executionId: string;
        readonly result: ExecutionResult;
        /** Whether it was cancelled because its time was over. */
        readonly isTimedOut: boolean;
      }
    /** The cancel flag was set before: there is no child. */
    | { readonly status: 'cancelled' }
  );
