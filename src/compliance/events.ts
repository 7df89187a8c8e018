/** What of a check is to be told: for each rule what is new, fixed and unknown. Plain data; it is journaled with what it tells of. */
import type { JsonObject } from '../json.ts';
import { isOpen } from './compare.ts';
import { remedyCommand } from './remedy.ts';
import { severities, type Change, type Finding, type Rule } from './types.ts';

export type ComplianceNews =
  | {
      readonly kind: 'rule';
      readonly rule: string;
      readonly severity: string;
      /** The worst first. */
      readonly found: readonly NewsLine[];
      readonly fixed: readonly NewsLine[];
      readonly unknown: readonly NewsLine[];
      /** How many of it are open now, unknown ones left out. */
      readonly openCount: number;
      /** How many of it nobody knows, and never knew to be open. Not in events of earlier versions. */
      readonly unknownCount?: number;
    }
  /** A check that began and never ended: nobody knows what it would have found. */
  | { readonly kind: 'stopped'; readonly why: string };

export interface NewsLine {
  readonly target: string;
  readonly says: string;
  /** What mends it. */
  readonly command?: string;
  /** Of what was told before and is still there: an acknowledgement kept it quiet, and has ended. */
  readonly isAgain?: boolean;
  /** How it ended, of what is over; left out: it was fixed. */
  readonly end?: 'known' | 'retired' | 'gone';
}

/** The rule under which targets stand that could not be looked at at all: one news, and not one for each rule. */
export const reachability = 'reachability';
const linesMax = 500;

/** In the order in which rules have something to tell. `open`: all that is open or unknown after the check. */
export function newsOf(
  changes: readonly Change[],
  rules: readonly Pick<Rule, 'name' | 'remedy'>[],
  open: readonly Finding[],
): ComplianceNews[] {
  const loud = changes.filter(({ isLoud }) => isLoud);
  const groups = Map.groupBy(
    loud.flatMap((change) => rulesToTell(change).map((rule) => ({ rule, change }))),
    ({ rule }) => rule,
  );
  return [...groups].map(([rule, told]) => {
    const group = told.map(({ change }) => change);
    const remedy = rules.find(({ name }) => name === rule)?.remedy;
    const severity = worst(group.map(({ finding }) => finding));
    const news = rule === reachability ? ofTargets(group) : ofRule(group, remedy);
    const openCount =
      rule === reachability
        ? new Set(open.filter((finding) => finding.isOfTarget).map(({ target }) => target)).size
        : open.filter((finding) => finding.rule === rule && finding.status === 'open').length;
    const unknownCount =
      rule === reachability
        ? 0
        : open.filter((finding) => finding.rule === rule && finding.status === 'unknown').length;
    return { kind: 'rule', rule, severity, ...news, openCount, unknownCount };
  });
}

export function stoppedNews(startedAt: string): ComplianceNews {
  return { kind: 'stopped', why: `it began at ${startedAt}, and its process is gone` };
}

export function newsAsJson(news: ComplianceNews): JsonObject {
  return JSON.parse(JSON.stringify(news)) as JsonObject;
}

type Told = Pick<Extract<ComplianceNews, { kind: 'rule' }>, 'found' | 'fixed' | 'unknown'>;

/** Under which rule people are told. That a whole target could not be looked at, or can be again, is told for all of its rules together. */
function rulesToTell({ kind, finding, isOfTarget }: Change): readonly string[] {
  if (!isOfTarget) return [finding.rule];
  if (kind === 'unknown' || kind === 'known') return [reachability];
  return kind === 'fixed' ? [finding.rule, reachability] : [finding.rule];
}

function ofRule(group: readonly Change[], remedy: Rule['remedy']): Told {
  const told = { found: [] as NewsLine[], fixed: [] as NewsLine[], unknown: [] as NewsLine[] };
  for (const { kind, finding, isAcknowledgedNoMore } of group) {
    const { target } = finding;
    const says = findingText(finding);
    switch (kind) {
      case 'new':
      case 'still':
      case 'known':
        if (!isOpen(finding))
          told.fixed.push({
            target,
            says: againText(finding),
            end: 'known',
          });
        else if (finding.code !== '') told.unknown.push({ target, says });
        else
          told.found.push({
            target,
            says: [
              says,
              ...(kind === 'known' ? ['it can be looked at again'] : []),
              ...(kind === 'still' ? [`open since ${dayOf(finding.firstSeenAt)}`] : []),
              ...(isAcknowledgedNoMore ? ['its acknowledgement has ended'] : []),
            ].join('; '),
            ...(kind === 'new' ? {} : { isAgain: true }),
            ...(remedy === undefined ? {} : { command: remedyCommand(remedy, finding) }),
          });
        break;
      case 'unknown':
        told.unknown.push({ target, says });
        break;
      case 'fixed':
        told.fixed.push({
          target,
          says: `${finding.subject} is as it must be again (was ${finding.found})`.trim(),
        });
        break;
      case 'retired':
        told.fixed.push({
          target,
          says: `${finding.subject} ${finding.reason || 'is no longer checked'}, which does not say fixed`.trim(),
          end: finding.reason === '' ? 'retired' : 'gone',
        });
        break;
      default:
        kind satisfies never;
    }
  }
  const { found, fixed, unknown } = told;
  return {
    found: found.slice(0, linesMax),
    fixed: fixed.slice(0, linesMax),
    unknown: unknown.slice(0, linesMax),
  };
}

/** Each target once, with how many rules it is about. */
function ofTargets(group: readonly Change[]): Told {
  const lines = (isUnknown: boolean): NewsLine[] =>
    [
      ...Map.groupBy(
        group.filter(({ kind }) => (kind === 'unknown') === isUnknown),
        ({ finding }) => finding.target,
      ),
    ]
      .slice(0, linesMax)
      .map(([target, of]) => {
        const [first] = of;
        const names = new Set(of.map(({ finding }) => finding.rule));
        const rules = names.size === 1 ? `rule ${first?.finding.rule ?? ''}` : `${names.size} rules`;
        const why = `${first?.finding.reason ?? ''} (${first?.finding.code ?? ''})`;
        return {
          target,
          says: isUnknown
            ? `cannot be looked at for ${rules}: ${why}`
            : `can be looked at again for ${rules}`,
          ...(isUnknown ? {} : { end: 'known' as const }),
        };
      });
  return { found: [], unknown: lines(true), fixed: lines(false) };
}

/** Of what was unknown and is open no more: as it must be only where it was seen so. */
export function againText({ subject, status }: Finding): string {
  return `${subject} can be looked at again${status === 'fixed' ? ', and is as it must be' : ''}`.trim();
}

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

function worst(findings: readonly Finding[]): string {
  return severities.find((severity) => findings.some((finding) => finding.severity === severity)) ?? 'MEDIUM';
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
