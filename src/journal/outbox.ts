/**
 * What people are to be told: `notify.db` in the state folder, WAL with synchronous=FULL. A message is written down before it is
 * sent and settled after; each write is durable when the call returns. Any process may write; who delivers to a channel holds that
 * channel's lock. It stores and returns; what a message means is the notify room's business.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { lastSeqsIn } from './sqlite/open.ts';
import { instantOr, objectIn } from './shape.ts';
import { text, type Statements } from './statements.ts';
import { openStoreFile, type StoreFile } from './store-file.ts';

/** Where a message goes: a channel of a belay.yaml, or a way that a file names itself. */
export interface Destination {
  /** The absolute path of belay.yaml; empty: `channel` is a topic's ARN. */
  readonly config: string;
  readonly channel: string;
}

export interface NewOutboxMessage extends Destination {
  /** The same for the same channel and key. */
  readonly id: string;
  readonly key: string;
  readonly event: string;
  readonly about: string;
  readonly at: number;
  readonly subject: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly expiresAt: number;
}

export type OutboxState =
  | 'waiting'
  | 'delivered'
  /** Nobody took it before it expired. */
  | 'givenUp'
  /** Told as a part of a summary. */
  | 'folded'
  /** What it asks for is no more, and it was never sent. */
  | 'withdrawn';

export interface OutboxMessage extends NewOutboxMessage {
  readonly state: OutboxState;
  readonly attempts: number;
  /** When the first attempt began; 0: none has. */
  readonly firstAttemptAt: number;
  readonly nextAt: number;
  /** Why the last attempt failed; empty: none has, or it is under way. */
  readonly trouble: string;
  /** 0: it is waiting. */
  readonly settledAt: number;
  /** What the receiver answered, such as a MessageId; of a folded one, the summary's id. */
  readonly receipt: string;
}

/** Up to where an execution's events were looked at. */
export interface Cursor {
  readonly seq: number;
  /** Nothing further comes of it by itself. */
  readonly isOver: boolean;
}

export interface OutboxBatch {
  readonly messages?: readonly NewOutboxMessage[];
  readonly cursors?: readonly ({ readonly execution: string } & Cursor)[];
  /** Ids of waiting messages that nobody began to send. */
  readonly withdrawn?: readonly string[];
}

export interface Outbox {
  /** All of it or nothing. A message that is known already is left as it is; a cursor never goes back. */
  put(batch: OutboxBatch, at: number): void;
  cursors(): ReadonlyMap<string, Cursor>;
  /** An attempt begins; after it the message is due again at `nextAt`, should nobody settle it. False: it is no longer waiting. */
  begin(id: string, at: number, nextAt: number): boolean;
  failed(id: string, trouble: string, nextAt: number): void;
  settle(id: string, state: 'delivered' | 'givenUp', receipt: string, at: number): void;
  /** Writes a summary down in the place of others. Those of which an attempt has begun meanwhile are left out. */
  fold(summary: NewOutboxMessage, ids: readonly string[], at: number): void;
  /** In the order in which they were written. */
  waiting(): OutboxMessage[];
  message(id: string): OutboxMessage | undefined;
  /** Newest first. */
  latest(countMax: number): OutboxMessage[];
  /** Given up since. */
  givenUpSince(at: number): OutboxMessage[];
  /** Of one thing, waiting or delivered. */
  about(about: string): OutboxMessage[];
  /** First attempts of a channel since then, its summaries marked. */
  sentSince(destination: Destination, at: number): { readonly at: number; readonly isSummary: boolean }[];
  /** Settled ones that are older go. */
  forget(before: number): void;
  close(): void;
}

export const summaryEvent = 'summary';

const fileName = 'notify.db';
const formatVersion = 1;
const tables = `
  CREATE TABLE messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    config TEXT NOT NULL,
    channel TEXT NOT NULL,
    key TEXT NOT NULL,
    event TEXT NOT NULL,
    about TEXT NOT NULL,
    at INTEGER NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    fields TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    first_attempt_at INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL DEFAULT 0,
    trouble TEXT NOT NULL DEFAULT '',
    settled_at INTEGER NOT NULL DEFAULT 0,
    receipt TEXT NOT NULL DEFAULT ''
  ) STRICT;
  CREATE INDEX messages_waiting ON messages (number) WHERE state = 'waiting';
  CREATE INDEX messages_about ON messages (about);
  CREATE INDEX messages_sent ON messages (config, channel, first_attempt_at);
  CREATE TABLE cursors (
    execution TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    over INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;`;

export function hasOutbox(stateDir: string): boolean {
  return existsSync(join(stateDir, fileName));
}

/**
 * Opens or makes it. What the journal beside it holds when it is made is told to nobody: it happened before anybody asked to be told.
 * Throws JournalFailure.
 */
export function openOutbox(stateDir: string): Outbox {
  const fill: StoreFile['fill'] = (database) => {
    const insert = database.prepare('INSERT INTO cursors (execution, seq, over) VALUES (?, ?, 0)');
    for (const [execution, seq] of lastSeqsIn(stateDir)) insert.run(execution, seq);
  };
  return new SqliteOutbox(openStoreFile(stateDir, { name: fileName, formatVersion, tables, fill }));
}

class SqliteOutbox implements Outbox {
  readonly #rows: Statements;

  constructor(rows: Statements) {
    this.#rows = rows;
  }

