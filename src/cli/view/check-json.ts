/** What checks and findings look like for programs. */
import { remedyCommand, type Acknowledgement, type Change, type Finding } from '../../compliance/index.ts';
import type { JsonObject } from '../../json.ts';
import type { CheckOutcome } from '../../runtime/compliance/outcome.ts';
import { utcText } from './instant-text.ts';

export function outcomeJson(outcome: CheckOutcome): JsonObject {
  const judged = outcome.looks.flatMap((look) => look.judged);
  const of = (kind: 'kept' | 'broken' | 'unknown'): number =>
    judged.filter((each) => each.kind === kind).length;
  return {
    name: outcome.ruleSet.name,
    check: outcome.checkId,
    verdict: outcome.verdict,
    whole: outcome.isWhole,
    startedAt: utcText(outcome.startedAt),
    endedAt: utcText(outcome.endedAt),
    counts: { looks: outcome.looks.length, kept: of('kept'), broken: of('broken'), unknown: of('unknown') },
    mended: (outcome.mended ?? []).map((each): JsonObject => ({ ...each })),
    changes: outcome.changes.map((change) => changeJson(change, outcome)),
    looks: outcome.looks.map(({ rule, target, judged: seen }) => ({
      rule,
      target,
      judged: seen.map((each): JsonObject => ({ ...each })),
    })),
  };
}

function changeJson({ kind, finding, acknowledgement }: Change, { ruleSet }: CheckOutcome): JsonObject {
  const remedy = ruleSet.rules.find(({ name }) => name === finding.rule)?.remedy;
  const isMendable = remedy !== undefined && finding.status === 'open' && finding.code === '';
  return {
    change: kind,
    ...findingJson(finding, acknowledgement),
    ...(isMendable ? { remedy: remedyCommand(remedy, finding) } : {}),
  };
}

export function findingJson(finding: Finding, acknowledgement: Acknowledgement | null): JsonObject {
  const { set, rule, target, subject, severity, status, wanted, found, code, reason } = finding;
  return {
    file: set,
    rule,
    target,
    subject,
    severity,
    status,
    wanted,
    found,
    code,
    reason,
    firstSeenAt: utcText(finding.firstSeenAt),
    lastSeenAt: utcText(finding.lastSeenAt),
    closedAt: finding.closedAt === null ? null : utcText(finding.closedAt),
    acknowledged:
      acknowledgement === null
        ? null
        : {
            id: acknowledgement.id,
            by: acknowledgement.by,
            until: utcText(acknowledgement.until),
            why: acknowledgement.why,
          },
  };
}
