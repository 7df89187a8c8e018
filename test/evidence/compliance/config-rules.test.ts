/**
 * runbooks/compliance/check-config-rules.yaml through the real command line, against an endpoint that really judges buckets,
 * volumes and databases and really brings messages to a listener who checks their signatures.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { motoMissing } from '../../lab/endpoint/moto.ts';
import { until } from '../../lab/endpoint/test-bed.ts';
import { awsEnvironment } from '../../lab/world.ts';
import { Desk, idOf, type Said, type Way } from '../../support/command-line.ts';
import { expectTrouble } from '../trouble/expect-trouble.ts';
import { openAccount, type Account } from './account.ts';
import type { Heard } from './subscriber.ts';

const runbook = fileURLToPath(
  new URL('../../../runbooks/compliance/check-config-rules.yaml', import.meta.url),
);
const reason = motoMissing();

describe.skipIf(reason)(`checking Config rules${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let account: Account;
  let desk: Desk;
  let topics = 0;
  let topic = '';

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
    // A topic of its own remembers nothing of the other tests.
    topic = await account.topic(`alarms-${(topics += 1)}`);
  });
  afterEach(async () => {
    desk[Symbol.dispose]();
    account.endpoint.faults.clear();
    await account.reset();
    account.subscriber.take();
  });

  const words = (more: readonly string[] = []): string[] => [
    'run',
    runbook,
    '-p',
    `TopicArn=${topic}`,
    ...more,
  ];
  const run = (more: readonly string[] = [], way: Way = {}): Promise<Said> => desk.belay(words(more), way);

  /** Until the fault that was ordered has been met. */
  const played = (): Promise<number> =>
    until(
      () => account.endpoint.faults.played()[0]?.times ?? 0,
      (times) => times > 0,
      30_000,
    );

  /** What the listener has been told, once it is as much as was published, retries aside. */
  async function told(count: number): Promise<Heard[]> {
    const heard: Heard[] = [];
    if (count > 0)
      await until(
        () => heard.push(...account.subscriber.take()),
        (length) => length >= count,
      );
    // One too many would be on its way already.
    await new Promise((resolve) => setTimeout(resolve, 150));
    heard.push(...account.subscriber.take());
    expect(heard.map(({ subject }) => subject)).toHaveLength(count);
    return heard.toSorted((a, b) => (a.subject < b.subject ? -1 : 1));
  }

  test('compliant ends 0, tells nobody, and counts a zero', async () => {
    const said = await run();
    expect(said).toMatchObject({ code: 0 });
    expect(said.stderr).toContain('3 rules compliant');
    expect(said.stderr).toContain('Nothing was changed');
    await told(0);
    expect(await account.metric('RulesNotCompliant')).toMatchObject([{ Maximum: 0, SampleCount: 1 }]);
  }, 60_000);

  test('non-compliant tells of each rule once with its findings and ends 8; what is fixed is told once, and ends 0', async () => {
    await account.bucket('open', false);
    const volume = await account.volume('/dev/sdf', false);
    const first = await run();
    expectTrouble(
      first,
      8,
      'NON_COMPLIANT',
      '2 of 3 rules non-compliant',
      'open',
      volume,
      'Nothing is left changed',
    );
    const [ofVolumes, ofBuckets] = await told(2);
    expect(ofBuckets).toMatchObject({
      subject: 'NON_COMPLIANT s3-bucket-server-side-encryption-enabled: 1 resource',
      attributes: {
        'belay.rule': 's3-bucket-server-side-encryption-enabled',
        'belay.status': 'NON_COMPLIANT',
      },
    });
    expect(ofBuckets?.text).toContain('AWS::S3::Bucket open');
    expect(ofBuckets?.text).toContain(`belay show ${idOf(first)}`);
    expect(ofVolumes?.text).toContain(`AWS::EC2::Volume ${volume}`);
    expect(ofVolumes?.text).toContain('1 non-compliant, 1 compliant');
    expect(await account.metric('RulesNotCompliant')).toMatchObject([{ Maximum: 2 }]);

    const second = await run();
    expectTrouble(second, 8, 'nothing new to tell');
    await told(0);

    // One fixed, one new: the set is another, though it has as many.
    await account.bucket('ajar', false);
    await account.dropBucket('open');
    await account.releaseVolume(volume);
    expectTrouble(await run(), 8, '1 of 3 rules non-compliant');
    const [changed, resolved] = await told(2);
    expect(changed?.subject).toBe(
      'NON_COMPLIANT s3-bucket-server-side-encryption-enabled: 1 resource, 1 new, 1 fixed',
    );
    expect(changed?.text).toMatch(
      /New \(1\):\n {2}AWS::S3::Bucket ajar[\s\S]*Fixed \(1\):\n {2}AWS::S3::Bucket open/,
    );
    expect(resolved?.subject).toBe('RESOLVED encrypted-volumes: compliant again');
    expect(resolved?.text).toContain(`after ${ofVolumes?.id}`);

    await account.dropBucket('ajar');
    expect((await run()).code).toBe(0);
    expect((await told(1))[0]?.subject).toMatch(/^RESOLVED s3-bucket/);
  }, 90_000);

  test('a rule that was deleted ends 9 and is told once, and what is not known is never called compliant', async () => {
    await account.deleteRule('encrypted-volumes');
    const said = await run();
    expectTrouble(said, 9, 'UNDETERMINED', 'no Config rule of the name "encrypted-volumes"', 'deleted');
    expect(said.stderr).not.toContain('3 rules compliant');
    expect(await told(1)).toMatchObject([
      {
        subject: 'UNDETERMINED encrypted-volumes: RULE_MISSING',
        attributes: { 'belay.status': 'UNDETERMINED' },
      },
    ]);
    expectTrouble(await run(), 9, 'nothing new to tell');
    await told(0);
    await account.putRule('encrypted-volumes');
    expect((await run()).code).toBe(0);
    expect((await told(1))[0]?.subject).toBe('RESOLVED encrypted-volumes: compliant again');
  }, 60_000);

  test('a recorder that is off ends 9, though Config still shows its last answers', async () => {
    await account.stopRecording();
    const said = await run();
    expectTrouble(said, 9, '3 of 3 rules undetermined', 'switched off', 'StartConfigurationRecorder');
    expect((await told(3)).map(({ subject }) => subject)).toEqual([
      'UNDETERMINED encrypted-volumes: RECORDER_OFF',
      'UNDETERMINED rds-storage-encrypted: RECORDER_OFF',
      'UNDETERMINED s3-bucket-server-side-encryption-enabled: RECORDER_OFF',
    ]);
  }, 60_000);

  test('a recorder that leaves out what a rule judges, and a rule that has judged nothing, end 9', async () => {
    await account.record(['AWS::S3::Bucket', 'AWS::RDS::DBInstance']);
    await account.dropDatabase('ledger');
    const said = await run();
    expectTrouble(said, 9, 'does not record AWS::EC2::Volume', 'INSUFFICIENT_DATA', 'leave the rule out');
    expect(said.stderr).toContain('2 of 3 rules undetermined');
    await told(2);
  }, 60_000);

  test('a violation that is known ends 8 even where another rule is not known', async () => {
    await account.bucket('open', false);
    await account.deleteRule('rds-storage-encrypted');
    expectTrouble(await run(), 8, '1 of 3 rules non-compliant, 1 of 3 rules undetermined');
    await told(2);
  }, 60_000);

  test('more findings than a page are all counted, and the message names the first', async () => {
    const names = Array.from({ length: 130 }, (_, index) => `many-${String(index).padStart(3, '0')}`);
    for (const name of names) await account.bucket(name, false);
    expectTrouble(
      await run(),
      8,
      '130 of 131 resources non-compliant',
      'many-000, many-001, many-002 and 127 more',
    );
    const [message] = await told(1);
    expect(message?.subject).toContain('130 resources');
    expect(message?.text).toContain('and 110 more');
    await account.dropBucket('many-129');
    expectTrouble(await run(), 8, '129 of 130');
    expect((await told(1))[0]?.text).toMatch(
      /Still \(129\)[\s\S]*Fixed \(1\):\n {2}AWS::S3::Bucket many-129/,
    );
  }, 90_000);

  describe('with something to tell', () => {
    beforeEach(() => account.bucket('open', false));

    test('a topic that does not exist ends 1, with what nobody was told', async () => {
      topic = 'arn:aws:sns:eu-west-1:123456789012:no-such-topic';
      const said = await run();
      expectTrouble(
        said,
        1,
        'NotFound',
        'Check TopicArn',
        'Nobody was told of s3-bucket-server-side',
        'open',
      );
    }, 60_000);

    test('a topic without a confirmed subscription ends 1, since nobody would hear', async () => {
      topic = await account.deafTopic(`deaf-${(topics += 1)}`);
      expectTrouble(
        await run(),
        1,
        'NOBODY_LISTENS',
        'no confirmed subscription',
        'Nobody was told of s3-bucket',
      );
    }, 60_000);

    test('a right that is missing is named, and ends 1', async () => {
      account.endpoint.faults.add({ match: { op: 'StartConfigRulesEvaluation' }, do: { deny: true } });
      expectTrouble(await run(), 1, 'AccessDenied', 'config StartConfigRulesEvaluation in eu-west-1');
      account.endpoint.faults.clear();
      account.endpoint.faults.add({ match: { op: 'Publish' }, do: { deny: true } });
      expectTrouble(await run(), 1, 'AccessDenied', 'sns Publish', 'Nobody was told of s3-bucket');
      await told(0);
    }, 60_000);

    test('an evaluation that runs already is waited out, and ours follows', async () => {
      const calls = () => account.endpoint.journal.calls('StartConfigRulesEvaluation');
      const before = calls().length;
      account.endpoint.faults.add({
        match: { op: 'StartConfigRulesEvaluation', nth: 1 },
        do: { delayMs: 300 },
      });
      const going = desk.start(words());
      await played();
      await account.evaluate('s3-bucket-server-side-encryption-enabled');
      expectTrouble(await going.said, 8, '1 of 3 rules non-compliant');
      const starts = calls()
        .slice(before)
        .map(({ errorCode = 'started' }) => errorCode);
      expect([starts[0], starts.at(-1)]).toEqual(['started', 'started']);
      expect(new Set(starts.slice(1, -1))).toEqual(new Set(['LimitExceededException']));
    }, 60_000);

    test.each([
      ['between evaluation and message', 'alarms', 'GetTopicAttributes'],
      ['while a message to a FIFO topic is on its way', 'alarms.fifo', 'Publish'],
    ])(
      'a runner killed %s is taken over, and tells once',
      async (_when, name, op) => {
        topic = await account.topic(`killed-${(topics += 1)}-${name}`);
        account.endpoint.faults.add({ match: { op, nth: 1 }, do: { delayMs: 800 } });
        const going = desk.start(words());
        await played();
        going.process.kill('SIGKILL');
        const killed = await going.said;
        expect(killed.code).toBeNull();
        const resumed = await desk.belay(['resume', idOf(killed)]);
        expectTrouble(resumed, 8, 'NON_COMPLIANT');
        await told(1);
      },
      60_000,
    );

    test('a reply that was lost is sent again: a FIFO topic tells once, a standard one twice under one key', async () => {
      const lose = (): void => {
        account.endpoint.faults.clear();
        account.endpoint.faults.add({ match: { op: 'Publish', nth: 1 }, do: 'lost-reply' });
      };
      lose();
      expectTrouble(await run(), 8, 'told of s3-bucket');
      const twice = await told(2);
      expect(new Set(twice.map(({ attributes }) => attributes['belay.key'])).size).toBe(1);
      topic = await account.topic(`lost-${(topics += 1)}.fifo`);
      lose();
      expectTrouble(await run(), 8, 'told of s3-bucket');
      await told(1);
    }, 60_000);
  });
});