  put({ messages = [], cursors = [], withdrawn = [] }: OutboxBatch, at: number): void {
    if (messages.length + cursors.length + withdrawn.length === 0) return;
    this.#rows.transaction(() => {
      for (const message of messages) this.#insert(message);
      for (const { execution, seq, isOver } of cursors) {
        this.#rows.run(
          `INSERT INTO cursors (execution, seq, over) VALUES (?, ?, ?)
           ON CONFLICT (execution) DO UPDATE SET seq = excluded.seq, over = excluded.over WHERE excluded.seq >= seq`,
          [execution, seq, isOver ? 1 : 0],
        );
      }
      for (const id of withdrawn)
        this.#rows.run(
          `UPDATE messages SET state = 'withdrawn', settled_at = ? WHERE id = ? AND state = 'waiting' AND attempts = 0`,
          [at, id],
        );
    });
  }

  #insert({
    id,
    config,
    channel,
    key,
    event,
    about,
    at,
    subject,
    text,
    fields,
    expiresAt,
  }: NewOutboxMessage) {
    this.#rows.run(
      `INSERT OR IGNORE INTO messages (id, config, channel, key, event, about, at, subject, text, fields, expires_at, state)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting')`,
      [id, config, channel, key, event, about, at, subject, text, JSON.stringify(fields), expiresAt],
    );
  }

  cursors(): ReadonlyMap<string, Cursor> {
    const rows = this.#rows.all('SELECT execution, seq, over FROM cursors', []);
    return new Map(
      rows.map((row) => [text(row['execution']), { seq: Number(row['seq']), isOver: row['over'] === 1 }]),
    );
  }

  begin(id: string, at: number, nextAt: number): boolean {
    const { changes } = this.#rows.run(
      `UPDATE messages SET attempts = attempts + 1, next_at = ?, trouble = '',
         first_attempt_at = CASE first_attempt_at WHEN 0 THEN ? ELSE first_attempt_at END
       WHERE id = ? AND state = 'waiting'`,
      [nextAt, at, id],
    );
    return changes === 1;
  }

  failed(id: string, trouble: string, nextAt: number): void {
    this.#rows.run(`UPDATE messages SET trouble = ?, next_at = ? WHERE id = ? AND state = 'waiting'`, [
      trouble,
      nextAt,
      id,
    ]);
  }

  settle(id: string, state: 'delivered' | 'givenUp', receipt: string, at: number): void {
    this.#rows.run(
      `UPDATE messages SET state = ?, receipt = ?, settled_at = ? WHERE id = ? AND state = 'waiting'`,
      [state, receipt, at, id],
    );
  }

  fold(summary: NewOutboxMessage, ids: readonly string[], at: number): void {
    this.#rows.transaction(() => {
      for (const id of ids)
        this.#rows.run(
          `UPDATE messages SET state = 'folded', receipt = ?, settled_at = ? WHERE id = ? AND state = 'waiting' AND attempts = 0`,
          [summary.id, at, id],
        );
      this.#insert(summary);
    });
  }

  waiting(): OutboxMessage[] {
    return this.#messages(`state = 'waiting' ORDER BY number`, []);
  }

  message(id: string): OutboxMessage | undefined {
    return this.#messages('id = ?', [id])[0];
  }

  latest(countMax: number): OutboxMessage[] {
    return this.#messages('true ORDER BY number DESC LIMIT ?', [countMax]);
  }

  givenUpSince(at: number): OutboxMessage[] {
    return this.#messages(`state = 'givenUp' AND settled_at >= ? ORDER BY number`, [at]);
  }

  about(about: string): OutboxMessage[] {
    return this.#messages(`about = ? AND state <> 'withdrawn' ORDER BY number`, [about]);
  }

  sentSince({ config, channel }: Destination, at: number): { at: number; isSummary: boolean }[] {
    return this.#rows
      .all(
        'SELECT first_attempt_at AS at, event FROM messages WHERE config = ? AND channel = ? AND first_attempt_at >= ?',
        [config, channel, at],
      )
      .map((row) => ({ at: instantOr(row['at'], 0), isSummary: row['event'] === summaryEvent }));
  }

  forget(before: number): void {
    this.#rows.run(`DELETE FROM messages WHERE state <> 'waiting' AND settled_at < ?`, [before]);
  }

  close(): void {
    this.#rows.close();
  }

  #messages(where: string, values: readonly (string | number)[]): OutboxMessage[] {
    const rows = this.#rows.all(`SELECT * FROM messages WHERE ${where}`, values);
    return this.#rows.read(() => rows.map(messageOf));
  }
}

const states: readonly OutboxState[] = ['waiting', 'delivered', 'givenUp', 'folded', 'withdrawn'];

/** Members that are no texts are left out. */
function textsIn(value: unknown): Readonly<Record<string, string>> {
  const members = Object.entries(objectIn(value) ?? {});
  return Object.fromEntries(
    members.flatMap(([key, member]) => (typeof member === 'string' ? [[key, member]] : [])),
  );
}

function messageOf(row: Readonly<Record<string, unknown>>): OutboxMessage {
  return {
    id: text(row['id']),
    config: text(row['config']),
    channel: text(row['channel']),
    key: text(row['key']),
    event: text(row['event']),
    about: text(row['about']),
    at: instantOr(row['at'], 0),
    subject: text(row['subject']),
    text: text(row['text']),
    fields: textsIn(row['fields']),
    expiresAt: instantOr(row['expires_at'], 0),
    state: states.find((each) => each === row['state']) ?? 'givenUp',
    attempts: Number(row['attempts']),
    firstAttemptAt: instantOr(row['first_attempt_at'], 0),
    nextAt: instantOr(row['next_at'], 0),
    trouble: text(row['trouble']),
    settledAt: instantOr(row['settled_at'], 0),
    receipt: text(row['receipt']),
  };
}
