/**
 * What checks have found, beside the executions' journal: `compliance.db` in the state folder, WAL with synchronous=FULL. A check
 * writes twice: that it began, and everything that it came to in one write. Killed in between, it has changed nothing but that
 * the next one says so. It stores and returns; what a finding means is the compliance room's business.
 */
import type { Acknowledgement, Finding, FindingStatus } from '../compliance/index.ts';
import type { JsonObject } from '../json.ts';
import { instantOr, objectIn } from './shape.ts';
import { text, type Statements } from './statements.ts';
import { compliancePlaces, placesTables, type CompliancePlaces } from './compliance-places.ts';
import { openStoreFile } from './store-file.ts';

export interface CheckRow {
  readonly id: number;
  readonly set: string;
  readonly startedAt: number;
  /** Null: it goes on, or its process is gone. */
  readonly endedAt: number | null;
  /** Whether all rules looked at all of their targets. */
  readonly isWhole: boolean;
  /** Empty while it goes on; COMPLIANT, NON_COMPLIANT, UNDETERMINED, STOPPED when its process was gone, RETIRED when its file was. */
  readonly verdict: string;
  /** What it counted: open findings by severity, unknown ones, looks. */
  readonly counts: JsonObject;
}

/** Something to tell, written down together with what it tells of. */
export interface ComplianceEvent {
  readonly id: number;
  readonly checkId: number;
  readonly set: string;
  readonly at: number;
  readonly event: JsonObject;
}

export interface CheckResult {
  readonly at: number;
  readonly verdict: string;
  readonly counts: JsonObject;
  readonly findings: readonly Finding[];
  readonly events: readonly JsonObject[];
}

export interface FindingFilter {
  readonly set?: string;
  /** Neither fixed nor retired. */
  readonly isOpen?: boolean;
  readonly rule?: string;
  readonly target?: string;
  /** Seen, or closed, at or after. */
  readonly since?: number;
}

export interface ComplianceStore {
  readonly places: CompliancePlaces;
  /**
   * Writes down that a check begins. Whoever holds the set's lock calls it, so checks of the set that have not ended are dead: they
   * are marked so, and `stopped` makes the event that tells of each.
   */
  begin(set: string, at: number, isWhole: boolean, stopped: (row: CheckRow) => JsonObject): number;
  /** All that a check came to, or nothing of it. Throws where the check has ended already. */
  finish(id: number, result: CheckResult): void;
  findings(filter: FindingFilter): Finding[];
  acknowledge(entry: Omit<Acknowledgement, 'id'>): Acknowledgement;
  /** Ends one; false: there is none that still holds. */
  unacknowledge(id: number, at: number): boolean;
  acknowledgements(): Acknowledgement[];
  /** Latest first. */
  checks(set: string | undefined, countMax: number): CheckRow[];
  /** Events that nobody has taken, oldest first. */
  waitingEvents(countMax: number): ComplianceEvent[];
  /** They were handed on. */
  takeEvents(ids: readonly number[], at: number): void;
  close(): void;
}

const formatVersion = 3;
const upgrades = {
  1: `ALTER TABLE findings ADD COLUMN of_target INTEGER NOT NULL DEFAULT 0;
      UPDATE findings SET of_target = 1 WHERE subject = '' AND code <> '';`,
  2: placesTables,
};
const tables = `
  CREATE TABLE checks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rule_set TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    whole INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    counts TEXT NOT NULL
  ) STRICT;
  CREATE INDEX checks_by_set ON checks (rule_set, id);
  CREATE TABLE findings (
    rule_set TEXT NOT NULL,
    rule TEXT NOT NULL,
    target TEXT NOT NULL,
    subject TEXT NOT NULL,
    status TEXT NOT NULL,
    severity TEXT NOT NULL,
    wanted TEXT NOT NULL,
    found TEXT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    closed_at INTEGER,
    missed_times INTEGER NOT NULL,
    told INTEGER NOT NULL,
    of_target INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (rule_set, rule, target, subject)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX findings_open ON findings (rule_set, rule) WHERE closed_at IS NULL;
  CREATE TABLE acknowledgements (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rule TEXT NOT NULL,
    target TEXT NOT NULL,
    subject TEXT NOT NULL,
    said_by TEXT NOT NULL,
    why TEXT NOT NULL,
    at INTEGER NOT NULL,
    until INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    check_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    taken_at INTEGER
  ) STRICT;
  CREATE INDEX events_waiting ON events (id) WHERE taken_at IS NULL;${placesTables}`;

