/** src/runtime/compliance/report-to-ssm.ts and retire-gone.ts: what SSM shows of a node is what somebody looks after, or it is taken away. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Look, RuleSet } from '../../../src/compliance/index.ts';
import { openComplianceStore, type ComplianceStore } from '../../../src/journal/index.ts';
import type { Json, JsonObject } from '../../../src/json.ts';
import { reportToSsm } from '../../../src/runtime/compliance/report-to-ssm.ts';
import { retireGone } from '../../../src/runtime/compliance/retire-gone.ts';
import { AwsFailure, type Aws } from '../../../src/transports/aws.ts';
import { broken, kept, look, unknown } from '../../compliance/looks.ts';

let folder: string;
let store: ComplianceStore;
/** What SSM shows: `NODE TYPE` → items. */
let shown: Map<string, readonly JsonObject[]>;
/** The code with which SSM refuses everything; empty: it takes it. */
let refusal = '';
let puts = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'belay-ssm-'));
  store = openComplianceStore(folder);
  shown = new Map();
  refusal = '';
  puts = 0;
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

function take({ ResourceId, ComplianceType, Items }: JsonObject): void {
  puts += 1;
  if (refusal !== '')
    throw new AwsFailure({ code: refusal, message: 'no', retryable: false, effect: 'none' });
  const key = `${text(ResourceId)} ${text(ComplianceType)}`;
  const items = Items as readonly JsonObject[];
  if (items.length === 0) shown.delete(key);
  else shown.set(key, items);
}

const put = (_about: string, params: JsonObject): Promise<string | undefined> => {
  try {
    take(params);
    return Promise.resolve(undefined);
  } catch (error) {
    if (error instanceof AwsFailure) return Promise.resolve(error.code);
    throw error;
  }
};

function set(name: string, ssmType?: string): RuleSet {
  const rules = ['r', 's'].map((rule) => ({
    name: rule,
    severity: 'HIGH' as const,
    check: 'check:kernel',
    inputs: {},
    targets: ['h'],
    secrets: {},
  }));
  return { name, rules, report: ssmType === undefined ? {} : { ssmType }, channels: [] };
}

/** Host `h1` is node `i-h1`, and so on; `also-h1` is another name of it. */
const report = (ruleSet: RuleSet, looks: readonly Look[]): Promise<void> =>
  reportToSsm(
    { ruleSet, looks, checkId: 1, endedAt: Date.parse('2026-12-01T00:00:00Z') },
    {
      nodeOf: (host) => (/h\d$/.test(host) ? `i-${host.slice(-2)}` : undefined),
      places: store.places,
      put,
    },
  );
/** `NODE TYPE: ID STATUS …`. */
const says = (): string[] =>
  [...shown]
    .map(
      ([key, items]) => `${key}: ${items.map((item) => `${text(item['Id'])} ${verdict(item)}`).join(', ')}`,
    )
    .toSorted((a, b) => (a < b ? -1 : 1));
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const verdict = ({ Details, Status }: JsonObject): string =>
  `${text(Status)}${text((Details as JsonObject)['Verdict']) === 'UNDETERMINED' ? ' (nobody knows)' : ''}`;

const base = set('base', 'Custom:Base');
const both = [look('r', 'h1', [kept('a')]), look('r', 'h2', [broken('a')])];

test('a host that leaves the file takes its items along, and so does a rule', async () => {
  await report(base, [...both, look('s', 'h1', [kept('b')])]);
  expect(says()).toEqual(['i-h1 Custom:Base: r COMPLIANT, s COMPLIANT', 'i-h2 Custom:Base: r NON_COMPLIANT']);
  await report(base, [look('s', 'h1', [kept('b')])]);
  expect(says()).toEqual(['i-h1 Custom:Base: s COMPLIANT']);
  await report(base, []);
  expect(says()).toEqual([]);
  const before = puts;
  await report(base, []);
  expect(puts).toBe(before);
});

test('a type that the file does not name any more is taken away, under the new name it stays', async () => {
  await report(base, both);
  await report(set('base', 'Custom:New'), both);
  expect(says()).toEqual(['i-h1 Custom:New: r COMPLIANT', 'i-h2 Custom:New: r NON_COMPLIANT']);
  await report(set('base'), both);
  expect(says()).toEqual([]);
});

