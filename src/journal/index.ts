/** The door of the journal: its port, the store in a state folder, and what went wrong with it. */
export {
  type ActivityRow,
  type ChildPlace,
  type Closing,
  type ExecutionRow,
  type AlarmSetting,
  type ExecutionSettings,
  type Executions,
  type Events,
  type Inbox,
  type Kept,
  type Locks,
  type Machines,
  type MachineNote,
  type Outcomes,
  type InboxEntry,
  type UntakenEntry,
  type Journal,
  type LastRecord,
  type Left,
  type LeftWait,
  type ListedRow,
  type LockRow,
  type NewChild,
  type NewExecution,
  type NewLock,
  type RecordedOutcome,
  type Runner,
  type Summary,
  type Waits,
} from './journal.ts';
export { DamagedExecution, JournalFailure } from './errors.ts';
export { asJournalFailure, journalFailure } from './failure.ts';
export { instant, shape, type Fits } from './shape.ts';
export { openSqliteJournal } from './sqlite/open.ts';
export {
  openComplianceStore,
  type CheckRow,
  type ComplianceEvent,
  type ComplianceStore,
  type FindingFilter,
} from './compliance.ts';
export type { CompliancePlaces, ReportedNode } from './compliance-places.ts';
export {
  openWindowStore,
  type OccurrenceRow,
  type WindowRow,
  type WindowStore,
  type WordKind,
  type WordRow,
} from './windows.ts';
export {
  hasOutbox,
  openOutbox,
  summaryEvent,
  type Destination,
  type NewOutboxMessage,
  type Outbox,
  type OutboxBatch,
  type OutboxMessage,
  type OutboxState,
} from './outbox.ts';
