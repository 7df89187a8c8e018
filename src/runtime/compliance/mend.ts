/**
 * Remedies. Those that run by themselves: for each open finding of a rule that allows it, its runbook, and then the rule is looked at again on
 * that target. What still does not hold is taken back. A rule stops at its first failure and at its number of targets. Those that wait for
 * an approval are in approved-remedies.ts.
 */
import {
  acknowledgementOf,
  notListed,
  remedyArguments,
  type Finding,
  type Judged,
  type Look,
  type Remedy,
  type Rule,
} from '../../compliance/index.ts';
import { approvedRemedies, type ApprovedPorts } from './approved-remedies.ts';
import type { CheckOutcome, Mended } from './outcome.ts';

export interface MendPorts extends ApprovedPorts {
  /** The rule on that target, now. */
  readonly lookAgain: (rule: Rule, target: string) => Promise<readonly Look[]>;
  readonly newExecutionId: () => string;
}

/** In the order of the rules; each target's remedies one after the other. */
export async function mend(outcome: CheckOutcome, ports: MendPorts): Promise<Mended[]> {
  const all: Mended[] = [];
  for (const rule of outcome.ruleSet.rules) {
    const { remedy } = rule;
    if (remedy === undefined || remedy.mode === 'propose') continue;
    const byTarget = Map.groupBy(mendable(rule, outcome), ({ target }) => target);
    if (remedy.mode === 'approve') {
      all.push(...(await approvedRemedies(rule, remedy, byTarget, outcome, ports)));
      continue;
    }
    for (const [target, findings] of [...byTarget].slice(0, remedy.targetsMax)) {
      const ran = await mendTarget(rule, remedy, target, findings, ports);
      all.push(...ran);
      if (ran.some(({ result }) => result !== 'mended')) break;
    }
  }
  return all;
}

/** Seen to be broken in this very check, and nobody has said that it may be. */
function mendable({ name }: Rule, { open, acknowledgements, endedAt }: CheckOutcome): readonly Finding[] {
  return open.filter(
    (finding) =>
      finding.rule === name &&
      finding.status === 'open' &&
      finding.code === '' &&
      finding.lastSeenAt === endedAt &&
      acknowledgementOf(finding, acknowledgements, endedAt) === undefined,
  );
}

async function judgedNow(rule: Rule, target: string, { lookAgain }: MendPorts): Promise<readonly Judged[]> {
  const looks = await lookAgain(rule, target);
  return looks
    .filter((look) => look.rule === rule.name && look.target === target)
    .flatMap((look) => look.judged);
}

async function mendTarget(
  rule: Rule,
  remedy: Remedy,
  target: string,
  findings: readonly Finding[],
  ports: MendPorts,
): Promise<Mended[]> {
  const begun: string[] = [];
  const ended = (result: Mended['result']): Mended[] =>
    begun.map((executionId) => ({ rule: rule.name, target, executionId, result }));
  const runs = new Map(
    findings.map((finding) => remedyArguments(remedy, finding)).map((words) => [words.join('\n'), words]),
  );
  let hasFailed = false;
  for (const words of runs.values()) {
    const id = ports.newExecutionId();
    begun.push(id);
    hasFailed = (await ports.belay(['run', ...words, '--id', id, '-y'])) !== 0;
    if (hasFailed) break;
  }
  if (!hasFailed) {
    let judged = await judgedNow(rule, target, ports);
    // What the remedy took away is missing from its listing, and counts as gone when a second look does not find it either.
    if (judged.some((each) => each.kind === 'unknown' && each.code === notListed))
      judged = await judgedNow(rule, target, ports);
    if (judged.length > 0 && judged.every(({ kind }) => kind === 'kept')) return ended('mended');
  }
  // The one that failed has climbed down by its own policy; those before it, and one that did not help, are taken back here.
  const toTakeBack = hasFailed ? begun.slice(0, -1) : begun;
  let isBack = true;
  for (const id of toTakeBack.toReversed())
    isBack = (await ports.belay(['rollback', id, '-y'])) === 0 && isBack;
  return ended(!isBack ? 'notTakenBack' : hasFailed ? 'failed' : 'takenBack');
}
