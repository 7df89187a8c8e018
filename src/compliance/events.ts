/** What of a check's changes is to be told: one event for each rule and kind of change, with its first findings. */
import type { JsonObject } from '../json.ts';
import { severities, type Change, type ChangeKind, type Finding, type Rule, type Severity } from './types.ts';

export type ComplianceEventName = 'findingNew' | 'findingUnknown' | 'findingFixed' | 'checkStopped';

/** What a check came to, for whoever carries it to people. Plain data; it is journaled with what it tells of. */
export interface ComplianceNews {
  readonly event: ComplianceEventName;
  readonly set: string;
  /** Empty for what is about the whole set. */
  readonly rule: string;
  readonly severity: Severity | '';
  /** Names what the news is about, so that its end can be told as the end of the same: `SET/RULE`. */
  readonly about: string;
  readonly subject: string;
  readonly text: string;
  /** The command to type. */
  readonly command: string;
  readonly count: number;
}

const namedMax = 10;
const eventOf: Readonly<Record<ChangeKind, ComplianceEventName>> = {
  new: 'findingNew',
  still: 'findingNew',
  unknown: 'findingUnknown',
  known: 'findingFixed',
  fixed: 'findingFixed',
  retired: 'findingFixed',
};

/** In the order of the changes. Targets that cannot be looked at are told together, not once for each rule. */
export function newsOf(
  set: string,
  changes: readonly Change[],
  rules: readonly Pick<Rule, 'name' | 'why'>[],
): ComplianceNews[] {
  const loud = changes.filter(({ isLoud }) => isLoud);
  const groups = Map.groupBy(loud, (change) =>
    isOfTarget(change) ? change.kind : `${change.kind}\n${change.finding.rule}`,
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    return [isOfTarget(first) ? newsOfTargets(set, group, first) : newsOfRule(set, group, first, rules)];
  });
}

/** That a whole target could not be looked at, or can again. */
function isOfTarget({ kind, finding }: Change): boolean {
  return finding.subject === '' && (kind === 'unknown' || kind === 'known');
}

function newsOfRule(
  set: string,
  group: readonly Change[],
  { kind, finding }: Change,
  rules: readonly Pick<Rule, 'name' | 'why'>[],
): ComplianceNews {
  const { rule, severity } = finding;
  const why = rules.find(({ name }) => name === rule)?.why;
  const count = group.length;
  const command = `belay findings --open --rule ${rule}`;
  const head = headOf(kind, finding, count);
  const lines = [
    `${count === 1 ? head : `${count} ${head}`} by rule ${rule} of ${set} (${severity})`,
    ...listed(group.map(lineOf)),
    ...(why === undefined ? [] : [`Why it matters: ${why}`]),
    `More: ${command}`,
  ];
  return {
    event: eventOf[kind],
    set,
    rule,
    severity,
    about: `${set}/${rule}`,
    subject: `${rule}: ${count === 1 ? head : `${count} ${head}`} (${severity})`,
    text: lines.join('\n'),
    command,
    count,
  };
}

function newsOfTargets(set: string, group: readonly Change[], { kind }: Change): ComplianceNews {
  const byTarget = [...Map.groupBy(group, ({ finding }) => finding.target)];
  const head = kind === 'unknown' ? 'cannot be looked at' : 'can be looked at again';
  const command = `belay findings --open`;
  const names = byTarget.slice(0, 3).map(([target]) => target);
  const more = byTarget.length - names.length;
  const subject = `${set}: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''} ${head}`;
  const lines = byTarget.map(([target, of]) => {
    const [one] = of;
    const rules = of.length === 1 ? `rule ${one?.finding.rule ?? ''}` : `${of.length} rules`;
    return `${target}: ${rules}${kind === 'unknown' && one !== undefined ? `, ${one.finding.reason} (${one.finding.code})` : ''}`;
  });
  return {
    event: eventOf[kind],
    set,
    rule: '',
    severity: worst(group),
    about: set,
    subject,
    text: [subject, ...listed(lines), `More: ${command}`].join('\n'),
    command,
    count: byTarget.length,
  };
}

function listed(lines: readonly string[]): string[] {
  const more = lines.length - namedMax;
  return [
    ...lines.slice(0, namedMax).map((line) => `  ${line}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

function worst(group: readonly Change[]): Severity | '' {
  return severities.find((severity) => group.some(({ finding }) => finding.severity === severity)) ?? '';
}

/** A check that began and never ended: nobody knows what it would have found. */
export function stoppedNews(set: string, startedAt: string): ComplianceNews {
  const command = `belay check`;
  return {
    event: 'checkStopped',
    set,
    rule: '',
    severity: '',
    about: set,
    subject: `the check of ${set} stopped before its end`,
    text: `The check of ${set} that began at ${startedAt} did not come to its end, so nothing is known from it.\nMore: ${command}`,
    command,
    count: 1,
  };
}

export function newsAsJson(news: ComplianceNews): JsonObject {
  return { ...news };
}

function headOf(kind: ChangeKind, { status }: Finding, count: number): string {
  const those = count === 1 ? 'finding' : 'findings';
  switch (kind) {
    case 'new':
      return `new ${those}`;
    case 'still':
      return `${those} still open, and no longer acknowledged`;
    case 'unknown':
      return 'cannot be looked at';
    case 'known':
      return status === 'open' ? 'can be looked at again, and is still not kept' : 'can be looked at again';
    case 'fixed':
      return `${those} fixed`;
    case 'retired':
      return `${those} no longer checked, which does not say fixed`;
    default:
      return kind satisfies never;
  }
}

/** `web1: sshd is inactive, wanted is active (since 2026-11-30)`. */
export function lineOf({ finding }: Pick<Change, 'finding'>): string {
  return `${finding.target}: ${findingText(finding)}`;
}

/** `sshd is inactive, wanted is active`, and why it is not known at present. */
export function findingText({ subject, wanted, found, code, reason }: Finding): string {
  const about = subject === '' ? '' : `${subject} `;
  const was = wanted === '' ? '' : `${about}is ${found}, wanted is ${wanted}`;
  if (code === '') return was;
  return was === ''
    ? `${about === '' ? '' : `${about}is unknown: `}${reason} (${code})`
    : `${was}; not known now: ${reason} (${code})`;
}
