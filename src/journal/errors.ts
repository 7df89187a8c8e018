/** Why a journal could not be used. */
export class JournalFailure extends Error {
  override readonly name = 'JournalFailure';
  readonly code:
    | 'JOURNAL_CORRUPT'
    | 'DISK_FULL'
    | 'JOURNAL_NEWER'
    | 'JOURNAL_UNUSABLE'
    /** What it has of one execution cannot be read; the others are sound. */
    | 'EXECUTION_DAMAGED'
    /** The same of one run of a window. */
    | 'OCCURRENCE_DAMAGED';

  constructor(code: JournalFailure['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** What the journal has of one execution cannot be read. */
export class DamagedExecution extends JournalFailure {
  readonly executionId: string;

  constructor(executionId: string, why: string, cause?: unknown) {
    super(
      'EXECUTION_DAMAGED',
      `what the journal has of ${executionId} is damaged (${why}). Nothing was done with it. The other executions are not touched by that; a backup of the state folder has what it was.`,
      cause,
    );
    this.executionId = executionId;
  }
}
