/** AWS that wants to be asked later, through the real command line: waited for within the step's own time, told, and cancelled at once. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { motoMissing } from '../../lab/endpoint/moto.ts';
import type { Refusal } from '../../lab/endpoint/faults.ts';
import { raiseTestBed, type TestBed } from '../../lab/endpoint/test-bed.ts';
import { awsEnvironment } from '../../lab/world.ts';
import { openAccount, type Account } from '../compliance/account.ts';
import { Desk, idOf } from '../../support/command-line.ts';

const reason = motoMissing();

describe.skipIf(reason)(`AWS that says later${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let bed: TestBed;
  let desk: Desk;
  beforeAll(async () => {
    bed = await raiseTestBed();
  }, 60_000);
  afterAll(() => bed?.close());
  beforeEach(() => {
    desk = new Desk(awsEnvironment(bed.endpoint.url));
  });
  afterEach(() => {
    bed.endpoint.faults.clear();
    desk[Symbol.dispose]();
  });

  const refuses = (op: string, times: number, refuse: Refusal): void => {
    bed.endpoint.faults.add({ match: { op, times }, do: { refuse } });
  };
  const snapshotStep = (more: object = {}): object => ({
    schemaVersion: '0.3',
    mainSteps: [
      {
        name: 'Snap',
        action: 'aws:createSnapshot',
        ...more,
        inputs: { VolumeId: bed.dataVolume, Description: 'later' },
      },
    ],
  });
  const callsOf = (op: string): number => bed.endpoint.journal.calls(op).length;

  test.each([
    [
      'SnapshotCreationPerVolumeRateExceeded',
      'The maximum per volume CreateSnapshot request rate has been exceeded.',
    ],
    [
      'ConcurrentSnapshotLimitExceeded',
      'Maximum allowed in-progress snapshots for a single volume exceeded.',
    ],
    ['PendingSnapshotLimitExceeded', 'You have reached the maximum number of pending snapshots.'],
    ['RequestLimitExceeded', 'Request limit exceeded.'],
  ])(
    'to CreateSnapshot is waited for, nine times too, with no maxAttempts: %s',
    async (code, message) => {
      refuses('CreateSnapshot', 9, { code, message, retryAfterSeconds: 0.1 });
      desk.write('snap.yaml', snapshotStep());
      const before = callsOf('CreateSnapshot');
      const said = await desk.belay(['run', 'snap.yaml', '-y']);
      expect([said.code, said.stderr]).toEqual([0, expect.stringContaining('✔ Snap')]);
      expect(callsOf('CreateSnapshot') - before).toBe(10);
    },
    60_000,
  );

  test("waits as AWS says for a limit on what is pending, and ends with AWS's last words when the step's time is over", async () => {
    refuses('CreateSnapshot', 99, {
      code: 'PendingSnapshotLimitExceeded',
      message: 'You have reached the maximum number of pending snapshots.',
    });
    desk.write('snap.yaml', snapshotStep({ timeoutSeconds: 10 }));
    const before = callsOf('CreateSnapshot');
    const since = Date.now();
    const said = await desk.belay(['run', 'snap.yaml', '-y']);
    expect(said.code).toBe(1);
    expect(Date.now() - since).toBeLessThan(15_000);
    expect(said.stderr).toContain('the maximum number of pending snapshots');
    expect(said.stderr).toContain('Nothing is left changed');
    // Fifteen seconds would be longer than the ten that it has.
    expect(callsOf('CreateSnapshot') - before).toBe(1);
  }, 120_000);

  test('is left at once by a cancel, and nothing was done', async () => {
    refuses('CreateSnapshot', 99, {
      code: 'ConcurrentSnapshotLimitExceeded',
      message: 'Maximum allowed in-progress snapshots for a single volume exceeded.',
    });
    desk.write('snap.yaml', snapshotStep());
    const going = desk.start(['run', 'snap.yaml', '-y']);
    await going.writes(/▸ Snap/);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const since = Date.now();
    await desk.belay(['cancel', idOf(going.soFar())]);
    const said = await going.said;
    expect(said.stderr).toMatch(/Cancelled/);
    expect(said.stderr).toContain('Nothing is left changed');
    expect(Date.now() - since).toBeLessThan(10_000);
  }, 60_000);

  test('to a look before a step acts is waited for as well', async () => {
    refuses('DescribeTags', 6, {
      code: 'RequestLimitExceeded',
      message: 'Request limit exceeded.',
      status: 503,
      retryAfterSeconds: 0.1,
    });
    desk.write('tag.yaml', {
      schemaVersion: '0.3',
      mainSteps: [
        {
          name: 'Tag',
          action: 'aws:createTags',
          inputs: { ResourceIds: [bed.web], Tags: [{ Key: 'Later', Value: 'x' }] },
        },
      ],
    });
    expect((await desk.belay(['run', 'tag.yaml', '-y'])).code).toBe(0);
  }, 60_000);
});

describe.skipIf(reason)(
  `Config that says later${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let account: Account;
    let desk: Desk;
    beforeAll(async () => {
      account = await openAccount();
      await account.reset();
    }, 60_000);
    afterAll(() => account?.[Symbol.asyncDispose]());
    beforeEach(() => {
      desk = new Desk(awsEnvironment(account.endpoint.url));
      desk.write('check.yaml', {
        schemaVersion: '0.3',
        mainSteps: [
          {
            name: 'Check',
            action: 'config:checkRules',
            inputs: { Rules: ['encrypted-volumes'], MaxWaitSeconds: 5 },
          },
        ],
      });
    });
    afterEach(() => {
      account.endpoint.faults.clear();
      desk[Symbol.dispose]();
    });
    const refuses = (times: number, refuse: Refusal): void => {
      account.endpoint.faults.add({ match: { op: 'StartConfigRulesEvaluation', times }, do: { refuse } });
    };
    const throttled: Refusal = {
      code: 'ThrottlingException',
      message: 'Rate exceeded',
      retryAfterSeconds: 0.1,
    };

    test('nine times is asked a tenth time', async () => {
      refuses(9, throttled);
      const said = await desk.belay(['run', 'check.yaml', '-y']);
      expect([said.code, said.stderr]).toEqual([0, expect.stringContaining('rule')]);
    }, 60_000);

    test('all the time ends with MaxWaitSeconds, and with what Config said', async () => {
      refuses(9_999, throttled);
      const since = Date.now();
      const said = await desk.belay(['run', 'check.yaml', '-y']);
      expect(said.code).toBe(9);
      expect(said.stderr).toContain('Rate exceeded');
      expect(Date.now() - since).toBeGreaterThan(5_000);
    }, 60_000);

    test('and a rule that it never evaluates on demand is said at once', async () => {
      const message = 'The ConfigRule r2 is a service-linked rule that cannot be evaluated on demand.';
      refuses(9, { code: 'InvalidParameterValueException', message });
      const before = account.endpoint.journal.calls('StartConfigRulesEvaluation').length;
      const said = await desk.belay(['run', 'check.yaml', '-y']);
      expect(said.code).toBe(1);
      expect(said.stderr).toContain('service-linked rule that cannot be evaluated on demand');
      expect(account.endpoint.journal.calls('StartConfigRulesEvaluation').length - before).toBe(1);
    }, 60_000);
  },
);
