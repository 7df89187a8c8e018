/** One fault at a time over the sandbox: which effect it meets, and what is left of it in the world. */
import { describe, expect, it } from 'vitest';
import { observeService, setService } from '../../src/actions/scripts/service.ts';
import {
  memoryWorld,
  newWorld,
  sandboxAws,
  sandboxHost,
  sandboxIds,
  withFault,
  type FaultKind,
} from '../../src/world/index.ts';
import { fakeClock } from './fake-clock.ts';

const signal = AbortSignal.timeout(60_000);

function setUp(effect: number, kind: FaultKind) {
  const world = memoryWorld(newWorld(), fakeClock());
  const ports = { aws: sandboxAws(world), host: (name: string) => sandboxHost(world, name) };
  const faulty = withFault(ports, { effect, kind });
  const db1 = faulty.host('db1');
  if (!db1) throw new Error('the sandbox has no db1');
  const snapshot = () =>
    faulty.aws.call({
      service: 'ec2',
      operation: 'create_snapshot',
      params: { VolumeId: sandboxIds.db1Data },
    });
  const stop = (token: string) =>
    db1.start(token, setService(['postgresql@15-main', 'stopped', '-']), { signal });
  return { world, faulty, db1, snapshot, stop };
}

describe('a fault', () => {
  it.each([
    ['refused', { code: 'UnauthorizedOperation', retryable: false, effect: 'none' }, 0],
    ['throttled', { code: 'RequestLimitExceeded', retryable: true, effect: 'none' }, 0],
    ['lostReply', { code: 'NO_REPLY', retryable: true, effect: 'unknown' }, 1],
  ] as const)('%s meets one call to AWS, once', async (kind, failure, made) => {
    const { world, faulty, snapshot } = setUp(1, kind);
    await faulty.aws.call({ service: 'ec2', operation: 'DescribeVolumes', params: {} });
    await expect(snapshot()).rejects.toMatchObject(failure);
    expect(Object.keys(world.look().snapshots)).toHaveLength(made);
    expect(faulty.met()).toBe('ec2:create_snapshot');
    await snapshot();
    expect(Object.keys(world.look().snapshots)).toHaveLength(made + 1);
  });

  it.each([
    ['refused', { code: 'AUTH_REFUSED', retryable: false, effect: 'none' }, 'absent'],
    ['throttled', { code: 'UNREACHABLE', retryable: true, effect: 'none' }, 'absent'],
    ['lostReply', { code: 'CONNECTION_LOST', retryable: true, effect: 'unknown' }, 'running'],
  ] as const)('%s meets the second effect, a command on a host', async (kind, failure, found) => {
    const { faulty, db1, snapshot, stop } = setUp(2, kind);
    await snapshot();
    await db1.read(observeService(['postgresql@15-main']), { signal, timeoutMs: 1_000 });
    expect(faulty.met()).toBeUndefined();
    await expect(stop('t1')).rejects.toMatchObject(failure);
    expect(faulty.met()).toBe('service/set on db1');
    const sink = { write: () => undefined };
    const state = await db1.poll('t1', { from: { stdout: 0, stderr: 0 }, sink, waitMs: 0, signal });
    expect(state.kind).toBe(found);
    await stop('t1');
    expect(faulty.effects()).toBe(3);
  });

  it('beyond the last effect meets nothing', async () => {
    const { faulty, snapshot, stop } = setUp(3, 'refused');
    await snapshot();
    await stop('t1');
    expect(faulty.effects()).toBe(2);
    expect(faulty.met()).toBeUndefined();
  });

  it('meets the calls of an assumed role too', async () => {
    const { faulty } = setUp(1, 'refused');
    const role = faulty.aws.assume('arn:aws:iam::123456789012:role/Patcher');
    const params = { TopicArn: 'arn:aws:sns:eu-central-1:123456789012:ops', Message: 'hello' };
    await expect(role.call({ service: 'sns', operation: 'Publish', params })).rejects.toMatchObject({
      code: 'UnauthorizedOperation',
    });
  });
});
