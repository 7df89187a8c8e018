/** cloudwatch:putMetric: one datum of a custom metric, at a time that is fixed before it is sent. */
import { Type, type Static } from 'typebox';
import { defineAction, done } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { callAws } from '../../transports/aws-calls.ts';

/** CloudWatch refuses more (API reference, MetricDatum). */
const dimensionsMax = 30;

const units = [
  'None',
  'Count',
  'Percent',
  'Seconds',
  'Milliseconds',
  'Microseconds',
  'Bytes',
  'Kilobytes',
  'Megabytes',
  'Gigabytes',
  'Terabytes',
  'Bits',
  'Kilobits',
  'Megabits',
  'Gigabits',
  'Terabits',
  'Count/Second',
  'Bytes/Second',
  'Kilobytes/Second',
  'Megabytes/Second',
  'Gigabytes/Second',
  'Terabytes/Second',
  'Bits/Second',
  'Kilobits/Second',
  'Megabits/Second',
  'Gigabits/Second',
  'Terabits/Second',
] as const;

const inputs = strictObject({
  Namespace: Type.String({
    pattern: '^(?!AWS/)[A-Za-z0-9._/#-][A-Za-z0-9._/#: -]{0,254}$',
    description: 'Not AWS/…, which CloudWatch keeps for the services.',
  }),
  MetricName: Type.String({ minLength: 1, maxLength: 255 }),
  Value: Type.Number({ description: 'One number.' }),
  Unit: Type.Optional(
    Type.Unsafe<(typeof units)[number]>(
      Type.Union(
        units.map((unit) => Type.Literal(unit)),
        { default: 'None' },
      ),
    ),
  ),
  Dimensions: Type.Optional(
    Type.Record(
      Type.String({ pattern: '^[^:\\s][^\\r\\n]{0,254}$' }),
      Type.String({ minLength: 1, maxLength: 1_024 }),
      {
        maxProperties: dimensionsMax,
        description:
          'Name to value. Metrics of one name with other dimensions are other metrics; an alarm names them all.',
      },
    ),
  ),
});
type Inputs = Static<typeof inputs>;

export const putMetric = defineAction({
  name: 'cloudwatch:putMetric',
  summary: 'Puts one datum of a custom metric into CloudWatch.',
  source: 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html',
  example: `
- name: Count
  action: cloudwatch:putMetric
  inputs:
    Namespace: Belay/Compliance
    MetricName: RulesNotCompliant
    Value: '{{ Check.RulesNotCompliant }}'
    Unit: Count
    Dimensions: { Runbook: check-config-rules }
`,
  inputs,
  outputs: strictObject({
    Timestamp: Type.String({ description: 'UTC, ISO 8601: the time of the datum.' }),
  }),
  timeoutSeconds: 60,
  permissions: () => ['cloudwatch:PutMetricData'],
  targets: ({ Namespace, MetricName }) => [`${Namespace}/${MetricName}`],
  hasHostTargets: false,

  /** The datum's own time. It is journaled before the datum is sent, so that every sending carries the same. */
  observe: (_inputs, context) => Promise.resolve({ Timestamp: new Date(context.now()).toISOString() }),

  /**
   * Repeatable with a limit that is stated: PutMetricData takes no token, and a datum cannot be asked for (statistics merge
   * it with its neighbours, minutes later). When a reply is lost or the runner dies, the datum is sent again *at the same
   * time*: Minimum, Maximum and Average stay right, SampleCount and Sum count it twice. Alarms on metrics of this action
   * should use Maximum. A datum that is missing would be worse: it looks like a check that did not run.
   */
  effect: {
    kind: 'repeatable',
    execute: async (inputs: Inputs, before, { aws, signal }) => {
      const { Timestamp } = before;
      const dimensions = Object.entries(inputs.Dimensions ?? {});
      await callAws(aws, {
        service: 'cloudwatch',
        operation: 'PutMetricData',
        params: {
          Namespace: inputs.Namespace,
          MetricData: [
            {
              MetricName: inputs.MetricName,
              Timestamp,
              Value: inputs.Value,
              Unit: inputs.Unit ?? 'None',
              ...(dimensions.length > 0
                ? { Dimensions: dimensions.map(([Name, Value]) => ({ Name, Value })) }
                : {}),
            },
          ],
        },
        signal,
      });
      return done(
        { Timestamp },
        {
          note: `${inputs.MetricName} ${inputs.Value}${inputs.Unit === undefined ? '' : ` ${inputs.Unit}`}`,
        },
      );
    },
  },

  /** A datum is a word about the world, as an alert is: it changes nothing that a rollback could be expected to put back. */
  undo: {
    kind: 'none',
    reason: 'a datum cannot be removed from a metric; it expires with the metric’s retention',
    leavesChange: false,
  },
});
