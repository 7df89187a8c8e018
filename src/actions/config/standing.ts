/**
 * How one Config rule stands: what config:checkRules puts out, config:alertRules tells, and config:requireCompliance judges.
 * There are three words and no fourth, and the third is never taken for the first.
 */
import { Type, type Static } from 'typebox';
import { strictObject } from '../strict-object.ts';

export const rulesMax = 25;

export const verdict = Type.Union(
  [Type.Literal('COMPLIANT'), Type.Literal('NON_COMPLIANT'), Type.Literal('UNDETERMINED')],
  { description: 'UNDETERMINED: nobody knows; never to be read as compliant.' },
);
export type Verdict = Static<typeof verdict>;

export const finding = strictObject({
  ResourceType: Type.String(),
  ResourceId: Type.String(),
  Annotation: Type.String({ description: 'What Config says of it; often empty.' }),
  RecordedAt: Type.String({ description: 'When Config recorded the result, UTC.' }),
});
export type Finding = Static<typeof finding>;

export const ruleStanding = strictObject({
  Name: Type.String(),
  Status: verdict,
  Cause: Type.String({ description: 'Why it is undetermined, as a code: RULE_MISSING; empty otherwise.' }),
  Reason: Type.String({ description: 'The same as a sentence.' }),
  Compliant: Type.Integer({ description: 'Resources.' }),
  NonCompliant: Type.Integer(),
  NotApplicable: Type.Integer(),
  Findings: Type.Array(finding, { description: 'The first non-compliant resources, by type and id.' }),
  ResourceIds: Type.Array(Type.String(), {
    description: 'TYPE ID of non-compliant resources, sorted, as many as fit.',
  }),
  IsComplete: Type.Boolean({ description: 'Whether ResourceIds holds all of them.' }),
  SetHash: Type.String({
    description: 'The same for the same rule, status, cause and set of non-compliant resources.',
  }),
  EvaluatedAt: Type.String({ description: 'Of the evaluation that was waited for, UTC; empty: none.' }),
});
export type RuleStanding = Static<typeof ruleStanding>;

export const ruleStandings = Type.Array(ruleStanding, { minItems: 1, maxItems: rulesMax });

export interface Sum {
  readonly verdict: Verdict;
  readonly compliant: number;
  readonly nonCompliant: number;
  readonly undetermined: number;
  /** Two to many lines: the whole, then one for each rule that is not compliant. */
  readonly summary: string;
}

/** A known violation outranks what is not known, and what is not known outranks compliance. */
export function sum(rules: readonly RuleStanding[]): Sum {
  const count = (status: Verdict): number => rules.filter(({ Status }) => Status === status).length;
  const [compliant, nonCompliant, undetermined] = [
    count('COMPLIANT'),
    count('NON_COMPLIANT'),
    count('UNDETERMINED'),
  ];
  const all = `${rules.length} ${rules.length === 1 ? 'rule' : 'rules'}`;
  const said = [
    nonCompliant > 0 ? `${nonCompliant} of ${all} non-compliant` : '',
    undetermined > 0 ? `${undetermined} of ${all} undetermined` : '',
  ].filter((part) => part !== '');
  const lines = rules.filter(({ Status }) => Status !== 'COMPLIANT').map(lineOf);
  return {
    verdict: nonCompliant > 0 ? 'NON_COMPLIANT' : undetermined > 0 ? 'UNDETERMINED' : 'COMPLIANT',
    compliant,
    nonCompliant,
    undetermined,
    summary: said.length === 0 ? `${all} compliant` : `${said.join(', ')}. ${lines.join('. ')}`,
  };
}

const namedMax = 3;

/** `encrypted-volumes: 12 of 40 resources non-compliant: vol-1, vol-2, vol-3 and 9 more`. */
export function lineOf(rule: RuleStanding): string {
  if (rule.Status === 'UNDETERMINED') return `${rule.Name}: undetermined, ${rule.Reason}`;
  if (rule.Status === 'COMPLIANT') return `${rule.Name}: compliant, ${resources(rule.Compliant)}`;
  const named = rule.Findings.slice(0, namedMax).map(({ ResourceId }) => ResourceId);
  const more = rule.NonCompliant - named.length;
  return (
    `${rule.Name}: ${rule.NonCompliant} of ${resources(rule.Compliant + rule.NonCompliant)} non-compliant: ` +
    `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  );
}

export function resources(count: number): string {
  return `${count} ${count === 1 ? 'resource' : 'resources'}`;
}
