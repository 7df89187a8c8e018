/** Snapshots, volumes, attachments and instances, on plain files. */
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import {
  AttachVolumeCommand,
  CreateSnapshotCommand,
  CreateSnapshotsCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DescribeInstanceStatusCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  DetachVolumeCommand,
  ModifyInstanceAttributeCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { motoMissing } from './moto.ts';
import { raiseTestBed, region, until, type TestBed } from './test-bed.ts';

const reason = motoMissing();
describe.skipIf(reason)(`EC2 of the endpoint${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let bed: TestBed;

  beforeAll(async () => {
    bed = await raiseTestBed();
  }, 90_000);

  afterAll(async () => {
    await bed?.close();
  });

  test('copies at the time of the call, and is pending for a while', async () => {
    await writeFile(bed.hands.volumeFile('db1-data'), 'before');
    const made = await bed.ec2.send(
      new CreateSnapshotCommand({
        VolumeId: bed.dataVolume,
        TagSpecifications: [{ ResourceType: 'snapshot', Tags: [{ Key: 'belay:token', Value: 't1' }] }],
      }),
    );
    await writeFile(bed.hands.volumeFile('db1-data'), 'after');
    expect(made.State).toBe('pending');
    const list = (state: string) =>
      bed.ec2.send(
        new DescribeSnapshotsCommand({
          OwnerIds: ['self'],
          Filters: [
            { Name: 'tag:belay:token', Values: ['t1'] },
            { Name: 'status', Values: [state] },
          ],
        }),
      );
    expect((await list('pending')).Snapshots?.[0]?.SnapshotId).toBe(made.SnapshotId);
    await expect(
      bed.ec2.send(new CreateVolumeCommand({ SnapshotId: made.SnapshotId, AvailabilityZone: `${region}a` })),
    ).rejects.toMatchObject({ name: 'IncorrectState' });
    const { Snapshots } = await until(
      () => list('completed'),
      ({ Snapshots }) => Snapshots?.length === 1,
    );
    expect(Snapshots?.[0]).toMatchObject({ State: 'completed', Progress: '100%', VolumeId: bed.dataVolume });

    const restored = await bed.ec2.send(
      new CreateVolumeCommand({
        SnapshotId: made.SnapshotId,
        AvailabilityZone: `${region}a`,
        ClientToken: 'token-1',
      }),
    );
    const again = await bed.ec2.send(
      new CreateVolumeCommand({
        SnapshotId: made.SnapshotId,
        AvailabilityZone: `${region}a`,
        ClientToken: 'token-1',
      }),
    );
    expect(again.VolumeId).toBe(restored.VolumeId);
    await expect(
      bed.ec2.send(
        new CreateVolumeCommand({ Size: 1, AvailabilityZone: `${region}a`, ClientToken: 'token-1' }),
      ),
    ).rejects.toMatchObject({ name: 'IdempotentParameterMismatch' });
    expect(restored.State).toBe('creating');
    await until(
      () => bed.volume(restored.VolumeId ?? ''),
      (shown) => shown?.State === 'available',
    );
    expect(await readFile(bed.hands.volumeFile(restored.VolumeId ?? ''), 'utf8')).toBe('before');
    await bed.ec2.send(new DeleteVolumeCommand({ VolumeId: restored.VolumeId }));
    await bed.ec2.send(new DeleteSnapshotCommand({ SnapshotId: made.SnapshotId }));
    await expect(bed.volume(restored.VolumeId ?? '')).rejects.toMatchObject({
      name: 'InvalidVolume.NotFound',
    });
    expect(bed.effects('volumeCreated', restored.VolumeId ?? '')).toHaveLength(1);
    expect(bed.effects('snapshotDeleted', made.SnapshotId ?? '')).toHaveLength(1);
  });

  test('takes a set of an instance without the volumes that are excluded', async () => {
    const specification = { InstanceId: bed.db, ExcludeBootVolume: true };
    const { Snapshots } = await bed.ec2.send(
      new CreateSnapshotsCommand({
        InstanceSpecification: specification,
        TagSpecifications: [{ ResourceType: 'snapshot', Tags: [{ Key: 'set', Value: 's1' }] }],
      }),
    );
    expect(Snapshots).toHaveLength(1);
    expect(Snapshots?.[0]).toMatchObject({
      VolumeId: bed.dataVolume,
      State: 'pending',
      Tags: [{ Key: 'set', Value: 's1' }],
    });
    await expect(
      bed.ec2.send(
        new CreateSnapshotsCommand({
          InstanceSpecification: { ...specification, ExcludeDataVolumeIds: [bed.dataVolume] },
        }),
      ),
    ).rejects.toMatchObject({ name: 'InvalidParameterCombination' });
    const both = await bed.ec2.send(
      new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: bed.db } }),
    );
    expect(both.Snapshots).toHaveLength(2);
  });

  test('attaches as the host names devices, and refuses a second place and a device in use', async () => {
    const { VolumeId } = await bed.ec2.send(
      new CreateVolumeCommand({ Size: 1, AvailabilityZone: `${region}a` }),
    );
    const id = VolumeId ?? '';
    await until(
      () => bed.volume(id),
      (shown) => shown?.State === 'available',
    );
    await expect(
      bed.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: bed.db, Device: '/dev/xvdf' })),
    ).rejects.toMatchObject({ name: 'InvalidParameterValue' });
    const attaching = await bed.ec2.send(
      new AttachVolumeCommand({ VolumeId, InstanceId: bed.db, Device: '/dev/sdh' }),
    );
    expect(attaching.State).toBe('attaching');
    expect(bed.hands.attachedAt(id)).toBe('db1:/dev/xvdh');
    await expect(
      bed.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: bed.web, Device: '/dev/sdh' })),
    ).rejects.toMatchObject({ name: 'VolumeInUse' });
    const attachment = () => bed.volume(id).then((shown) => shown?.Attachments?.[0]);
    await until(attachment, (shown) => shown?.State === 'attached');
    expect((await attachment())?.DeleteOnTermination).toBe(false);
    await bed.ec2.send(
      new ModifyInstanceAttributeCommand({
        InstanceId: bed.db,
        BlockDeviceMappings: [{ DeviceName: '/dev/sdh', Ebs: { DeleteOnTermination: true } }],
      }),
    );
    expect((await attachment())?.DeleteOnTermination).toBe(true);

    bed.hands.setMounted(id, true);
    expect((await bed.ec2.send(new DetachVolumeCommand({ VolumeId }))).State).toBe('detaching');
    await delay(400);
    expect((await attachment())?.State).toBe('detaching');
    expect(bed.hands.attachedAt(id)).toBe('db1:/dev/xvdh');
    bed.hands.setMounted(id, false);
    await until(
      () => bed.volume(id),
      (shown) => shown?.State === 'available',
    );
    expect(bed.hands.attachedAt(id)).toBeUndefined();
    await expect(bed.ec2.send(new DetachVolumeCommand({ VolumeId }))).rejects.toMatchObject({
      name: 'IncorrectState',
    });
    await bed.ec2.send(new DeleteVolumeCommand({ VolumeId }));
  });

  test('takes a mounted volume away by force', async () => {
    const { VolumeId } = await bed.ec2.send(
      new CreateVolumeCommand({ Size: 1, AvailabilityZone: `${region}a` }),
    );
    const id = VolumeId ?? '';
    await until(
      () => bed.volume(id),
      (shown) => shown?.State === 'available',
    );
    await bed.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: bed.db, Device: '/dev/sdi' }));
    bed.hands.setMounted(id, true);
    await bed.ec2.send(new DetachVolumeCommand({ VolumeId, Force: true }));
    await until(
      () => bed.volume(id),
      (shown) => shown?.State === 'available',
    );
    await bed.ec2.send(new DeleteVolumeCommand({ VolumeId }));
  });

  test('shows a host as an instance with its address, tags and devices', async () => {
    const { Reservations } = await bed.ec2.send(
      new DescribeInstancesCommand({ Filters: [{ Name: 'tag:Role', Values: ['db'] }] }),
    );
    const instance = Reservations?.[0]?.Instances?.[0];
    expect(instance).toMatchObject({
      InstanceId: bed.db,
      PrivateIpAddress: bed.hands.address('db1'),
      State: { Name: 'running' },
    });
    expect(instance?.BlockDeviceMappings?.map(({ DeviceName }) => DeviceName)).toEqual([
      instance?.RootDeviceName,
      '/dev/sdf',
    ]);
    expect(instance?.BlockDeviceMappings?.[1]?.Ebs?.VolumeId).toBe(bed.dataVolume);
  });

  test('stops and starts the host, with the states on the way and checks that begin anew', async () => {
    const state = async () =>
      (await bed.ec2.send(new DescribeInstancesCommand({ InstanceIds: [bed.web] }))).Reservations?.[0]
        ?.Instances?.[0]?.State?.Name;
    const { StoppingInstances } = await bed.ec2.send(new StopInstancesCommand({ InstanceIds: [bed.web] }));
    expect(StoppingInstances?.[0]).toMatchObject({
      PreviousState: { Name: 'running' },
      CurrentState: { Name: 'stopping' },
    });
    await until(state, (name) => name === 'stopped');
    expect(bed.hands.isOn('web1')).toBe(false);
    await expect(bed.send(bed.web, ['true'])).rejects.toMatchObject({ name: 'InvalidInstanceId' });
    await bed.ec2.send(new StartInstancesCommand({ InstanceIds: [bed.web] }));
    await until(state, (name) => name === 'running');
    const check = async () =>
      (await bed.ec2.send(new DescribeInstanceStatusCommand({ InstanceIds: [bed.web] })))
        .InstanceStatuses?.[0]?.InstanceStatus?.Status;
    expect(await check()).toBe('initializing');
    await until(check, (status) => status === 'ok');
    expect((await bed.ending(await bed.send(bed.web, ['echo back']))).StandardOutputContent).toBe('back\n');
  });

  test('runs one instance for one client token', async () => {
    const run = () =>
      bed.ec2.send(
        new RunInstancesCommand({
          ImageId: 'ami-12c6146b',
          MinCount: 1,
          MaxCount: 1,
          ClientToken: 'run-1',
        }),
      );
    const [first, second] = [await run(), await run()];
    expect(second.Instances?.[0]?.InstanceId).toBe(first.Instances?.[0]?.InstanceId);
  });

  test('terminates the host and keeps the volumes that are to be kept', async () => {
    const id = await bed.endpoint.adopt('old1', { agent: false });
    const kept = bed.endpoint.volumeAt('old1', '/dev/xvdf') ?? '';
    await bed.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    await until(
      () => bed.volume(kept),
      (shown) => shown?.State === 'available',
    );
    expect(bed.hands.isOn('old1')).toBe(false);
    expect(bed.hands.attachedAt('old1-data')).toBeUndefined();
  });
});
