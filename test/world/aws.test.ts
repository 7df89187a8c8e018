/** The sandbox's AWS: it keeps the port's contract, and beyond it the traps of EC2 that runbooks fall into. */
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/json.ts';
import { AwsFailure } from '../../src/transports/aws.ts';
import { createAwsModels } from '../../src/transports/aws/models.ts';
import { memoryWorld, newWorld, sandboxAws, sandboxIds } from '../../src/world/index.ts';
import { awsContract } from '../contract/aws.ts';
import { fakeClock } from './fake-clock.ts';

const models = createAwsModels();

awsContract('the sandbox', () => {
  const clock = fakeClock();
  return Promise.resolve({
    aws: sandboxAws(memoryWorld(newWorld(), clock), models),
    seed: {
      instanceId: sandboxIds.db1,
      volumeId: sandboxIds.db1Data,
      availabilityZone: 'eu-central-1a',
    },
    pause: () => Promise.resolve(clock.pass(50)),
    close: () => Promise.resolve(),
  });
});

function setUp() {
  const clock = fakeClock();
  const world = memoryWorld(newWorld(), clock);
  const aws = sandboxAws(world, models);
  const ec2 = (operation: string, params: JsonObject, more: { token?: string } = {}) =>
    aws.call({ service: 'ec2', operation, params, ...more });
  const refusal = async (call: Promise<unknown>): Promise<AwsFailure> => {
    const outcome = await call.then(() => undefined).catch((error: unknown) => error);
    if (outcome instanceof AwsFailure) return outcome;
    throw new Error(`expected an AwsFailure, got ${String(outcome)}`);
  };
  return { clock, world, aws, ec2, refusal };
}

function textOf(reply: JsonObject, key: string): string {
  const value = reply[key];
  if (typeof value === 'string') return value;
  throw new Error(`no ${key} in ${JSON.stringify(reply)}`);
}

const { db1, db1Data, db1Root, web1 } = sandboxIds;

describe('what the sandbox does not model', () => {
  it.each([
    ['ec2', 'DescribeVpcs', {}, 'ec2:DescribeVpcs'],
    [
      'ec2',
      'DescribeVolumes',
      { Filters: [{ Name: 'fast-restored', Values: ['true'] }] },
      'the filter fast-restored',
    ],
    ['ec2', 'StopInstances', { InstanceIds: [db1], Hibernate: true }, 'the member Hibernate'],
    ['cloudwatch', 'DescribeAlarms', {}, 'cloudwatch:DescribeAlarms'],
    ['ssm', 'SendCommand', { InstanceIds: [db1], DocumentName: 'AWS-RunShellScript' }, 'shell text'],
  ])('is refused by name: %s %s %j', async (service, operation, params, named) => {
    const { aws, world, refusal } = setUp();
    const before = structuredClone(world.look());
    const failure = await refusal(aws.call({ service, operation, params }));
    expect(failure).toMatchObject({ code: 'NOT_MODELLED', effect: 'none', retryable: false });
    expect(failure.message).toContain('sandbox does not model');
    expect(failure.message).toContain(named);
    expect(failure.message).toContain('Nothing was changed');
    expect(world.look()).toEqual(before);
  });

  it('includes every region but its own', async () => {
    const { aws, refusal } = setUp();
    const call = aws.call({ service: 'ec2', operation: 'DescribeVolumes', params: {}, region: 'us-east-1' });
    expect((await refusal(call)).message).toContain('the region us-east-1');
  });
});

