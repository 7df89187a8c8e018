/**
 * All statuses and their groups. Executions and steps carry AWS's words (AutomationExecutionStatus of the SSM API);
 * rollback is an addition and has its own.
 */

export const stepStatuses = [
  'Pending',
  'InProgress',
  'Waiting',
  'Success',
  'Failed',
  'TimedOut',
  'Cancelled',
  /** Of a loop: one of its steps led out of it. */
  'Exited',
] as const;
export type StepStatus = (typeof stepStatuses)[number];

/** How a step ended. */
export type StepEnding = Extract<StepStatus, 'Success' | 'Failed' | 'TimedOut' | 'Cancelled' | 'Exited'>;

/** `Interrupted` is Belay's own and never stored: the execution is not over, and no runner holds it. */
export const executionStatuses = [
  'Pending',
  'InProgress',
  'Waiting',
  'Success',
  'Failed',
  'TimedOut',
  'Cancelling',
  'Cancelled',
  'Interrupted',
] as const;
export type ExecutionStatus = (typeof executionStatuses)[number];
export type ExecutionEnding = Exclude<StepEnding, 'Exited'>;

export const rollbackStatuses = ['notRequested', 'running', 'waiting', 'clean', 'partial', 'failed'] as const;
export type RollbackStatus = (typeof rollbackStatuses)[number];

/** What became of one step's undo. */
export const undoResults = [
  /** The world is as it was before the step. */
  'undone',
  /** The step had changed nothing, or somebody had put it back already. */
  'nothingToDo',
  /** A restore point that stays on purpose; the reason says why. */
  'kept',
  /** The step changed the world and has no undo. */
  'leftOver',
  /** Somebody else has changed it since, and it was left alone. */
  'changedSince',
  'failed',
] as const;
export type UndoResult = (typeof undoResults)[number];

export function isTerminal(status: ExecutionStatus): status is ExecutionEnding {
  return status === 'Success' || status === 'Failed' || status === 'TimedOut' || status === 'Cancelled';
}
