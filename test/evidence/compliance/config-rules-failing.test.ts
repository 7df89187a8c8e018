/**
 * runbooks/compliance/check-config-rules.yaml failed after each of its steps, and killed between its messages: nothing in the account is
 * changed, by the endpoint's journal; what was said cannot be unsaid, and is named. CI draws one place by a seed (BELAY_SEED draws the
 * same); BELAY_FAULTS=all takes every one.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { motoMissing } from '../../lab/endpoint/moto.ts';
import { until } from '../../lab/endpoint/test-bed.ts';
import { awsEnvironment } from '../../lab/world.ts';
import { Desk, idOf } from '../../support/command-line.ts';
import { accidentName, failingAfter, placesIn, shippedFile, type Accident } from '../failing-step.ts';
import { isThorough, pick, seed } from '../sample.ts';
import { expectTrouble } from '../trouble/expect-trouble.ts';
import { openAccount, type Account } from './account.ts';
import type { Heard } from './subscriber.ts';

const runbook = 'compliance/check-config-rules';
const reason = motoMissing();
const encryption = 's3-bucket-server-side-encryption-enabled';

/** The account is not the one that was meant. */
const accident: Accident = () => ({
  action: 'aws:assertAwsResourceProperty',
  inputs: {
    Service: 'sts',
    Api: 'GetCallerIdentity',
    PropertySelector: '$.Account',
    DesiredValues: ['000000000000'],
  },
});

/** What the runbook may ask of an account by the time that it is behind the place, beside reading. */
const spoken = {
  Check: ['StartConfigRulesEvaluation'],
  Alert: ['StartConfigRulesEvaluation', 'Publish', 'PutParameter'],
  Count: ['StartConfigRulesEvaluation', 'Publish', 'PutParameter', 'PutMetricData'],
  Require: ['StartConfigRulesEvaluation', 'PutMetricData'],
} as const;
type Place = keyof typeof spoken;
const places = placesIn(runbook) as [Place, ...Place[]];

describe.skipIf(reason)(
  `a check of Config rules that fails, BELAY_SEED=${seed}${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 60_000 },
  () => {
    let account: Account;
    let desk: Desk;
    let topic = '';
    let topics = 0;
    beforeAll(async () => {
      account = await openAccount();
    }, 60_000);
    afterAll(async () => {
      await account?.[Symbol.asyncDispose]();
      expect(account?.subscriber.forged).toEqual([]);
      expect(account?.endpoint.problems).toEqual([]);
    });
    beforeEach(async () => {
      desk = new Desk(awsEnvironment(account.endpoint.url));
      topic = await account.topic(`failing-${(topics += 1)}.fifo`);
    });
    afterEach(async () => {
      desk[Symbol.dispose]();
      account.endpoint.faults.clear();
      await account.reset();
      account.subscriber.take();
    });

    const words = (file: string): string[] => ['run', file, '-p', `TopicArn=${topic}`];
    const changing = (since: number): Set<string> =>
      new Set(
        account.endpoint.journal
          .calls()
          .slice(since)
          .map(({ operation }) => operation),
      );
    /** Subjects, once it is as many as this, and a little later still. */
    async function told(count: number): Promise<string[]> {
      const heard: Heard[] = [];
      const take = (): number => heard.push(...account.subscriber.take());
      if (count > 0) await until(take, (length) => length >= count);
      await new Promise((resolve) => setTimeout(resolve, 150));
      take();
      return heard.map(({ subject }) => subject).toSorted((a, b) => (a < b ? -1 : 1));
    }

    for (const place of isThorough ? places : [pick('failed after', places)]) {
      test(`failed after ${place}: nothing in the account is changed, and what was told is named, and told no second time`, async () => {
        // Behind Require only a compliant run comes.
        if (place !== 'Require') await account.bucket('open', false);
        const file = desk.write('failing.yaml', failingAfter(runbook, place, accident));
        const then = account.endpoint.journal.calls().length;
        const said = await desk.belay(words(file));
        const isTold = place === 'Alert' || place === 'Count';
        expectTrouble(
          said,
          1,
          accidentName,
          'Nothing is left changed',
          ...(isTold ? [`told of ${encryption}`] : []),
        );
        expect(changing(then)).toEqual(new Set(spoken[place]));
        expect(await told(isTold ? 1 : 0)).toHaveLength(isTold ? 1 : 0);

        // What was told is remembered: the whole runbook does not tell it again.
        const whole = await desk.belay(words(shippedFile(runbook)));
        expectTrouble(
          whole,
          place === 'Require' ? 0 : 8,
          isTold || place === 'Require' ? 'nothing new to tell' : 'told of',
        );
        expect(await told(isTold || place === 'Require' ? 0 : 1)).toHaveLength(
          isTold || place === 'Require' ? 0 : 1,
        );
      });
    }

    test('killed between two messages, it is resumed, and each is told once', async () => {
      await account.bucket('open', false);
      await account.volume('/dev/sdf', false);
      account.endpoint.faults.add({ match: { op: 'Publish', nth: 2 }, do: { delayMs: 800 } });
      const going = desk.start(words(shippedFile(runbook)));
      await until(
        () => account.endpoint.faults.played()[0]?.times ?? 0,
        (times) => times > 0,
        30_000,
      );
      going.process.kill('SIGKILL');
      expectTrouble(await desk.belay(['resume', idOf(await going.said)]), 8, 'NON_COMPLIANT');
      expect(await told(2)).toEqual([
        'NON_COMPLIANT encrypted-volumes: 1 resource',
        `NON_COMPLIANT ${encryption}: 1 resource`,
      ]);
    });
  },
);