test('while nobody can find out whom a rule means, its items say that nobody knows', async () => {
  await report(base, both);
  const throttled = look('r', 'account', [unknown('')], false);
  await report(base, [look('s', 'h1', [kept('b')]), throttled]);
  expect(says()).toEqual([
    'i-h1 Custom:Base: s COMPLIANT, r NON_COMPLIANT (nobody knows)',
    'i-h2 Custom:Base: r NON_COMPLIANT (nobody knows)',
  ]);
  await report(base, both);
  expect(says()).toEqual(['i-h1 Custom:Base: r COMPLIANT', 'i-h2 Custom:Base: r NON_COMPLIANT']);
});

test('what SSM refuses is tried again by the next check; a node that is gone is forgotten', async () => {
  await report(base, both);
  refusal = 'ThrottlingException';
  await report(base, []);
  expect(says()).toHaveLength(2);
  refusal = 'InvalidResourceId';
  await report(base, []);
  refusal = '';
  puts = 0;
  await report(base, []);
  expect(puts).toBe(0);
});

test('what was never taken is looked after as if it had been', async () => {
  refusal = 'ThrottlingException';
  await report(base, both);
  refusal = '';
  await report(base, []);
  expect(puts).toBe(4);
});

test('what another file puts under the same type stays', async () => {
  await report(base, both);
  await report(set('renamed', 'Custom:Base'), both);
  await report(set('base'), both);
  expect(says()).toHaveLength(2);
});

test('two names of one node are one upload, each with its own items', async () => {
  await report(base, [...both, look('r', 'also-h1', [broken('a')])]);
  expect(says()).toEqual([
    'i-h1 Custom:Base: r@h1 COMPLIANT, r@also-h1 NON_COMPLIANT',
    'i-h2 Custom:Base: r NON_COMPLIANT',
  ]);
});

test('a set that its folder has no more has its findings retired, once, and its items taken away', async () => {
  const file = join(folder, 'compliance', 'base.yaml');
  store.places.setFile('base', file);
  await report(base, both);
  const finding = {
    set: 'base',
    rule: 'r',
    target: 'h2',
    subject: 'a',
    severity: 'HIGH' as const,
    status: 'open' as const,
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
  };
  const id = store.begin('base', 1, true, () => ({}));
  store.finish(id, { at: 1, verdict: 'NON_COMPLIANT', counts: {}, findings: [finding], events: [] });
  const aws = {
    call: ({ params }: { params: JsonObject }) => {
      take(params);
      return Promise.resolve({});
    },
  } as unknown as Aws;
  const other = { name: 'other', file: join(folder, 'compliance', 'other.yaml') };
  const retire = (...sets: readonly { readonly name: string; readonly file: string }[]) =>
    retireGone(
      { folder: join(folder, 'compliance'), sets },
      {
        stateDir: folder,
        store,
        now: () => 5,
        aws,
        signal: new AbortController().signal,
      },
    );

  // It has only moved.
  await retire({ name: 'base', file: join(folder, 'elsewhere.yaml') }, other);
  expect(store.findings({ isOpen: true })).toHaveLength(1);
  expect(says()).toHaveLength(2);
  refusal = 'ThrottlingException';
  expect(await retire(other)).toMatchObject({
    files: [{ set: 'base', file, retired: 1 }],
    troubles: [expect.any(String), expect.any(String)],
  });
  refusal = '';
  expect(await retire(other)).toMatchObject({ files: [{ retired: 0 }], troubles: [] });
  expect(says()).toEqual([]);
  expect(store.findings({})).toMatchObject([{ status: 'retired', closedAt: 5 }]);
  expect(store.waitingEvents(10).map(({ event }) => event)).toMatchObject([
    { kind: 'rule', rule: 'r', fixed: [{ end: 'retired' }] },
  ]);
  const checks = store.checks('base', 10).length;
  await retire(other);
  expect(store.checks('base', 10)).toHaveLength(checks);
});

test('a file of another folder is left alone, and one with another Name is another set', async () => {
  store.places.setFile('base', join(folder, 'nowhere', 'base.yaml'));
  const ports = {
    stateDir: folder,
    store,
    now: () => 5,
    aws: {} as Aws,
    signal: new AbortController().signal,
  };
  await retireGone({ folder, sets: [{ name: 'other', file: join(folder, 'other.yaml') }] }, ports);
  expect([...store.places.files().keys()]).toEqual(['base']);
  const sets = [{ name: 'renamed', file: join(folder, 'nowhere', 'base.yaml') }];
  const { files } = await retireGone({ folder: undefined, sets }, ports);
  expect(files).toMatchObject([{ set: 'base', retired: 0 }]);
  expect([...store.places.files().keys()]).toEqual([]);
});
