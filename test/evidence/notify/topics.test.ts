/** SNS as a channel: a listener that checks every signature, a topic that loses replies and throttles, FIFO and standard. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { motoMissing } from '../../lab/endpoint/moto.ts';
import { until } from '../../lab/endpoint/test-bed.ts';
import { awsEnvironment } from '../../lab/world.ts';
import { failedPatch } from '../../cli/story.ts';
import { NotifyBed } from '../../runtime/notify/bed.ts';
import { tell } from './tell.ts';
import { Desk } from '../../support/command-line.ts';
import { openAccount, type Account } from '../compliance/account.ts';
import type { Heard } from '../compliance/subscriber.ts';

const reason = motoMissing();
const failing = `schemaVersion: '0.3'
rollback: { when: never }
mainSteps:
  - { name: Fail, action: 'host:command', inputs: { Host: here, Script: 'exit 3' }, undo: { none: looks } }
`;

describe.skipIf(reason)(`topics as channels${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let account: Account;
  let desk: Desk;

  beforeAll(async () => {
    account = await openAccount();
  }, 60_000);
  afterAll(async () => {
    await account?.[Symbol.asyncDispose]();
    expect(account?.subscriber.forged).toEqual([]);
  });
  beforeEach(() => {
    desk = new Desk(awsEnvironment(account.endpoint.url));
  });
  afterEach(() => {
    desk[Symbol.dispose]();
    account.endpoint.faults.clear();
    account.subscriber.take();
  });

  async function told(count: number): Promise<Heard[]> {
    const heard: Heard[] = [];
    await until(
      () => heard.push(...account.subscriber.take()),
      (length) => length >= count,
      20_000,
    );
    // One too many would be on its way already.
    await new Promise((resolve) => setTimeout(resolve, 200));
    heard.push(...account.subscriber.take());
    return heard;
  }

  const configure = (sns: string): string =>
    desk.write('belay.yaml', `hosts: { here: { transport: local } }\nnotify: { ops: { sns: '${sns}' } }\n`);

  test('a failure reaches a listener of the topic, with attributes to filter by', async () => {
    configure(await account.topic('belay-standard'));
    const said = await desk.belay(['run', desk.write('bad.yaml', failing)]);
    expect(said).toMatchObject({ code: 1 });
    const [only, ...others] = await told(1);
    expect(others).toEqual([]);
    expect(only?.subject).toBe('bad failed at Fail on here');
    expect(only?.text).toContain('belay show ');
    expect(only?.attributes).toMatchObject({ event: 'runFailed' });
  });

  test('a lost reply is told once by a FIFO topic, under one deduplication id', async () => {
    using bed = new NotifyBed(`  ops: { sns: '${await account.topic('belay-ordered.fifo')}' }`);
    void bed.notifier().outbox;
    await bed.happened('1RS0ABCDEFGH', failedPatch);
    account.endpoint.faults.add({ match: { op: 'Publish', nth: 1 }, do: 'lost-reply' });
    const env = awsEnvironment(account.endpoint.url);
    const first = await tell({ state: bed.state, now: bed.now, env });
    expect(JSON.parse(first.stdout)).toMatchObject({ troubles: [{ channel: 'ops', attempts: 1 }] });
    const second = await tell({ state: bed.state, now: bed.now + 10_000, env });
    expect(JSON.parse(second.stdout)).toMatchObject({ troubles: [] });
    expect((await told(1)).map(({ subject }) => subject)).toEqual([
      'patch-postgresql failed at VerifyData on db1',
    ]);
    expect(bed.notifier().outbox.waiting()).toEqual([]);
  });

  test("a runbook's own topic is told by the same way, and an unreachable one changes no ending", async () => {
    const topic = await account.topic('belay-own');
    desk.write('belay.yaml', 'hosts: { here: { transport: local } }\n');
    const file = desk.write('bad.yaml', `${failing}notify: { sns: '${topic}' }\n`);
    expect(await desk.belay(['run', file])).toMatchObject({ code: 1 });
    expect((await told(1)).map(({ subject }) => subject)).toEqual(['bad failed at Fail on here']);
    const gone = desk.write('gone.yaml', `${failing}notify: { sns: '${topic}-gone' }\n`);
    const said = await desk.belay(['run', gone]);
    expect(said.code).toBe(1);
    expect(said.stderr).toMatch(/not told yet, NotFound/);
  });
});
