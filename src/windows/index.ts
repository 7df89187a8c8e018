/** The door of the room: window files → windows, and what a window means at an instant. Pure: no clock, no files. */
export { windowCodes, type WindowCode } from './errors.ts';
export {
  freezeBytesMax,
  parseFreeze,
  type FreezeCalendar,
  type FrozenTime,
  type ParsedFreeze,
} from './freeze.ts';
export { parseWindow, type ParsedWindow, type WindowOptions } from './parse-window.ts';
export { withPseudoParameters, type PseudoParameter } from './pseudo-parameters.ts';
export { countOf } from './read-share.ts';
export { windowSchema } from './schema.ts';
export { windowFromAws, type AwsWindow, type ImportedWindow } from './from-aws.ts';
export type { AwsDocument, AwsTarget, AwsTask, WantedRunbook } from './from-aws-task.ts';
export * from './types.ts';
export { admit, missedMax, skippedBy, type AdmitInput } from './admit.ts';
export { advance, outdatedOf, type Advanced } from './advance.ts';
export type { ApprovalFact, Effect, ExecutionFact, Facts, WorstCase } from './facts.ts';
export {
  isEnded,
  occurrenceId,
  reasonCodes,
  type Ended,
  type Invocation,
  type Occurrence,
  type OccurrenceStatus,
  type Reason,
  type ReasonCode,
  type TaskRun,
} from './occurrence.ts';
export { nextDueOf, wakeOf } from './wake.ts';
export { summaryOf, type Summary } from './summary.ts';
export { anyChange, changeOf, type TaskContent, type TaskContents } from './task-content.ts';
