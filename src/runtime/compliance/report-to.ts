/**
 * Results where people look besides: SSM compliance items of managed nodes, and CloudWatch metrics. A report that fails changes
 * nothing of what was found; it is said. Only a whole check reports: an upload replaces what was there before as a whole.
 */
import { severities } from '../../compliance/index.ts';
import type { CheckRow, CompliancePlaces } from '../../journal/index.ts';
import type { JsonObject } from '../../json.ts';
import { AwsFailure, type Aws } from '../../transports/aws.ts';
import type { CheckOutcome } from './outcome.ts';
import { reportToSsm, type SsmPorts } from './report-to-ssm.ts';

export interface CallPorts {
  readonly aws: Aws;
  readonly signal: AbortSignal;
}

export interface ReportPorts extends CallPorts {
  /** The managed node that a host is; undefined: it is none. */
  readonly nodeOf: (host: string) => string | undefined;
  /** Of the set, latest first, this one included. */
  readonly checks: readonly CheckRow[];
  readonly places: CompliancePlaces;
}

/** Sentences about what could not be reported. */
export async function reportTo(outcome: CheckOutcome, ports: ReportPorts): Promise<string[]> {
  const { metricNamespace } = outcome.ruleSet.report;
  const troubles: string[] = [];
  const { nodeOf, places } = ports;
  await reportToSsm(outcome, { nodeOf, places, put: putItems(ports, troubles) });
  if (metricNamespace !== undefined) {
    const MetricData = metricsOf(outcome, ports.checks);
    const params = { Namespace: metricNamespace, MetricData };
    await call(ports, troubles, { service: 'cloudwatch', operation: 'PutMetricData', params }, [
      'CloudWatch metrics',
    ]);
  }
  return troubles;
}

/** `troubles` takes a sentence about what SSM refused, unless it was expected. */
export function putItems(ports: CallPorts, troubles: string[]): SsmPorts['put'] {
  return (about, params, expected) =>
    call(ports, troubles, { service: 'ssm', operation: 'PutComplianceItems', params }, [about, expected]);
}

/** The code of what was refused. */
async function call(
  { aws, signal }: CallPorts,
  troubles: string[],
  asked: { readonly service: string; readonly operation: string; readonly params: JsonObject },
  [about, expected]: readonly [about: string, expected?: string | undefined],
): Promise<string | undefined> {
  try {
    await aws.call({ ...asked, signal });
    return undefined;
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    if (error.code !== expected) troubles.push(`${about}: ${error.message} (${error.code})`);
    return error.code;
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
