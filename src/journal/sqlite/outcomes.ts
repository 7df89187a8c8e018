/** What runners have on record of the interpreter's calls. */
import type { Json } from '../../json.ts';
import type { ActivityRow, Outcomes, RecordedOutcome } from '../journal.ts';
import { readingExecution } from '../failure.ts';
import { text, type Statements } from '../statements.ts';
import { insertChild, insertRollbackRequest, lastCallAt } from './children.ts';
import type { Commits } from './commits.ts';
import { insertEvents, lastSeqOf } from './events.ts';
import { outcomeOf } from './rows.ts';

export function outcomesIn(rows: Statements, commits: Commits): Outcomes {
  const activity = (id: string, of: string): ActivityRow | undefined =>
    readingExecution(id, () => {
      const row = rows.get(`SELECT started_at, outcome FROM activities WHERE execution = ? AND id = ?`, [
        id,
        of,
      ]);
      if (row === undefined) return undefined;
      const stored = row['outcome'];
      const outcome = stored === null ? null : outcomeOf(JSON.parse(text(stored)) as Json);
      return { startedAt: Number(row['started_at']), outcome };
    });
  const intent = (id: string, of: string, at: number): ActivityRow => {
    rows.run(`INSERT OR IGNORE INTO activities (execution, id, started_at) VALUES (?, ?, ?)`, [id, of, at]);
    return activity(id, of) ?? { startedAt: at, outcome: null };
  };
  const outcome = (id: string, of: string, recorded: RecordedOutcome): void => {
    rows.run(
      `INSERT INTO activities (execution, id, started_at, outcome) VALUES (?, ?, ?, ?)
       ON CONFLICT (execution, id) DO UPDATE SET outcome = excluded.outcome WHERE outcome IS NULL`,
      [id, of, recorded.startedAt, JSON.stringify(recorded)],
    );
  };
  return {
    activity: async (id, of) => activity(id, of),
    lastRecord: async (id) =>
      readingExecution(id, () => {
        const row = rows.get(
          `SELECT max(json_extract(outcome, '$.position')) AS position FROM activities WHERE execution = ?`,
          [id],
        );
        return {
          position: Number(row?.['position'] ?? 0),
          at: lastCallAt(rows, id),
          seq: lastSeqOf(rows, id),
        };
      }),
    begin: (id, of, at, events) =>
      commits.write(() => {
        insertEvents(rows, id, events);
        return intent(id, of, at);
      }),
    end: (id, of, recorded, events) =>
      commits.write(() => {
        insertEvents(rows, id, events);
        outcome(id, of, recorded);
      }),
    take: (id, entry, of, recorded, events) =>
      commits.write(() => {
        insertEvents(rows, id, events);
        rows.run(`UPDATE inbox SET taken_by = ? WHERE id = ?`, [of, entry.id]);
        outcome(id, of, recorded);
      }),
    beginChild: (child, at, events) => {
      const { parent, call } = child.child;
      return commits.write(() => {
        insertEvents(rows, parent, events);
        insertChild(rows, child);
        return intent(parent, call, at);
      });
    },
    beginChildRollback: (child, call, request, at, events) =>
      commits.write(() => {
        const parent = text(rows.get(`SELECT parent FROM executions WHERE id = ?`, [child])?.['parent']);
        insertEvents(rows, parent, events);
        insertRollbackRequest(rows, child, { ...request, call });
        return intent(parent, call, at);
      }),
    append: (id, events) =>
      events.length === 0 ? Promise.resolve() : commits.write(() => insertEvents(rows, id, events)),
  };
}
