/** What has happened in executions. */
import type { RecordedEvent } from '../../engine/index.ts';
import { readingExecution } from '../failure.ts';
import type { Events } from '../journal.ts';
import { readEvent } from '../event-shapes.ts';
import { instantOf, parsed } from '../shape.ts';
import type { Statements } from '../statements.ts';
import { lastSeqs } from './list.ts';

export function eventsIn(rows: Statements): Events {
  return {
    events: async (id, afterSeq) =>
      readingExecution(id, () =>
        rows
          .all(`SELECT seq, at, event FROM events WHERE execution = ? AND seq > ? ORDER BY seq`, [
            id,
            afterSeq,
          ])
          .map((row) => ({
            seq: Number(row['seq']),
            at: instantOf('at', row['at']),
            event: parsed(readEvent, `event ${Number(row['seq'])}`, row['event']),
          })),
      ),
    lastSeq: async (id) => lastSeqOf(rows, id),
    lastSeqs: async () => lastSeqs(rows),
  };
}

/** 0: there is none. */
export function lastSeqOf(rows: Statements, id: string): number {
  return readingExecution(id, () => {
    const row = rows.get(`SELECT coalesce(max(seq), 0) AS seq FROM events WHERE execution = ?`, [id]);
    return Number(row?.['seq'] ?? 0);
  });
}

/** Those whose number is known already are left as they are. */
export function insertEvents(rows: Statements, id: string, events: readonly RecordedEvent[]): void {
  for (const { seq, at, event } of events) {
    rows.run(`INSERT OR IGNORE INTO events (execution, seq, at, event) VALUES (?, ?, ?, ?)`, [
      id,
      seq,
      at,
      JSON.stringify(event),
    ]);
  }
}