describe('a snapshot', () => {
  it('holds the data as they were at the call, however long it stays pending', async () => {
    const { world, clock, ec2 } = setUp();
    const SnapshotId = textOf(await ec2('CreateSnapshot', { VolumeId: db1Data }), 'SnapshotId');
    await world.change((state) => {
      const data = state.volumes[db1Data]?.contents.postgres;
      if (data) data.tables = {};
    });
    expect(await ec2('DescribeSnapshots', { SnapshotIds: [SnapshotId] })).toMatchObject({
      Snapshots: [{ State: 'pending', Progress: '0%' }],
    });
    clock.pass(1_000);
    const made = await ec2('CreateVolume', {
      AvailabilityZone: 'eu-central-1a',
      SnapshotId,
    });
    expect(world.look().volumes[textOf(made, 'VolumeId')]?.contents.postgres?.tables).toMatchObject({
      'postgres orders': { rows: 200_000 },
    });
  });

  it('gives no volume before it is completed', async () => {
    const { ec2, refusal } = setUp();
    const SnapshotId = textOf(await ec2('CreateSnapshot', { VolumeId: db1Data }), 'SnapshotId');
    const params = { AvailabilityZone: 'eu-central-1a', SnapshotId };
    expect(await refusal(ec2('CreateVolume', params))).toMatchObject({ code: 'IncorrectState' });
  });

  it('of an instance leaves out what it is told to, and copies tags on request', async () => {
    const { ec2 } = setUp();
    const reply = await ec2('CreateSnapshots', {
      InstanceSpecification: { InstanceId: db1, ExcludeBootVolume: true },
      CopyTagsFromSource: 'volume',
      TagSpecifications: [{ ResourceType: 'snapshot', Tags: [{ Key: 'belay:token', Value: 't1' }] }],
    });
    expect(reply['Snapshots']).toEqual([
      expect.objectContaining({
        VolumeId: db1Data,
        Tags: [
          { Key: 'Name', Value: 'db1-data' },
          { Key: 'belay:token', Value: 't1' },
        ],
      }),
    ]);
  });

  it('is refused while five others of the volume are pending', async () => {
    const { ec2, refusal } = setUp();
    for (let count = 0; count < 5; count += 1) await ec2('CreateSnapshot', { VolumeId: db1Data });
    expect(await refusal(ec2('CreateSnapshot', { VolumeId: db1Data }))).toMatchObject({
      code: 'ConcurrentSnapshotLimitExceeded',
    });
  });

  it('has the same id in every world that made the same calls', async () => {
    const [one, other] = await Promise.all([
      setUp().ec2('CreateSnapshot', { VolumeId: db1Data }),
      setUp().ec2('CreateSnapshot', { VolumeId: db1Data }),
    ]);
    expect(one['SnapshotId']).toMatch(/^snap-0[0-9a-f]{16}$/);
    expect(one['SnapshotId']).toBe(other['SnapshotId']);
  });
});

describe('a volume', () => {
  it('that the host has mounted stays busy, and goes once it is unmounted', async () => {
    const { ec2, clock, world } = setUp();
    expect(await ec2('DetachVolume', { VolumeId: db1Data })).toMatchObject({ State: 'detaching' });
    const state = () => world.look().volumes[db1Data]?.attachment?.state;
    clock.pass(60_000);
    expect(state()).toBe('busy');
    await world.change((draft) => {
      const host = draft.hosts['db1'];
      if (host) host.mounts = {};
    });
    expect(state()).toBeUndefined();
    expect(world.look().volumes[db1Data]?.state).toBe('available');
  });

  it('at the root is not detached from a running instance', async () => {
    const { ec2, refusal } = setUp();
    expect(await refusal(ec2('DetachVolume', { VolumeId: db1Root }))).toMatchObject({
      code: 'OperationNotPermitted',
    });
  });

  it.each([
    ['where it is not attached', { VolumeId: db1Data, InstanceId: web1 }, 'InvalidAttachment.NotFound'],
    ['under a malformed id', { VolumeId: 'volume-1' }, 'InvalidParameterValue'],
  ])('is not detached %s', async (_, params, code) => {
    const { ec2, refusal } = setUp();
    expect(await refusal(ec2('DetachVolume', params))).toMatchObject({ code, effect: 'none' });
  });

  it('is attached neither at a taken device nor in another zone, and loses no DeleteOnTermination by accident', async () => {
    const { ec2, clock, refusal } = setUp();
    const create = async (AvailabilityZone: string) =>
      textOf(await ec2('CreateVolume', { AvailabilityZone, Size: 1 }), 'VolumeId');
    const [near, far] = [await create('eu-central-1a'), await create('eu-central-1b')];
    clock.pass(1_000);
    expect(
      await refusal(ec2('AttachVolume', { VolumeId: near, InstanceId: db1, Device: '/dev/xvdf' })),
    ).toMatchObject({ code: 'InvalidParameterValue' });
    expect(
      await refusal(ec2('AttachVolume', { VolumeId: far, InstanceId: db1, Device: '/dev/sdg' })),
    ).toMatchObject({ code: 'InvalidVolume.ZoneMismatch' });
    await ec2('AttachVolume', { VolumeId: near, InstanceId: db1, Device: '/dev/sdg' });
    const mapping = (DeleteOnTermination: boolean) => ({
      InstanceId: db1,
      BlockDeviceMappings: [{ DeviceName: '/dev/sdg', Ebs: { DeleteOnTermination } }],
    });
    await ec2('ModifyInstanceAttribute', mapping(true));
    expect(await ec2('DescribeVolumes', { VolumeIds: [near] })).toMatchObject({
      Volumes: [{ Attachments: [{ DeleteOnTermination: true }] }],
    });
    await ec2('ModifyInstanceAttribute', mapping(false));
    expect(await ec2('DescribeVolumes', { VolumeIds: [near] })).toMatchObject({
      Volumes: [{ Attachments: [{ DeleteOnTermination: false }] }],
    });
  });

  it('is not made for a client token that was used for something else', async () => {
    const { ec2, refusal } = setUp();
    const params = { AvailabilityZone: 'eu-central-1a', Size: 1 };
    await ec2('CreateVolume', params, { token: 't1' });
    expect(await refusal(ec2('CreateVolume', { ...params, Size: 2 }, { token: 't1' }))).toMatchObject({
      code: 'IdempotentParameterMismatch',
    });
  });
});

