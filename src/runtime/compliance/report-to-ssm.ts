/**
 * Results as SSM compliance items of managed nodes. An upload is the whole of a node under its type, so a node that no rule means any more
 * would keep its last items for ever, and a rule whose targets could not be found out would lose its own: both are looked after here.
 */
import {
  accountTarget,
  isWhollyUnknown,
  verdictOf,
  type Judged,
  type Look,
  type RuleSet,
} from '../../compliance/index.ts';
import type { CompliancePlaces, ReportedNode } from '../../journal/index.ts';
import type { JsonObject } from '../../json.ts';
import type { CheckOutcome } from './outcome.ts';

type Outcome = Pick<CheckOutcome, 'ruleSet' | 'looks' | 'checkId' | 'endedAt'>;

export interface SsmPorts {
  /** The managed node that a host is; undefined: it is none. */
  readonly nodeOf: (host: string) => string | undefined;
  readonly places: CompliancePlaces;
  /** PutComplianceItems; the code of what it refused, undefined when it took them. `about`: for people. */
  readonly put: (about: string, params: JsonObject, expected?: string) => Promise<string | undefined>;
}

/** PutComplianceItems takes so many. */
export const itemsMax = 10_000;
const titleMax = 500;
const detailMax = 4_096;
/** The node is gone, or was never one: nothing of ours is on it. */
const noSuchNode = 'InvalidResourceId';

export async function reportToSsm(outcome: Outcome, { nodeOf, places, put }: SsmPorts): Promise<void> {
  const set = outcome.ruleSet.name;
  const type = outcome.ruleSet.report.ssmType;
  const before = places.reported(set);
  const byNode = type === undefined ? new Map<string, Look[]>() : looksByNode(outcome, nodeOf);
  if (type !== undefined)
    for (const { node, rules } of before.filter((each) => each.type === type)) {
      const doubts = doubtsOf(rules, node, outcome, byNode.get(node) ?? []);
      if (doubts.length > 0) byNode.set(node, [...(byNode.get(node) ?? []), ...doubts]);
    }
  for (const [node, looks] of type === undefined ? [] : byNode) {
    if (type === undefined) break;
    const earlier = before.find((each) => each.type === type && each.node === node)?.rules ?? [];
    const rules = [...new Set(looks.map(({ rule }) => rule))];
    places.report({ set, type, node, rules: [...new Set([...earlier, ...rules])] });
    const refused = await put(`SSM compliance of ${node}`, complianceItems(node, type, looks, outcome));
    if (refused === undefined) places.report({ set, type, node, rules });
  }
  await takeAway(
    before.filter((each) => each.type !== type || !byNode.has(each.node)),
    outcome,
    { places, put },
  );
}

/** Items of a set that are no longer anybody's word. What another set puts under the same type stays. */
export async function takeAway(
  nodes: readonly ReportedNode[],
  outcome: Pick<Outcome, 'ruleSet' | 'checkId' | 'endedAt'>,
  { places, put }: Pick<SsmPorts, 'places' | 'put'>,
): Promise<void> {
  for (const each of nodes) {
    const { node, type } = each;
    if (!places.isReportedByOthers(each)) {
      const about = `SSM compliance of ${node}, which is not checked any more`;
      const refused = await put(about, complianceItems(node, type, [], outcome), noSuchNode);
      if (refused !== undefined && refused !== noSuchNode) continue;
    }
    places.forgetReport(each);
  }
}

/** Two names of one node are one upload. */
function looksByNode({ looks }: Outcome, nodeOf: SsmPorts['nodeOf']): Map<string, Look[]> {
  const byNode = new Map<string, Look[]>();
  for (const [host, ofHost] of Map.groupBy(looks, ({ target }) => target)) {
    const node = nodeOf(host);
    if (node !== undefined) byNode.set(node, [...(byNode.get(node) ?? []), ...ofHost]);
  }
  return byNode;
}

/** Rules that may still mean the node: nobody could find out whom they mean. */
function doubtsOf(
  rules: readonly string[],
  node: string,
  { looks }: Outcome,
  seen: readonly Look[],
): readonly Look[] {
  return rules.flatMap((rule) => {
    if (seen.some((look) => look.rule === rule)) return [];
    const judged = looks
      .find((look) => look.rule === rule && look.target === accountTarget)
      ?.judged.filter(isWhollyUnknown);
    return judged === undefined || judged.length === 0
      ? []
      : [{ rule, target: node, judged, isWhole: false }];
  });
}

/** The whole of a node under its type; what is over the bound of SSM is one item that says so. Pure. */
export function complianceItems(
  node: string,
  type: string,
  looks: readonly Look[],
  { ruleSet, checkId, endedAt }: Pick<CheckOutcome, 'ruleSet' | 'checkId' | 'endedAt'>,
): JsonObject {
  const items = looks.map((look) => itemOf(look, looks, ruleSet));
  const over = items.length - itemsMax;
  const Items =
    over <= 0
      ? items
      : [
          ...items.slice(0, itemsMax - 1),
          {
            Id: 'belay-more',
            Title: `${over + 1} more rules, which SSM has no room for`,
            Severity: 'UNSPECIFIED',
            Status: 'NON_COMPLIANT',
          },
        ];
  return {
    ResourceId: node,
    ResourceType: 'ManagedInstance',
    ComplianceType: type,
    ExecutionSummary: {
      ExecutionTime: new Date(endedAt).toISOString().replace(/\.\d+Z$/, 'Z'),
      ExecutionId: `belay-${ruleSet.name}-${checkId}`.slice(0, 100),
      ExecutionType: 'Command',
    },
    Items,
    UploadType: 'COMPLETE',
  };
}

/** SSM has two words. What is not known is never the first of them. */
function itemOf(look: Look, all: readonly Look[], { rules }: RuleSet): JsonObject {
  const { rule, target, judged } = look;
  const verdict = verdictOf(judged);
  const of = rules.find(({ name }) => name === rule);
  const wrong = judged.filter(({ kind }) => kind !== 'kept').map(sentence);
  const says = wrong.length === 0 ? 'as it must be' : wrong.join('; ');
  const isAlone = all.every((each) => each === look || each.rule !== rule);
  return {
    Id: isAlone ? rule : `${rule}@${target}`.slice(0, 100),
    Title: cut(`${rule}: ${says}`, titleMax),
    Severity: of?.severity ?? 'UNSPECIFIED',
    Status: verdict === 'COMPLIANT' ? 'COMPLIANT' : 'NON_COMPLIANT',
    Details: { Verdict: verdict, Says: cut(says, detailMax) },
  };
}

function sentence(judged: Judged): string {
  switch (judged.kind) {
    case 'kept':
      return judged.subject;
    case 'broken':
      return `${judged.subject} is ${judged.found}, wanted is ${judged.wanted}`;
    case 'unknown':
      return `${judged.subject} unknown: ${judged.reason} (${judged.code})`.trim();
    default:
      return judged satisfies never;
  }
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).toWellFormed()}…`;
}
