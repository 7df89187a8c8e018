/**
 * Where a compliance file stands, and on which managed nodes its results were put: so that what leaves it, or it itself when it goes, leaves
 * no word behind that nobody looks after any more. A part of `compliance.db`.
 */
import { objectIn } from './shape.ts';
import { text, type Statements } from './statements.ts';

/** Items of one type on one node that a set put there. */
export interface ReportedNode {
  readonly set: string;
  /** `Custom:NAME`. */
  readonly type: string;
  readonly node: string;
  /** The rules of which it may have items. */
  readonly rules: readonly string[];
}

export interface CompliancePlaces {
  /** The file of each set that was checked, by its absolute path. */
  files(): ReadonlyMap<string, string>;
  setFile(set: string, file: string): void;
  forgetFile(set: string): void;
  /** Before items are put, and again after: what may be there is never less than what is remembered. */
  report(node: ReportedNode): void;
  forgetReport(node: Pick<ReportedNode, 'set' | 'type' | 'node'>): void;
  reported(set: string): ReportedNode[];
  /** Whether another set puts items of that type there. */
  isReportedByOthers(node: Pick<ReportedNode, 'set' | 'type' | 'node'>): boolean;
}

export const placesTables = `
  CREATE TABLE rule_files (rule_set TEXT PRIMARY KEY, file TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE reported_nodes (
    rule_set TEXT NOT NULL,
    type TEXT NOT NULL,
    node TEXT NOT NULL,
    rules TEXT NOT NULL,
    PRIMARY KEY (rule_set, type, node)
  ) STRICT, WITHOUT ROWID;`;

export function compliancePlaces(rows: Statements): CompliancePlaces {
  return {
    files: () =>
      new Map(
        rows
          .all('SELECT * FROM rule_files ORDER BY rule_set', [])
          .map((row) => [text(row['rule_set']), text(row['file'])]),
      ),
    setFile: (set, file) =>
      void rows.run('INSERT OR REPLACE INTO rule_files (rule_set, file) VALUES (?, ?)', [set, file]),
    forgetFile: (set) => void rows.run('DELETE FROM rule_files WHERE rule_set = ?', [set]),
    report: ({ set, type, node, rules }) =>
      void rows.run(
        'INSERT OR REPLACE INTO reported_nodes (rule_set, type, node, rules) VALUES (?, ?, ?, ?)',
        [set, type, node, JSON.stringify(rules)],
      ),
    forgetReport: ({ set, type, node }) =>
      void rows.run('DELETE FROM reported_nodes WHERE rule_set = ? AND type = ? AND node = ?', [
        set,
        type,
        node,
      ]),
    reported: (set) => {
      const found = rows.all('SELECT * FROM reported_nodes WHERE rule_set = ? ORDER BY type, node', [set]);
      return rows.read(() =>
        found.map((row) => ({
          set,
          type: text(row['type']),
          node: text(row['node']),
          rules: textsIn(row['rules']),
        })),
      );
    },
    isReportedByOthers: ({ set, type, node }) =>
      rows.get('SELECT 1 FROM reported_nodes WHERE rule_set <> ? AND type = ? AND node = ?', [
        set,
        type,
        node,
      ]) !== undefined,
  };
}

/** What is not a list of texts names no rule. */
function textsIn(value: unknown): string[] {
  const { list } = objectIn(`{"list":${String(value)}}`) ?? {};
  return Array.isArray(list) ? list.filter((each) => typeof each === 'string') : [];
}
