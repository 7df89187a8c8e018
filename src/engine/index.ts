/** The door of the engine: the interpreter, its ports, its events and the state that they fold into. */
export { worstCaseTime, type UnboundStep, type WorstCaseTime } from './worst-case.ts';
export { completeSignal, nextStepSignal } from './between-steps.ts';
export {
  type ActivityCall,
  type ActivityCallOf,
  type ActivityKind,
  type AdoptAnswer,
  type AnswerOf,
  type DecisionAnswer,
  type InputOf,
  type AsJson,
  type FoundRunbook,
  type LockAnswer,
  type Outcome,
  type OutcomeResult,
  type OutcomeTimes,
  type UnlockAnswer,
  type Work,
} from './activities.ts';
export {
  type Change,
  type EngineEvent,
  type Looked,
  type OutdatedProcess,
  type Ran,
  type Reach,
  type RecordedEvent,
  type RestorePoint,
  type Waiting,
} from './events.ts';
export {
  foldEvents,
  initialState,
  ownerOf,
  type ExecutionState,
  type Repeated,
  type StepState,
  type UndoState,
} from './execution-state.ts';
export { type Failure } from './failure.ts';
export { beginTimeoutMs, prepareTimeoutMs } from './limits.ts';
export {
  accountOf,
  changedByUndo,
  isByWord,
  mayRunAgain,
  standingChanges,
  standingTargets,
  type Account,
  type Accountable,
  type Certainty,
  type StepAccount,
  type Way,
} from './account/account.ts';
export { isDifferent, netChanges } from './account/net-changes.ts';
export {
  stayingByWord,
  takenBack,
  unsureBelow,
  type ByWord,
  type StaysBy,
  type TakenBack,
} from './account/taken-back.ts';
export { standingRestorePoints, type StandingRestorePoint } from './account/restore-points.ts';
export { type ChildCall, type ChildInput, type ChildOutcome, type ChildRollbackCall } from './children.ts';
export { plan } from './plan.ts';
export { approvalsOf, type Approvals } from './steps/approvers.ts';
export { type Runtime, type SignalResult } from './ports.ts';
export { driftText } from './drift-text.ts';
export { nestingDepth } from './step-tree.ts';
export { isEqual } from './equality.ts';
export { type ExecutionResult } from './result.ts';
export { runExecution } from './run-execution.ts';
export {
  isTerminal,
  type ExecutionEnding,
  type ExecutionStatus,
  type RollbackStatus,
  type StepEnding,
  type StepStatus,
  type UndoResult,
} from './statuses.ts';
export {
  type EffectResult,
  type ExecutionInput,
  type Location,
  type Program,
  type RollbackRequest,
  type StepDescriptor,
  type UndoDescriptor,
} from './types.ts';
