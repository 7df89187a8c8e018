/** Rows of the journal's tables as the port gives them. */
import { isJsonObject, type Json } from '../../json.ts';
import type { LockRow, RecordedOutcome } from '../journal.ts';
import { text } from '../statements.ts';

export function outcomeOf(recorded: Json): RecordedOutcome {
  if (isJsonObject(recorded)) {
    const { startedAt, endedAt, position, ...outcome } = recorded;
    if (typeof startedAt === 'number' && typeof endedAt === 'number') {
      const counted = typeof position === 'number' ? { position } : {};
      return { ...outcome, startedAt, endedAt, ...counted };
    }
  }
  throw new SyntaxError('an outcome has no times');
}

export function lockOf(row: Readonly<Record<string, unknown>>): LockRow {
  return {
    scope: text(row['scope']),
    name: text(row['name']),
    executionId: text(row['execution']),
    asked: text(row['asked']),
    since: Number(row['since']),
    host: row['host'] === null ? null : text(row['host']),
    hasEntry: row['entry'] === 1,
    isConfirmed: row['confirmed'] === 1,
  };
}