describe('an instance', () => {
  it('takes its host down with it and boots it again with another boot id', async () => {
    const { ec2, clock, world } = setUp();
    const bootId = world.look().hosts['db1']?.bootId;
    await ec2('StopInstances', { InstanceIds: [db1] });
    expect(world.look().hosts['db1']?.servers).toEqual({});
    clock.pass(1_000);
    await ec2('StartInstances', { InstanceIds: [db1] });
    clock.pass(1_000);
    const host = world.look().hosts['db1'];
    expect(host?.bootId).not.toBe(bootId);
    expect(host?.mounts).toHaveProperty('/var/lib/postgresql');
    expect(host?.servers).toHaveProperty('15/main');
  });

  it('does not start without its root volume', async () => {
    const { ec2, clock, refusal } = setUp();
    await ec2('StopInstances', { InstanceIds: [db1] });
    clock.pass(1_000);
    await ec2('DetachVolume', { VolumeId: db1Root });
    clock.pass(1_000);
    expect(await refusal(ec2('StartInstances', { InstanceIds: [db1] }))).toMatchObject({
      code: 'IncorrectInstanceState',
    });
  });

  it('is not changed by a dry run', async () => {
    const { ec2, refusal, world } = setUp();
    const failure = await refusal(ec2('StopInstances', { InstanceIds: [db1], DryRun: true }));
    expect(failure).toMatchObject({ code: 'DryRunOperation', httpStatus: 412 });
    expect(world.look().instances[db1]?.state).toBe('running');
    expect(world.look().journal).toEqual([]);
  });
});

describe('listings', () => {
  it('come in pages', async () => {
    const { ec2 } = setUp();
    const first = await ec2('DescribeVolumes', { MaxResults: 2 });
    const second = await ec2('DescribeVolumes', { MaxResults: 2, NextToken: textOf(first, 'NextToken') });
    expect([first['Volumes'], second['Volumes']]).toMatchObject([{ length: 2 }, { length: 1 }]);
    expect(second).not.toHaveProperty('NextToken');
  });

  it('are filtered by tag, with alternatives and wildcards', async () => {
    const { ec2 } = setUp();
    const names = async (Values: string[]) => {
      const reply = await ec2('DescribeInstances', { Filters: [{ Name: 'tag:Name', Values }] });
      return JSON.stringify(reply['Reservations']).match(/\bi-[0-9a-f]{17}/g);
    };
    expect(new Set(await names(['db1', 'web*']))).toEqual(new Set([db1, web1]));
    expect(new Set(await names(['d?1']))).toEqual(new Set([db1]));
  });
});
