/**
 * What was remembered × what a check saw → what is remembered now, and what has changed.
 *
 * Two rules decide everything. What nobody could look at is neither kept nor fixed: an open finding stays open. And what a
 * listing of many things does not show any more may only have been left out of it, so it counts as fixed when a second
 * check does not list it either.
 */
import { acknowledgementOf, covers } from './acknowledge.ts';
import {
  accountTarget,
  type Acknowledgement,
  type Change,
  type ChangeKind,
  type Finding,
  type Judged,
  type Look,
  type Rule,
} from './types.ts';

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

/** The code of what was open and is missing from a listing. */
export const notListed = 'NOT_LISTED';
/** Why something is retired that was checked, and not seen any more. */
const notThere = 'is not there any more';
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
    const quietEnded = acknowledgement === null && hasEndedSince(before, input);
    const isOver = !isOpen(after) || (kind === 'known' && before?.isOfTarget === true);
    const isLoud = isTellable(kind, before, { isQuiet: acknowledgement !== null, quietEnded, isOver });
    const finding = { ...after, isTold: (isLoud || after.isTold) && isOpen(after) };
    findings.push(finding);
    const isOfTarget = kind === 'unknown' ? finding.isOfTarget : before?.isOfTarget === true;
    changes.push({ kind, finding, isLoud, isOfTarget, acknowledgement, isAcknowledgedNoMore: quietEnded });
  };
  // A host rule of which some targets could not be found out: whoever is not among the others may still be one of them.
  const scopeDoubts = new Map(
    input.looks.flatMap(({ rule, target, judged }) => {
      const whole = target === accountTarget ? judged.find(isWhollyUnknown) : undefined;
      return whole === undefined ? [] : [[rule, whole] as const];
    }),
  );
  const lookedAt = new Set(input.looks.map(({ rule }) => rule));

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
          : settled(missed(before, doubt, look.isWhole, input.now), look);
      note(step.kind, before, { ...before, ...step.finding, severity });
    }
  }
  if (input.isWholeSet) {
    for (const before of input.memory) {
      if (!isOpen(before) || seen.has(placeOf(before.rule, before.target))) continue;
      const doubt = scopeDoubts.get(before.rule);
      if (doubt !== undefined) {
        const step = missed(before, doubt, false, input.now);
        note(step.kind, before, { ...before, ...step.finding });
        continue;
      }
      if (before.target === accountTarget && before.status === 'unknown' && lookedAt.has(before.rule)) {
        // Its targets could not be found out, and now they are.
        note('known', before, { ...before, ...close(before, input.now) });
        continue;
      }
      const blanked = { code: '', reason: '', isOfTarget: false };
      note('retired', before, { ...before, ...blanked, status: 'retired', closedAt: input.now });
    }
  }
  return { findings, changes };
}

/**
 * The looks of a check together with what it left in doubt: an open finding that a listing did not have, or whose target could not be
 * found out, is an unknown of its rule. Whoever judges a check judges these.
 */
export function withDoubts(looks: readonly Look[], changes: readonly Change[]): readonly Look[] {
  const all = new Map(looks.map((look) => [placeOf(look.rule, look.target), look]));
  for (const { finding } of changes) {
    if (!isOpen(finding) || finding.code === '') continue;
    const { rule, target, subject, code, reason } = finding;
    const look = all.get(placeOf(rule, target)) ?? { rule, target, judged: [], isWhole: false };
    if (look.judged.some((judged) => isWhollyUnknown(judged) || judged.subject === subject)) continue;
    const doubt: Judged = { kind: 'unknown', subject, code, reason };
    all.set(placeOf(rule, target), { ...look, judged: [...look.judged, doubt] });
  }
  return [...all.values()];
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
  const why = { code: notListed, reason, isOfTarget: false };
  return { kind: becomes, finding: { lastSeenAt: now, missedTimes, ...why } };
}

/**
 * What is not seen any more is fixed where all that is seen is as it must be. Where something is not, it may be the very reason: a file that is
 * gone has no wrong owner any more, and nobody saw a right one.
 */
function settled(step: Step, { judged }: Look): Step {
  const isOver = step.finding.status === 'fixed';
  if (!isOver || judged.every(({ kind }) => kind === 'kept')) return step;
  // What was only unknown is judged in other words now.
  if (step.kind === 'known') return { kind: 'known', finding: { ...step.finding, status: 'retired' } };
  return { kind: 'retired', finding: { ...step.finding, status: 'retired', reason: notThere } };
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
 * New and unknown are told unless somebody has acknowledged them. The end of what was told is told in any case, so that nobody waits for
 * what is over. What goes on is told again only when an acknowledgement that kept it quiet has ended.
 */
function isTellable(
  kind: ChangeKind,
  before: Finding | undefined,
  {
    isQuiet,
    quietEnded,
    isOver,
  }: { readonly isQuiet: boolean; readonly quietEnded: boolean; readonly isOver: boolean },
): boolean {
  switch (kind) {
    case 'new':
    case 'unknown':
      return !isQuiet;
    case 'still':
      return !isQuiet && (before?.isTold === false || quietEnded);
    case 'known':
      return (!isQuiet || isOver) && before?.isTold === true;
    case 'fixed':
    case 'retired':
      return before?.isTold === true;
    default:
      return kind satisfies never;
  }
}

/** Whether an acknowledgement of it has ended since the check before. */
function hasEndedSince(
  before: Finding | undefined,
  { acknowledgements, now }: Pick<CompareInput, 'acknowledgements' | 'now'>,
): boolean {
  return (
    before !== undefined &&
    isOpen(before) &&
    acknowledgements.some(
      (each) => each.until > before.lastSeenAt && each.until <= now && covers(each, before),
    )
  );
}

/** Of its target, nothing. */
export function isWhollyUnknown(judged: Judged): boolean {
  return judged.kind === 'unknown' && judged.subject === '';
}

function placeOf(rule: string, target: string): string {
  return `${rule}\n${target}`;
}
