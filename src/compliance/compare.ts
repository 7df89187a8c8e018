/**
 * What was remembered × what a check saw → what is remembered now, and what has changed.
 *
 * Two rules decide everything. What nobody could look at is neither kept nor fixed: an open finding stays open. And what a
 * listing of many things does not show any more may only have been left out of it, so it counts as fixed when a second
 * check does not list it either.
 */
import { acknowledgementOf } from './acknowledge.ts';
import type { Acknowledgement, Change, ChangeKind, Finding, Judged, Look, Rule } from './types.ts';

export interface CompareInput {
  readonly set: string;
  /** All rules of the set, also those that were not checked now. */
  readonly rules: readonly Pick<Rule, 'name' | 'severity'>[];
  readonly looks: readonly Look[];
  readonly memory: readonly Finding[];
  readonly acknowledgements: readonly Acknowledgement[];
  /** Whether all rules looked at all of their targets: only then can something have left the scope. */
  readonly isWholeSet: boolean;
  readonly now: number;
}

export interface Compared {
  /** Findings that differ from the memory; the others stay as they are. */
  readonly findings: readonly Finding[];
  /** In the order of the looks. */
  readonly changes: readonly Change[];
}

/** Checks in a row that must not list a thing before it counts as gone. */
const missesNeeded = 2;

export function compare(input: CompareInput): Compared {
  const changes: Change[] = [];
  const findings: Finding[] = [];
  const severityOf = new Map(input.rules.map(({ name, severity }) => [name, severity]));
  const remembered = Map.groupBy(input.memory, ({ rule, target }) => placeOf(rule, target));
  const seen = new Set<string>();

  const note = (kind: ChangeKind, before: Finding | undefined, after: Finding): void => {
    const acknowledgement = acknowledgementOf(after, input.acknowledgements, input.now) ?? null;
    const isLoud = isTellable(kind, before, acknowledgement !== null);
    // While somebody keeps it quiet it counts as untold, so that it is told again when that ends.
    const wasTold = isLoud || (after.isTold && acknowledgement === null);
    const finding = { ...after, isTold: wasTold && isOpen(after) };
    findings.push(finding);
    const isOfTarget = kind === 'unknown' ? finding.isOfTarget : before?.isOfTarget === true;
    changes.push({ kind, finding, isLoud, isOfTarget, acknowledgement });
  };

  for (const look of input.looks) {
    const place = placeOf(look.rule, look.target);
    seen.add(place);
    const bySubject = new Map((remembered.get(place) ?? []).map((each) => [each.subject, each]));
    const severity = severityOf.get(look.rule) ?? 'MEDIUM';
    const whole = look.judged.find(isWhollyUnknown);
    const doubt = whole ?? look.judged.find(({ kind }) => kind === 'unknown');
    for (const judged of look.judged) {
      const before = bySubject.get(judged.subject);
      bySubject.delete(judged.subject);
      const key = { set: input.set, rule: look.rule, target: look.target, subject: judged.subject };
      // That nothing is known is written at what was known; only where nothing was is it a finding of its own.
      if (judged === whole && [...bySubject.values()].some(isOpen) && !(before && isOpen(before))) continue;
      const step = next(judged, before, input.now);
      if (step !== undefined)
        note(step.kind, before, { ...blank, ...before, ...step.finding, ...key, severity });
    }
    for (const before of bySubject.values()) {
      if (!isOpen(before)) continue;
      const step =
        before.subject === ''
          ? { kind: endOf(before), finding: close(before, input.now) }
          : missed(before, doubt, look.isWhole, input.now);
      note(step.kind, before, { ...before, ...step.finding, severity });
    }
  }
  if (input.isWholeSet) {
    for (const before of input.memory) {
      if (!isOpen(before) || seen.has(placeOf(before.rule, before.target))) continue;
      const blanked = { code: '', reason: '', isOfTarget: false };
      note('retired', before, { ...before, ...blanked, status: 'retired', closedAt: input.now });
    }
  }
  return { findings, changes };
}

