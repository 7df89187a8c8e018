/** What Config found: every page of a rule's answers, counted, with the non-compliant resources as far as they fit. */
import { createHash } from 'node:crypto';
import type { JsonObject } from '../../json.ts';
import { objectIn, objectsIn, pages, textIn } from '../aws/reply.ts';
import type { ActionContext } from '../define-action.ts';
import type { Trouble } from './readiness.ts';
import { resources, type Finding, type RuleStanding } from './standing.ts';

/** The most that GetComplianceDetailsByConfigRule gives at once. */
const pageSize = 100;
/** Bytes that the ids of all rules may take of a step's outputs, which have 64 KiB. */
const idBytesMax = 32_768;
/** The same for the findings. */
const findingBytesMax = 16_384;
const annotationCharactersMax = 160;

/** `share`: among how many rules the outputs are shared. `top`: how many findings at most. */
export interface Bounds {
  readonly share: number;
  readonly top: number;
}

/** Reads all pages. There is no filter by compliance: what Config has no word for must be seen, not filtered away. */
export async function readStanding(
  rule: string,
  evaluatedAt: string,
  { share, top }: Bounds,
  context: Pick<ActionContext, 'aws' | 'signal'>,
): Promise<RuleStanding> {
  const counts = { COMPLIANT: 0, NON_COMPLIANT: 0, NOT_APPLICABLE: 0, other: 0 };
  const found: Finding[] = [];
  const params = { ConfigRuleName: rule, Limit: pageSize };
  for await (const page of pages('config', 'GetComplianceDetailsByConfigRule', params, context)) {
    for (const result of objectsIn(page, 'EvaluationResults')) {
      const type = textIn(result, 'ComplianceType');
      counts[isCounted(type) ? type : 'other'] += 1;
      if (type === 'NON_COMPLIANT') found.push(asFinding(result));
    }
  }
  found.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const ids = within(found.map(nameOf), idBytesMax / share);
  const trouble = troubleIn(counts);
  return {
    ...unjudged(rule, trouble ?? { cause: '', reason: '' }, evaluatedAt),
    ...(trouble === null ? { Status: found.length > 0 ? 'NON_COMPLIANT' : 'COMPLIANT' } : {}),
    Compliant: counts.COMPLIANT,
    NonCompliant: counts.NON_COMPLIANT,
    NotApplicable: counts.NOT_APPLICABLE,
    Findings: within(found.slice(0, top), findingBytesMax / share),
    ResourceIds: ids,
    IsComplete: ids.length === found.length,
    ...(trouble === null ? { SetHash: setHash([rule, ...found.map(nameOf)]) } : {}),
  };
}

/** A rule of which nothing is known. */
export function unjudged(rule: string, { cause, reason }: Trouble, evaluatedAt = ''): RuleStanding {
  return {
    Name: rule,
    Status: 'UNDETERMINED',
    Cause: cause,
    Reason: reason,
    Compliant: 0,
    NonCompliant: 0,
    NotApplicable: 0,
    Findings: [],
    ResourceIds: [],
    IsComplete: false,
    SetHash: setHash([rule, 'UNDETERMINED', cause]),
    EvaluatedAt: evaluatedAt,
  };
}

/** Known violations stand even where something else is not known; without any, what is not known decides. */
function troubleIn(
  counts: Readonly<Record<'COMPLIANT' | 'NON_COMPLIANT' | 'NOT_APPLICABLE' | 'other', number>>,
): Trouble | null {
  if (counts.NON_COMPLIANT > 0) return null;
  if (counts.other > 0)
    return {
      cause: 'INSUFFICIENT_DATA',
      reason: `Config has no answer yet for ${resources(counts.other)}`,
    };
  if (counts.COMPLIANT > 0) return null;
  return {
    cause: 'NOTHING_JUDGED',
    reason:
      'Config has judged no resource by it (INSUFFICIENT_DATA): ' +
      'if the account has none of the kind, leave the rule out; else look whether the recorder has discovered them',
  };
}

function isCounted(type: string): type is 'COMPLIANT' | 'NON_COMPLIANT' | 'NOT_APPLICABLE' {
  return type === 'COMPLIANT' || type === 'NON_COMPLIANT' || type === 'NOT_APPLICABLE';
}

function asFinding(result: JsonObject): Finding {
  const qualifier = objectIn(objectIn(result, 'EvaluationResultIdentifier'), 'EvaluationResultQualifier');
  return {
    ResourceType: textIn(qualifier, 'ResourceType'),
    ResourceId: textIn(qualifier, 'ResourceId'),
    Annotation: textIn(result, 'Annotation').slice(0, annotationCharactersMax),
    RecordedAt: textIn(result, 'ResultRecordedTime'),
  };
}

/** `AWS::EC2::Volume vol-0b2c`. */
export function nameOf({ ResourceType, ResourceId }: Finding): string {
  return `${ResourceType} ${ResourceId}`;
}

function within<T>(entries: readonly T[], bytesMax: number): T[] {
  let bytes = 0;
  return entries.filter((entry) => {
    bytes += Buffer.byteLength(JSON.stringify(entry)) + 1;
    return bytes <= bytesMax;
  });
}

function setHash(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
}
