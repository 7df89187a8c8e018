/** One check of one compliance file, from the question to what is remembered. */
import { existsSync } from 'node:fs';
import { ActionFailure } from '../../actions/index.ts';
import {
  accountTarget,
  compare,
  isOpen,
  newsAsJson,
  newsOf,
  severities,
  stoppedNews,
  verdictOfCheck,
  withDoubts,
  type Finding,
  type Look,
  type Rule,
  type RuleSet,
} from '../../compliance/index.ts';
import type { CheckRow, ComplianceStore } from '../../journal/index.ts';
import type { JsonObject } from '../../json.ts';
import type { Transports } from '../transports.ts';
import { acquireCheckLock } from '../lock.ts';
import { Refusal } from '../refusal.ts';
import { readSecret, type SecretSources } from '../secrets/references.ts';
import { lookAll } from './look.ts';
import type { CheckOutcome } from './outcome.ts';
import { reportTo } from './report-to.ts';
import { scopeOf } from './scope.ts';

export interface CheckOptions {
  readonly stateDir: string;
  readonly store: ComplianceStore;
  readonly transports: Transports;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly secretSources: SecretSources;
  /** Only these rules; undefined: all. */
  readonly rules?: readonly string[];
  /** Only these hosts; undefined: all that the rules name. */
  readonly limit?: readonly string[];
  readonly onProgress?: (done: number, all: number) => void;
}

/** Throws Refusal (another check of the set goes on), JournalFailure, and AbortError-like failures on a cancel. */
export async function runCheck(ruleSet: RuleSet, options: CheckOptions): Promise<CheckOutcome> {
  const { stateDir, store, signal, now } = options;
  const lock = acquireCheckLock(stateDir, ruleSet.name);
  if (lock === undefined) {
    throw new Refusal(
      'refused',
      'CHECK_GOES_ON',
      `another check of ${ruleSet.name} goes on in this state folder`,
      {
        hint: 'its result is in belay findings when it has ended',
      },
    );
  }
  try {
    const rules = chosen(ruleSet, options.rules);
    const isWhole = options.rules === undefined && options.limit === undefined;
    const startedAt = now();
    // Before it counts as begun: a --limit that means no host is not a check that stopped.
    const scope = await scopeOf(rules, options.transports, options.limit, signal);
    const alsoIn = store.places.files().get(ruleSet.name);
    if (ruleSet.file !== undefined) store.places.setFile(ruleSet.name, ruleSet.file);
    const checkId = store.begin(ruleSet.name, startedAt, isWhole, (row) => newsAsJson(stopped(row)));
    const values = new Set<string>();
    const seen = await lookAll(rules, scope, {
      transports: options.transports,
      signal,
      now,
      secrets: (rule) => secretsOf(rule, options.secretSources, values),
      onProgress: options.onProgress ?? (() => undefined),
    });
    const seenLooks = masked(seen, values);
    const endedAt = now();
    const acknowledgements = store.acknowledgements();
    const memory = store.findings({ set: ruleSet.name, isOpen: true });
    const { findings, changes } = compare({
      set: ruleSet.name,
      rules: ruleSet.rules,
      looks: seenLooks,
      memory,
      acknowledgements,
      isWholeSet: isWhole,
      now: endedAt,
    });
    const looks = withDoubts(seenLooks, changes);
    const verdict = verdictOfCheck(looks, acknowledgements, endedAt);
    const open = openAfter(memory, findings);
    const news = newsOf(changes, ruleSet.rules, open);
    const counts = countsOf(looks, open);
    store.finish(checkId, { at: endedAt, verdict, counts, findings, events: news.map(newsAsJson) });
    const outcome: CheckOutcome = {
      ruleSet,
      checkId,
      startedAt,
      endedAt,
      verdict,
      isWhole,
      looks,
      changes,
      open,
      acknowledgements,
      reportTroubles: [],
      ...(alsoIn === undefined || alsoIn === ruleSet.file || !existsSync(alsoIn) ? {} : { alsoIn }),
    };
    if (!isWhole) return outcome;
    const { transports } = options;
    const reportTroubles = await reportTo(outcome, {
      aws: transports.aws,
      nodeOf: (host) => nodeOf(host, transports),
      checks: store.checks(ruleSet.name, checksLookedAt),
      places: store.places,
      signal,
    });
    return { ...outcome, reportTroubles };
  } finally {
    lock.release();
  }
}

