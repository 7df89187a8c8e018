/** The sandbox keeps its world beside the journal, and has the same troubles there: they are told as the journal's are. */
import { journalFailure, JournalFailure } from '../journal/index.ts';
import { WorldFileFailure } from '../world/index.ts';

/** A JournalFailure where a file of the state folder could not be read or kept; any other error as it is. */
export function stateTrouble(stateDir: string, error: unknown): unknown {
  if (!(error instanceof WorldFileFailure))
    return isBelow(stateDir, error) ? journalFailure(stateDir, error) : error;
  const failure = journalFailure(stateDir, error.cause);
  return failure instanceof JournalFailure && failure.code === 'DISK_FULL'
    ? failure
    : new JournalFailure('JOURNAL_UNUSABLE', error.message, error);
}

/** A system error about a file of the state folder. */
function isBelow(stateDir: string, error: unknown): boolean {
  return (
    error instanceof Error &&
    'path' in error &&
    typeof error.path === 'string' &&
    error.path.startsWith(stateDir)
  );
}
