/**
 * Remedies that run by themselves: for each open finding of a rule that allows it, its runbook, and then the rule is looked at again on
 * that target. What still does not hold is taken back. A rule stops at its first failure and at its number of targets.
 */
import {
  acknowledgementOf,
  remedyArguments,
  type Finding,
  type Look,
  type Remedy,
  type Rule,
} from '../../compliance/index.ts';
import type { CheckOutcome, Mended } from './outcome.ts';

export interface MendPorts {
  /** Runs `belay` with these words to its end; its exit code, null when a signal ended it. */
  readonly belay: (words: readonly string[]) => Promise<number | null>;
  /** The rule on that target, now. */
  readonly lookAgain: (rule: Rule, target: string) => Promise<readonly Look[]>;
  readonly newExecutionId: () => string;
}

/** In the order of the rules; each target's remedies one after the other. */
export async function mend(outcome: CheckOutcome, ports: MendPorts): Promise<Mended[]> {
  const all: Mended[] = [];
  for (const rule of outcome.ruleSet.rules) {
    const { remedy } = rule;
    if (remedy?.mode !== 'automatic') continue;
    const targets = [...Map.groupBy(mendable(rule, outcome), ({ target }) => target)].slice(
      0,
      remedy.targetsMax,
    );
    for (const [target, findings] of targets) {
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
    const looks = await ports.lookAgain(rule, target);
    const judged = looks
      .filter((look) => look.rule === rule.name && look.target === target)
      .flatMap((look) => look.judged);
    if (judged.length > 0 && judged.every(({ kind }) => kind === 'kept')) return ended('mended');
  }
  // The one that failed has climbed down by its own policy; those before it, and one that did not help, are taken back here.
  const toTakeBack = hasFailed ? begun.slice(0, -1) : begun;
  let isBack = true;
  for (const id of toTakeBack.toReversed())
    isBack = (await ports.belay(['rollback', id, '-y'])) === 0 && isBack;
  return ended(!isBack ? 'notTakenBack' : hasFailed ? 'failed' : 'takenBack');
}