/** Opens or makes it. Throws JournalFailure. */
export function openComplianceStore(stateDir: string): ComplianceStore {
  return new SqliteComplianceStore(
    openStoreFile(stateDir, { name: 'compliance.db', formatVersion, tables, upgrades }),
  );
}

class SqliteComplianceStore implements ComplianceStore {
  readonly #rows: Statements;
  readonly places: CompliancePlaces;

  constructor(rows: Statements) {
    this.#rows = rows;
    this.places = compliancePlaces(rows);
  }

  begin(set: string, at: number, isWhole: boolean, stopped: (row: CheckRow) => JsonObject): number {
    let id = 0;
    this.#rows.transaction(() => {
      const dead = this.#rows.all('SELECT * FROM checks WHERE rule_set = ? AND ended_at IS NULL', [set]);
      for (const row of dead.map(checkRow)) {
        this.#rows.run(`UPDATE checks SET ended_at = ?, verdict = 'STOPPED' WHERE id = ?`, [at, row.id]);
        this.#addEvent(row.id, at, stopped(row));
      }
      const { lastInsertRowid } = this.#rows.run(
        `INSERT INTO checks (rule_set, started_at, whole, verdict, counts) VALUES (?, ?, ?, '', '{}')`,
        [set, at, isWhole ? 1 : 0],
      );
      id = Number(lastInsertRowid);
    });
    return id;
  }

  finish(id: number, { at, verdict, counts, findings, events }: CheckResult): void {
    this.#rows.transaction(() => {
      const { changes } = this.#rows.run(
        'UPDATE checks SET ended_at = ?, verdict = ?, counts = ? WHERE id = ? AND ended_at IS NULL',
        [at, verdict, JSON.stringify(counts), id],
      );
      if (changes !== 1) throw new Error(`check ${id} has ended already`);
      for (const finding of findings) this.#saveFinding(finding);
      for (const event of events) this.#addEvent(id, at, event);
    });
  }

  #saveFinding(finding: Finding): void {
    this.#rows.run(
      `INSERT OR REPLACE INTO findings (rule_set, rule, target, subject, status, severity, wanted, found, code, reason,
         first_seen_at, last_seen_at, closed_at, missed_times, told, of_target) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [
        finding.set,
        finding.rule,
        finding.target,
        finding.subject,
        finding.status,
        finding.severity,
        finding.wanted,
        finding.found,
        finding.code,
        finding.reason,
        finding.firstSeenAt,
        finding.lastSeenAt,
        finding.closedAt,
        finding.missedTimes,
        finding.isTold ? 1 : 0,
        finding.isOfTarget ? 1 : 0,
      ],
    );
  }

  #addEvent(checkId: number, at: number, event: JsonObject): void {
    this.#rows.run('INSERT INTO events (check_id, at, event) VALUES (?, ?, ?)', [
      checkId,
      at,
      JSON.stringify(event),
    ]);
  }

  findings({ set, isOpen, rule, target, since }: FindingFilter): Finding[] {
    const rows = this.#rows.all(
      `SELECT * FROM findings WHERE (?1 IS NULL OR rule_set = ?1) AND (?2 IS NULL OR rule = ?2)
         AND (?3 IS NULL OR target = ?3) AND (?4 = 0 OR closed_at IS NULL)
         AND (?5 IS NULL OR last_seen_at >= ?5 OR closed_at >= ?5)
       ORDER BY rule_set, rule, target, subject`,
      [set ?? null, rule ?? null, target ?? null, isOpen === true ? 1 : 0, since ?? null],
    );
    return this.#rows.read(() => rows.map(findingRow));
  }

  acknowledge({ rule, target, subject, by, why, at, until }: Omit<Acknowledgement, 'id'>): Acknowledgement {
    const { lastInsertRowid } = this.#rows.run(
      'INSERT INTO acknowledgements (rule, target, subject, said_by, why, at, until) VALUES (?, ?, ?, ?, ?, ?, ?)',
      [rule, target, subject, by, why, at, until],
    );
    return { id: Number(lastInsertRowid), rule, target, subject, by, why, at, until };
  }

  unacknowledge(id: number, at: number): boolean {
    const { changes } = this.#rows.run(
      'UPDATE acknowledgements SET until = ?1 WHERE id = ?2 AND until > ?1',
      [at, id],
    );
    return changes === 1;
  }

  acknowledgements(): Acknowledgement[] {
    const rows = this.#rows.all('SELECT * FROM acknowledgements ORDER BY id', []);
    return this.#rows.read(() =>
      rows.map((row) => ({
        id: Number(row['id']),
        rule: text(row['rule']),
        target: text(row['target']),
        subject: text(row['subject']),
        by: text(row['said_by']),
        why: text(row['why']),
        at: instantOr(row['at'], 0),
        until: instantOr(row['until'], 0),
      })),
    );
  }

  checks(set: string | undefined, countMax: number): CheckRow[] {
    const rows = this.#rows.all(
      'SELECT * FROM checks WHERE (?1 IS NULL OR rule_set = ?1) ORDER BY id DESC LIMIT ?2',
      [set ?? null, countMax],
    );
    return this.#rows.read(() => rows.map(checkRow));
  }

  waitingEvents(countMax: number): ComplianceEvent[] {
    const rows = this.#rows.all(
      `SELECT events.*, checks.rule_set FROM events JOIN checks ON checks.id = check_id
         WHERE taken_at IS NULL ORDER BY events.id LIMIT ?`,
      [countMax],
    );
    return this.#rows.read(() =>
      rows.map((row) => ({
        id: Number(row['id']),
        checkId: Number(row['check_id']),
        set: text(row['rule_set']),
        at: instantOr(row['at'], 0),
        event: objectIn(row['event']) ?? {},
      })),
    );
  }

  takeEvents(ids: readonly number[], at: number): void {
    this.#rows.transaction(() => {
      for (const id of ids) this.#rows.run('UPDATE events SET taken_at = ? WHERE id = ?', [at, id]);
    });
  }

  close(): void {
    this.#rows.close();
  }
}

type Row = Readonly<Record<string, unknown>>;

function checkRow(row: Row): CheckRow {
  return {
    id: Number(row['id']),
    set: text(row['rule_set']),
    startedAt: instantOr(row['started_at'], 0),
    endedAt: row['ended_at'] === null ? null : instantOr(row['ended_at'], 0),
    isWhole: row['whole'] === 1,
    verdict: text(row['verdict']),
    counts: objectIn(row['counts']) ?? {},
  };
}

const statuses: Readonly<Record<FindingStatus, true>> = {
  open: true,
  unknown: true,
  fixed: true,
  retired: true,
};

const severities: Readonly<Record<Finding['severity'], true>> = {
  CRITICAL: true,
  HIGH: true,
  MEDIUM: true,
  LOW: true,
  INFORMATIONAL: true,
};

function knownIn<T extends string>(words: Readonly<Record<T, true>>, said: unknown): T | undefined {
  return (Object.keys(words) as T[]).find((word) => word === said);
}

/** Words that this Belay does not know were written by another one, or by a hand: of such a finding nobody knows whether it holds. */
function findingRow(row: Row): Finding {
  const status = knownIn(statuses, row['status']);
  const severity = knownIn(severities, row['severity']);
  const found = soundFinding(row, status ?? 'unknown', severity ?? 'CRITICAL');
  return status === undefined || severity === undefined
    ? { ...found, status: 'unknown', code: 'DAMAGED', reason: 'what compliance.db has of it is damaged' }
    : found;
}

function soundFinding(row: Row, status: FindingStatus, severity: Finding['severity']): Finding {
  return {
    set: text(row['rule_set']),
    rule: text(row['rule']),
    target: text(row['target']),
    subject: text(row['subject']),
    status,
    severity,
    wanted: text(row['wanted']),
    found: text(row['found']),
    code: text(row['code']),
    reason: text(row['reason']),
    firstSeenAt: instantOr(row['first_seen_at'], 0),
    lastSeenAt: instantOr(row['last_seen_at'], 0),
    closedAt: row['closed_at'] === null ? null : instantOr(row['closed_at'], 0),
    missedTimes: Number(row['missed_times']),
    isTold: row['told'] === 1,
    isOfTarget: row['of_target'] === 1,
  };
}
