/** src/actions/cloudwatch/put-metric.ts: what goes over the wire, and that every sending carries the same time. */
import { expect, test } from 'vitest';
import { putMetric } from '../../../src/actions/cloudwatch/put-metric.ts';
import type { JsonObject } from '../../../src/json.ts';
import { AwsFailure } from '../../../src/transports/aws.ts';
import { carryOut, observe, run } from '../../support/action-bed.ts';
import { fakeStage } from '../config/fake-stage.ts';

const inputs = { Namespace: 'Belay/Compliance', MetricName: 'RulesNotCompliant', Value: 0 };

test('the datum stands at the time that was observed, whole, without a unit or dimensions that nobody gave', async () => {
  const sent: JsonObject[] = [];
  const stage = fakeStage({ 'cloudwatch:PutMetricData': (params) => (sent.push(params), {}) });
  const { before, ending } = await run(putMetric, inputs, stage);
  expect(ending).toMatchObject({ kind: 'done', outputs: before });
  expect(sent).toEqual([
    {
      Namespace: 'Belay/Compliance',
      MetricData: [
        {
          MetricName: 'RulesNotCompliant',
          Timestamp: (before as JsonObject)['Timestamp'],
          Value: 0,
          Unit: 'None',
        },
      ],
    },
  ]);
});

test('what is sent again after a lost reply has the time of the first', async () => {
  const times: string[] = [];
  const stage = fakeStage({
    'cloudwatch:PutMetricData': (params) => {
      times.push(JSON.stringify(params['MetricData']));
      if (times.length === 1)
        throw new AwsFailure({ code: 'NO_REPLY', message: 'lost', retryable: true, effect: 'unknown' });
      return {};
    },
  });
  const before = await observe(putMetric, inputs, stage);
  await expect(carryOut(putMetric, inputs, before, stage)).rejects.toMatchObject({ code: 'NO_REPLY' });
  await stage.wait(60_000);
  await carryOut(putMetric, inputs, before, stage);
  expect(times[1]).toBe(times[0]);
});
