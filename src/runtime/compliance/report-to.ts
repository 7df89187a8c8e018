/**
 * Results where people look besides: SSM compliance items of managed nodes, and CloudWatch metrics. A report that fails changes
 * nothing of what was found; it is said. Only a whole check reports: an upload replaces what was there before as a whole.
 */
import { severities, verdictOf, type Judged, type Look, type RuleSet } from '../../compliance/index.ts';
import type { CheckRow } from '../../journal/index.ts';
import type { JsonObject } from '../../json.ts';
import { AwsFailure, type Aws } from '../../transports/aws.ts';
import type { CheckOutcome } from './outcome.ts';

export interface ReportPorts {
  readonly aws: Aws;
  /** The managed node that a host is; undefined: it is none. */
  readonly nodeOf: (host: string) => string | undefined;
  /** Of the set, latest first, this one included. */
  readonly checks: readonly CheckRow[];
  readonly signal: AbortSignal;
}

/** PutComplianceItems takes so many. */
export const itemsMax = 10_000;
const titleMax = 500;
const detailMax = 4_096;

/** Sentences about what could not be reported. */
export async function reportTo(outcome: CheckOutcome, ports: ReportPorts): Promise<string[]> {
  const { ssmType, metricNamespace } = outcome.ruleSet.report;
  const troubles: string[] = [];
  const call = async (
    about: string,
    service: string,
    operation: string,
    params: JsonObject,
  ): Promise<void> => {
    try {
      await ports.aws.call({ service, operation, params, signal: ports.signal });
    } catch (error) {
      if (!(error instanceof AwsFailure)) throw error;
      troubles.push(`${about}: ${error.message} (${error.code})`);
    }
  };
  if (ssmType !== undefined) {
    for (const [host, looks] of Map.groupBy(outcome.looks, ({ target }) => target)) {
      const node = ports.nodeOf(host);
      if (node === undefined) continue;
      await call(
        `SSM compliance of ${host}`,
        'ssm',
        'PutComplianceItems',
        complianceItems(node, ssmType, looks, outcome),
      );
    }
  }
  if (metricNamespace !== undefined) {
    const MetricData = metricsOf(outcome, ports.checks);
    await call('CloudWatch metrics', 'cloudwatch', 'PutMetricData', {
      Namespace: metricNamespace,
      MetricData,
    });
  }
  return troubles;
}

/** The whole of a node under its type; what is over the bound of SSM is one item that says so. Pure. */
export function complianceItems(
  node: string,
  type: string,
  looks: readonly Look[],
  { ruleSet, checkId, endedAt }: Pick<CheckOutcome, 'ruleSet' | 'checkId' | 'endedAt'>,
): JsonObject {
  const items = looks.map((look) => itemOf(look, ruleSet));
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
function itemOf({ rule, judged }: Look, { rules }: RuleSet): JsonObject {
  const verdict = verdictOf(judged);
  const of = rules.find(({ name }) => name === rule);
  const wrong = judged.filter(({ kind }) => kind !== 'kept').map(sentence);
  const says = wrong.length === 0 ? 'as it must be' : wrong.join('; ');
  return {
    Id: rule,
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

/** Pure. */
export function metricsOf(outcome: CheckOutcome, checks: readonly CheckRow[]): JsonObject[] {
  const { ruleSet, open, endedAt } = outcome;
  const Timestamp = new Date(endedAt).toISOString();
  const datum = (MetricName: string, Value: number, Unit: string, more: JsonObject[] = []): JsonObject => ({
    MetricName,
    Value,
    Unit,
    Timestamp,
    Dimensions: [{ Name: 'File', Value: ruleSet.name }, ...more],
  });
  const broken = open.filter(({ status }) => status === 'open');
  const success = checks.find(
    ({ isWhole, verdict }) => isWhole && (verdict === 'COMPLIANT' || verdict === 'NON_COMPLIANT'),
  );
  return [
    ...severities.map((severity) =>
      datum('OpenFindings', broken.filter((finding) => finding.severity === severity).length, 'Count', [
        { Name: 'Severity', Value: severity },
      ]),
    ),
    datum('OpenFindings', broken.length, 'Count'),
    datum('UnknownFindings', open.filter(({ code }) => code !== '').length, 'Count'),
    // Without any check that knew everything there is no age; the alarm on missing data is for that.
    ...(success?.endedAt === null || success === undefined
      ? []
      : [datum('LastKnownAgeSeconds', Math.max(0, (endedAt - success.endedAt) / 1_000), 'Seconds')]),
  ];
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).toWellFormed()}…`;
}
