/** Alarms of CloudWatch that stop an execution (reference 5.5): real executions, CloudWatch's answers from the test. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AlarmSetting } from '../../src/journal/index.ts';
import type { JsonObject } from '../../src/json.ts';
import { AlarmWatch } from '../../src/runtime/alarm-watch.ts';
import { Belay } from '../../src/runtime/belay.ts';
import { openTransports } from '../../src/runtime/transports.ts';
import type { Aws } from '../../src/transports/aws.ts';

let dir: string;
let belay: Belay;
let answer: () => JsonObject;
let asked: JsonObject[];

const aws: Aws = {
  call: async ({ params }) => {
    asked.push(params ?? {});
    return answer();
  },
  identity: () => Promise.reject(new Error('nobody asked')),
  assume: () => aws,
};
const inState = (StateValue: string) => () => ({
  MetricAlarms: [{ AlarmName: 'cpu', StateValue, StateReason: 'too hot' }],
});

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-alarm-'));
  asked = [];
  belay = new Belay({
    state: join(dir, 'state'),
    cwd: dir,
    env: { ...process.env, HOME: dir },
    stdin: () => Promise.resolve(''),
    openTransports: async (options) => ({ ...(await openTransports(options)), aws }),
  });
});
afterEach(() => {
  belay.close();
  rmSync(dir, { recursive: true });
});

async function run(alarm: Partial<AlarmSetting> = {}) {
  const file = join(dir, 'wait.yaml');
  writeFileSync(
    file,
    "schemaVersion: '0.3'\nmainSteps: [{ name: Wait, action: 'aws:sleep', inputs: { Duration: PT1S } }]\n",
  );
  const setting = { name: 'cpu', ignorePollFailure: false, ...alarm };
  const { id } = await belay.start({
    file,
    texts: {},
    values: {},
    secrets: {},
    sandbox: false,
    alarm: setting,
  });
  const told: string[] = [];
  await belay.run(id, { onWait: 'leave', onTold: (text) => told.push(text) });
  return { view: await belay.view(id), told };
}

describe('an execution with an alarm', () => {
  test.each(['OK', 'INSUFFICIENT_DATA'])('goes on in the state %s', async (state) => {
    answer = inState(state);
    const { view, told } = await run();
    expect(view.status).toBe('Success');
    expect(view.triggeredAlarm).toBeUndefined();
    expect(told).toEqual([]);
    expect(asked).toEqual([{ AlarmNames: ['cpu'], AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] }]);
  });

  test('is stopped before its first step where the alarm is in the state ALARM already, and says so', async () => {
    answer = inState('ALARM');
    const { view, told } = await run();
    expect(view).toMatchObject({ status: 'Cancelled', triggeredAlarm: { name: 'cpu', state: 'ALARM' } });
    expect(told).toEqual(['the alarm cpu is in the state ALARM (too hot): the execution is stopped']);
  });

  test('is stopped by a composite alarm as by any other', async () => {
    answer = () => ({ MetricAlarms: [], CompositeAlarms: [{ AlarmName: 'cpu', StateValue: 'ALARM' }] });
    expect((await run()).view.triggeredAlarm).toEqual({ name: 'cpu', state: 'ALARM' });
  });

  test.each<[string, () => JsonObject]>([
    ['there is none of that name', () => ({ MetricAlarms: [], CompositeAlarms: [] })],
    ['it has a state that CloudWatch does not have', inState('SHRUG')],
    [
      'CloudWatch does not answer',
      () => {
        throw new Error('no reply');
      },
    ],
  ])('is stopped where %s, unless it may go on then', async (_why, reply) => {
    answer = reply;
    const { view, told } = await run();
    expect(view).toMatchObject({ status: 'Cancelled', triggeredAlarm: { name: 'cpu', state: 'UNKNOWN' } });
    expect(told[0]).toMatch(/^the alarm cpu cannot be read: .+: the execution is stopped$/);
    expect((await run({ ignorePollFailure: true })).view.status).toBe('Success');
  });

  test('is looked after again and again, and stopped when the alarm goes off', async () => {
    let looks = 0;
    answer = () => inState((looks += 1) < 3 ? 'OK' : 'ALARM')();
    const { promise, resolve } = Promise.withResolvers<string>();
    const said: string[] = [];
    const journal = {
      signal: async (_id: string, name: string) => said.push(name) > 0,
      requestCancel: async () => void said.push('cancel'),
    };
    await using watch = new AlarmWatch({
      executionId: 'X',
      journal: journal as never,
      aws,
      alarm: { name: 'cpu', ignorePollFailure: false },
      tell: resolve,
      now: Date.now,
      everyMs: 5,
    });
    await watch.start();
    expect(await promise).toContain('is in the state ALARM');
    expect(said).toEqual(['alarm', 'cancel']);
    expect(looks).toBe(3);
  });
});
