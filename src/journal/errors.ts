/** Why a journal could not be used. */
export class JournalFailure extends Error {
  override readonly name = 'JournalFailure';
  readonly code: 'JOURNAL_CORRUPT' | 'DISK_FULL' | 'JOURNAL_NEWER' | 'JOURNAL_UNUSABLE';

  constructor(code: JournalFailure['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