/** Neither fixed nor retired. */
export function isOpen({ status }: Pick<Finding, 'status'>): boolean {
  return status === 'open' || status === 'unknown';
}

interface Step {
  readonly kind: ChangeKind;
  readonly finding: Partial<Finding>;
}

const blank = {
  wanted: '',
  found: '',
  code: '',
  reason: '',
  closedAt: null,
  missedTimes: 0,
  isOfTarget: false,
  isTold: false,
  status: 'open',
  firstSeenAt: 0,
  lastSeenAt: 0,
} as const;

const isKnown = { code: '', reason: '', isOfTarget: false } as const;

/** Undefined: it holds, and nobody thought otherwise. */
function next(judged: Judged, before: Finding | undefined, now: number): Step | undefined {
  const known = before !== undefined && isOpen(before) ? before : undefined;
  const since = { firstSeenAt: known?.firstSeenAt ?? now, lastSeenAt: now, closedAt: null, missedTimes: 0 };
  switch (judged.kind) {
    case 'kept':
      if (known === undefined) return undefined;
      return { kind: endOf(known), finding: close(known, now) };
    case 'broken': {
      const { wanted, found } = judged;
      const finding: Partial<Finding> = { ...since, status: 'open', wanted, found, ...isKnown };
      if (known === undefined) return { kind: 'new', finding: { ...finding, isTold: false } };
      // What was never known to be broken is news.
      if (known.status === 'unknown') return { kind: 'new', finding };
      return { kind: known.code === '' ? 'still' : 'known', finding };
    }
    case 'unknown': {
      const why = { code: judged.code, reason: judged.reason, isOfTarget: isWhollyUnknown(judged) };
      if (known === undefined)
        return { kind: 'unknown', finding: { ...blank, ...since, status: 'unknown', ...why } };
      return { kind: known.code === '' ? 'unknown' : 'still', finding: { ...since, ...why } };
    }
    default:
      return judged satisfies never;
  }
}

/** What is remembered of a place and was not among what was seen there. */
function missed(before: Finding, doubt: Judged | undefined, isWholeLook: boolean, now: number): Step {
  const becomes = before.code === '' ? 'unknown' : 'still';
  // Where anything was not known, what was not seen may be among it.
  if (doubt?.kind === 'unknown') {
    const why = { code: doubt.code, reason: doubt.reason, isOfTarget: isWhollyUnknown(doubt) };
    return { kind: becomes, finding: { lastSeenAt: now, missedTimes: 0, ...why } };
  }
  const missedTimes = before.missedTimes + 1;
  if (isWholeLook || missedTimes >= missesNeeded) return { kind: endOf(before), finding: close(before, now) };
  const reason = 'it was not listed any more; when the next check does not list it either, it is gone';
  const why = { code: 'NOT_LISTED', reason, isOfTarget: false };
  return { kind: becomes, finding: { lastSeenAt: now, missedTimes, ...why } };
}

/** What was only unknown was never broken as far as anybody knows, so it is not fixed either. */
function endOf({ status }: Finding): ChangeKind {
  return status === 'unknown' ? 'known' : 'fixed';
}

function close(before: Finding, now: number): Partial<Finding> {
  return {
    status: 'fixed',
    closedAt: now,
    lastSeenAt: before.lastSeenAt,
    ...isKnown,
    missedTimes: 0,
  };
}

/**
 * New and unknown are told unless somebody has acknowledged them; the end of what was told is told; what goes on is told
 * again only when an acknowledgement that kept it quiet has expired.
 */
function isTellable(kind: ChangeKind, before: Finding | undefined, isQuiet: boolean): boolean {
  switch (kind) {
    case 'new':
    case 'unknown':
      return !isQuiet;
    case 'still':
      return !isQuiet && before?.isTold === false;
    case 'fixed':
    case 'known':
    case 'retired':
      return !isQuiet && before?.isTold === true;
    default:
      return kind satisfies never;
  }
}

function isWhollyUnknown(judged: Judged): boolean {
  return judged.kind === 'unknown' && judged.subject === '';
}

function placeOf(rule: string, target: string): string {
  return `${rule}\n${target}`;
}
