/** src/runtime/compliance/: what is reported and told, and that a check that is killed or runs twice takes nothing along. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  compare,
  isOpen,
  newsAsJson,
  newsOf,
  stoppedNews,
  type Finding,
  type Look,
  type RuleSet,
} from '../../../src/compliance/index.ts';
import { openComplianceStore, type ComplianceStore } from '../../../src/journal/index.ts';
import type { JsonObject } from '../../../src/json.ts';
import { complianceItems, itemsMax } from '../../../src/runtime/compliance/report-to-ssm.ts';
import { metricsOf } from '../../../src/runtime/compliance/report-to.ts';
import { broken, kept, look, unknown } from '../../compliance/looks.ts';

const ruleSet: RuleSet = {
  name: 'base',
  rules: [{ name: 'r', severity: 'HIGH', check: 'check:kernel', inputs: {}, targets: ['h'], secrets: {} }],
  report: {},
  channels: [],
};
const outcome = { ruleSet, checkId: 7, endedAt: Date.parse('2026-12-01T02:03:04.567Z') };

describe('SSM compliance items', () => {
  const items = (looks: readonly Look[]): readonly JsonObject[] =>
    complianceItems('i-1', 'Custom:Belay', looks, outcome)['Items'] as readonly JsonObject[];

  test('an unknown is never COMPLIANT, and says that it is unknown', () => {
    expect(
      items([
        look('r', 'h', [unknown('a')]),
        look('r', 'h', [kept('a')]),
        look('r', 'h', [broken('a')]),
        look('r', 'h', []),
      ]),
    ).toMatchObject([
      { Status: 'NON_COMPLIANT', Severity: 'HIGH', Details: { Verdict: 'UNDETERMINED' } },
      { Status: 'COMPLIANT' },
      { Status: 'NON_COMPLIANT', Title: 'r: a is bad, wanted is well' },
      { Status: 'NON_COMPLIANT', Details: { Verdict: 'UNDETERMINED' } },
    ]);
  });

  test('the whole is replaced, by a time without parts of a second, and never more items than SSM takes', () => {
    expect(complianceItems('i-1', 'Custom:Belay', [], outcome)).toMatchObject({
      ResourceType: 'ManagedInstance',
      UploadType: 'COMPLETE',
      ExecutionSummary: { ExecutionTime: '2026-12-01T02:03:04Z' },
    });
    const many = items(Array.from({ length: itemsMax + 5 }, () => look('r', 'h', [kept('a'.repeat(5_000))])));
    expect(many).toHaveLength(itemsMax);
    expect(many.at(-1)).toMatchObject({
      Status: 'NON_COMPLIANT',
      Title: '6 more rules, which SSM has no room for',
    });
  });
});

describe('metrics', () => {
  const row = (verdict: string, hour: number, isWhole = true) => ({
    id: hour,
    set: 'base',
    startedAt: 0,
    endedAt: Date.parse('2026-12-01T00:00:00Z') + hour * 3_600_000,
    isWhole,
    verdict,
    counts: {},
  });
  const metrics = (...checks: ReturnType<typeof row>[]): Readonly<Record<string, unknown>> =>
    Object.fromEntries(
      metricsOf(
        {
          ...outcome,
          endedAt: Date.parse('2026-12-01T05:00:00Z'),
          startedAt: 0,
          verdict: 'UNDETERMINED',
          isWhole: true,
          looks: [],
          changes: [],
          open: [],
          acknowledgements: [],
          reportTroubles: [],
        },
        checks,
      ).map(({ MetricName, Value, Dimensions }) => [
        `${MetricName as string}${(Dimensions as JsonObject[]).length > 1 ? 'BySeverity' : ''}`,
        Value,
      ]),
    );

  test('the age is that of the last check that knew everything, and there is none without one', () => {
    expect(
      metrics(row('UNDETERMINED', 5), row('STOPPED', 4), row('NON_COMPLIANT', 3, false), row('COMPLIANT', 2)),
    ).toMatchObject({ LastKnownAgeSeconds: 10_800, OpenFindings: 0 });
    expect(metrics(row('UNDETERMINED', 5))).not.toHaveProperty('LastKnownAgeSeconds');
  });
});

describe('what is told', () => {
  const finding = (more: Partial<Finding>): Finding => ({
    set: 'base',
    rule: 'r',
    target: 'h',
    subject: 'a',
    severity: 'HIGH',
    status: 'open',
    wanted: 'well',
    found: 'bad',
    code: '',
    reason: '',
    firstSeenAt: 1,
    lastSeenAt: 1,
    closedAt: null,
    missedTimes: 0,
    isOfTarget: false,
    isTold: true,
    ...more,
  });

  test('one news for each rule with its remedy, and hosts that are down once for all of their rules', () => {
    const rules = [
      {
        name: 'r',
        remedy: {
          runbook: 'mend it.yaml',
          parameters: { Host: '{{ TARGET }}', Bad: "$(id) '{{ FOUND }}'" },
          mode: 'propose' as const,
          targetsMax: 1,
          approvers: [],
          approvalsNeeded: 1,
        },
      },
    ];
    const down = ['r', 's', 't'].map((rule) =>
      finding({
        rule,
        target: 'h2',
        subject: '',
        status: 'unknown',
        code: 'UNREACHABLE',
        reason: 'no route',
        wanted: '',
        found: '',
        isOfTarget: true,
      }),
    );
    const changes = [
      { kind: 'new' as const, finding: finding({}) },
      { kind: 'fixed' as const, finding: finding({ subject: 'b', status: 'fixed' }) },
      ...down.map((each) => ({ kind: 'unknown' as const, finding: each })),
      { kind: 'still' as const, finding: finding({ subject: 'quiet' }), isLoud: false },
    ].map((each) => ({
      isLoud: true,
      isOfTarget: each.finding.isOfTarget,
      acknowledgement: null,
      isAcknowledgedNoMore: false,
      ...each,
    }));
    expect(newsOf(changes, rules, [finding({}), ...down])).toMatchObject([
      {
        rule: 'r',
        openCount: 1,
        found: [
          {
            target: 'h',
            says: 'a is bad, wanted is well',
            command: `belay run 'mend it.yaml' -p Host=h -p 'Bad=$(id) '\\''bad'\\'''`,
          },
        ],
        fixed: [{ says: 'b is as it must be again (was bad)' }],
      },
      {
        rule: 'reachability',
        openCount: 1,
        unknown: [{ target: 'h2', says: 'cannot be looked at for 3 rules: no route (UNREACHABLE)' }],
      },
    ]);
  });
});

test('a host that is down is told once, whatever is open on it, and once when it answers again', () => {
  const rules = ['r', 's'].map((name) => ({ name, severity: 'HIGH' as const }));
  const memory = new Map<string, Finding>();
  const check = (looks: readonly Look[]) => {
    const { findings, changes } = compare({
      set: 'base',
      rules,
      looks,
      memory: [...memory.values()].filter(isOpen),
      acknowledgements: [],
      isWholeSet: true,
      now: 1,
    });
    for (const each of findings) memory.set(`${each.rule} ${each.subject}`, each);
    const told = newsOf(changes, rules, [...memory.values()].filter(isOpen));
    return told.map((news) =>
      news.kind === 'rule'
        ? `${news.rule} ${news.found.length} ${news.unknown.length} ${news.fixed.length} ${news.openCount}`
        : news.kind,
    );
  };
  const both = [look('r', 'h', [broken('a'), broken('b')]), look('s', 'h', [kept('a')])];
  expect(check(both)).toEqual(['r 2 0 0 2']);
  const down = [look('r', 'h', [unknown('')]), look('s', 'h', [unknown('')])];
  expect(check(down)).toEqual(['reachability 0 1 0 1']);
  expect(check(down)).toEqual([]);
  expect(check(both)).toEqual(['reachability 0 0 1 0']);
  check(down);
  expect(check([look('r', 'h', [kept('a'), broken('b')]), look('s', 'h', [kept('a')])])).toEqual([
    'r 0 0 1 1',
    'reachability 0 0 1 0',
  ]);
});

describe('the memory', () => {
  let folder: string;
  let store: ComplianceStore;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'belay-compliance-'));
    store = openComplianceStore(folder);
  });
  afterEach(() => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const result = { at: 5, verdict: 'COMPLIANT', counts: {}, findings: [], events: [] };

  test('of the format before is read on', () => {
    store.close();
    const database = new DatabaseSync(join(folder, 'compliance.db'));
    database.exec(`DROP TABLE rule_files; DROP TABLE reported_nodes; ALTER TABLE findings DROP COLUMN of_target;
      INSERT INTO findings VALUES ('base', 'r', 'h', '', 'unknown', 'LOW', '', '', 'UNREACHABLE', 'no route', 1, 1, NULL, 0, 1);
      INSERT INTO findings VALUES ('base', 'r', 'h', 'a', 'open', 'LOW', 'x', 'y', '', '', 1, 1, NULL, 0, 1);
      PRAGMA user_version = 1;`);
    database.close();
    store = openComplianceStore(folder);
    expect(store.findings({}).map(({ subject, isOfTarget }) => [subject, isOfTarget])).toEqual([
      ['', true],
      ['a', false],
    ]);
  });

  test('a check that has ended takes no second end, and one that never ended is told by the next', () => {
    const stopped = (): JsonObject => newsAsJson(stoppedNews('then'));
    const first = store.begin('base', 1, true, stopped);
    const second = store.begin('base', 2, true, stopped);
    expect(store.waitingEvents(10)).toMatchObject([
      { checkId: first, set: 'base', event: { kind: 'stopped' } },
    ]);
    expect(store.checks('base', 10)).toMatchObject([
      { id: second, endedAt: null },
      { id: first, verdict: 'STOPPED' },
    ]);
    expect(() => store.finish(first, result)).toThrow(/has ended already/);
    store.finish(second, result);
    expect(() => store.finish(second, { ...result, events: [{ kind: 'stopped' }] })).toThrow(
      /has ended already/,
    );
    expect(store.waitingEvents(10)).toHaveLength(1);
    store.takeEvents([store.waitingEvents(10)[0]?.id ?? 0], 9);
    expect(store.waitingEvents(10)).toEqual([]);
    store.begin('other', 3, true, stopped);
    expect(store.waitingEvents(10)).toEqual([]);
  });
});
