/** What an execution came to: for the host that ran it, and for the execution above it where it is a child. All of it is JSON. */
import type { JsonObject } from '../json.ts';
import type { Change, Ran } from './events.ts';
import type { Failure } from './failure.ts';
import type { ExecutionEnding, RollbackStatus } from './statuses.ts';

export type ExecutionResult = {
  readonly status: ExecutionEnding;
  readonly rollbackStatus: RollbackStatus;
  readonly outputs: JsonObject;
  /** The step that decided a status other than Success, and why it ended so; null: none did, or nothing failed at it. */
  readonly failedStep: string | null;
  readonly failure: Failure | null;
  /** Steps that a rollback would still undo. */
  readonly owed: number;
  /** What stands of what its steps told to have changed. Absent: an earlier version wrote it. */
  readonly changes?: readonly Change[];
  /** Whether anything that stands may have been changed; `unknown`: more than `changes` tells. */
  readonly acted?: 'no' | 'yes' | 'unknown';
  /** Steps that ran, or may have, told no change, and need no undo by their author's word; of executions below it, too. Absent: none. */
  readonly byWord?: readonly Ran[];
  /** Locks that it took. A child leaves giving them back to the execution above it. */
  readonly locks: readonly string[];
};