/** How far back the last check is looked for that knew everything. */
const checksLookedAt = 1_000;

function nodeOf(host: string, transports: Transports): string | undefined {
  if (host === accountTarget) return undefined;
  try {
    return transports.host(host).instanceId;
  } catch (error) {
    if (!(error instanceof ActionFailure)) throw error;
    return undefined;
  }
}

function chosen({ name, rules }: RuleSet, wanted: readonly string[] | undefined): readonly Rule[] {
  if (wanted === undefined) return rules;
  const found = rules.filter((rule) => wanted.includes(rule.name));
  if (found.length > 0) return found;
  throw new Refusal('usage', 'UNKNOWN_RULE', `${name} has no rule ${wanted.join(' or ')}`, {
    hint: `it has ${rules
      .slice(0, 20)
      .map((rule) => rule.name)
      .join(', ')}`,
  });
}

export function stopped({ startedAt }: CheckRow) {
  return stoppedNews(new Date(startedAt).toISOString().replace(/\.\d+Z$/, 'Z'));
}

/** What the memory holds when the changes have been written. */
function openAfter(memory: readonly Finding[], changed: readonly Finding[]): Finding[] {
  const key = ({ rule, target, subject }: Finding): string => JSON.stringify([rule, target, subject]);
  const after = new Map(memory.map((finding) => [key(finding), finding]));
  for (const finding of changed) after.set(key(finding), finding);
  return [...after.values()].filter(isOpen);
}

/** For the plot of a report, and for metrics. */
function countsOf(looks: readonly Look[], open: readonly Finding[]): JsonObject {
  const bySeverity = severities.map((severity): [string, number] => [
    severity,
    open.filter((finding) => finding.status === 'open' && finding.severity === severity).length,
  ]);
  return {
    looks: looks.length,
    open: open.filter(({ status }) => status === 'open').length,
    unknown: open.filter(({ code }) => code !== '').length,
    severities: Object.fromEntries(bySeverity),
  };
}

async function secretsOf(
  rule: Rule,
  sources: SecretSources,
  values: Set<string>,
): Promise<Readonly<Record<string, string>> | { readonly trouble: string }> {
  const read: [string, string][] = [];
  for (const [input, reference] of Object.entries(rule.secrets)) {
    const reading = await readSecret(reference, sources);
    if ('trouble' in reading) return { trouble: reading.trouble };
    values.add(reading.value);
    read.push([input, reading.value]);
  }
  return Object.fromEntries(read);
}

/** A secret that a server's words repeat goes into no memory and no message. */
function masked(looks: readonly Look[], values: ReadonlySet<string>): readonly Look[] {
  if (values.size === 0) return looks;
  const mask = (text: string): string => {
    let masking = text;
    for (const value of values)
      masking = masking.replaceAll(value, '***').replaceAll(encodeURIComponent(value), '***');
    return masking;
  };
  return looks.map((look) => ({
    ...look,
    judged: look.judged.map((judged) => {
      const subject = mask(judged.subject);
      switch (judged.kind) {
        case 'kept':
          return { ...judged, subject, found: mask(judged.found) };
        case 'broken':
          return { ...judged, subject, wanted: mask(judged.wanted), found: mask(judged.found) };
        case 'unknown':
          return { ...judged, subject, reason: mask(judged.reason) };
        default:
          return judged satisfies never;
      }
    }),
  }));
}
