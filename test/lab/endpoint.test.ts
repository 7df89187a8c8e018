/** The AWS endpoint over the lab's real hosts: what it says happened is looked for on the host, past the endpoint. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  AttachVolumeCommand,
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DescribeInstancesCommand,
  DescribeInstanceStatusCommand,
  DescribeSnapshotsCommand,
  DetachVolumeCommand,
  StartInstancesCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  CancelCommandCommand,
  DescribeInstanceInformationCommand,
  ListCommandsCommand,
} from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClients, region, until, type Clients } from './endpoint/test-bed.ts';
import { labWorld, worldMissing, type LabWorldWithAws } from './world.ts';

const reason = worldMissing();
describe.skipIf(reason)(`AWS over real hosts${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let world: LabWorldWithAws;
  let aws: Clients;
  let h1 = '';

  beforeAll(async () => {
    world = await labWorld({ hosts: ['h1', 'p1'], aws: true, tags: { p1: { Net: 'private' } } });
    aws = createClients(world.endpoint);
    h1 = world.instanceId('h1');
  }, 400_000);

  afterAll(async () => {
    aws?.ec2.destroy();
    aws?.ssm.destroy();
    await world?.down();
    expect(world?.endpoint.problems).toEqual([]);
  }, 90_000);

  const onHost = async (script: string, host = 'h1'): Promise<string> =>
    (await world.lab.exec(host, script)).stdout.trim();
  const untilSays = (script: string, output: string) =>
    until(
      () => onHost(script),
      (said) => said === output,
    );

  test('runs commands as root on the host, private ones included', async () => {
    const result = await aws.ending(
      await aws.send(h1, ['id -u', 'hostname', 'echo $AWS_SSM_INSTANCE_ID', 'exit 3']),
    );
    expect(result).toMatchObject({
      Status: 'Failed',
      ResponseCode: 3,
      StandardOutputContent: `0\nh1\n${h1}\n`,
    });
    const other = await aws.ending(await aws.send(world.instanceId('p1'), ['hostname']));
    expect(other).toMatchObject({ Status: 'Success', StandardOutputContent: 'p1\n' });
  });

  test('leaves running what a script has put into a session of its own, as the real agent does', async () => {
    await aws.ending(await aws.send(h1, ['setsid sleep 611 >/dev/null 2>&1 &', 'true']));
    expect(await onHost('pgrep -fc "^sleep 611"')).toBe('1');
    await onHost('pkill -f "^sleep 611"');
  });

  test('kills what exceeds its time and what is cancelled', async () => {
    const late = await aws.ending(await aws.send(h1, ['sleep 612'], 5));
    expect(late).toMatchObject({ Status: 'TimedOut', StatusDetails: 'ExecutionTimedOut', ResponseCode: 137 });
    const id = await aws.send(h1, ['sleep 613 & sleep 613']);
    await untilSays('pgrep -fc "^sleep 613"', '2');
    await aws.ssm.send(new CancelCommandCommand({ CommandId: id }));
    expect(await aws.ending(id)).toMatchObject({ Status: 'Cancelled' });
    expect(await onHost('pgrep -fc "^sleep 61[23]"')).toBe('0');
  });

  test('goes on with a command while its agent is restarted', async () => {
    const id = await aws.send(h1, ['echo one', 'sleep 2', 'echo two']);
    await until(
      () => aws.effects('commandStarted', id),
      ({ length }) => length === 1,
    );
    await onHost('systemctl restart belay-lab-agent');
    expect(await aws.ending(id)).toMatchObject({ Status: 'Success', StandardOutputContent: 'one\ntwo\n' });
    expect(aws.effects('commandStarted', id)).toHaveLength(1);
  });

  test('fails a command whose host loses power, and serves the host again after its start', async () => {
    const id = await aws.send(h1, ['sleep 614']);
    await untilSays('pgrep -fc "^sleep 614"', '1');
    await world.lab.kill('h1');
    await world.lab.start('h1');
    expect(await aws.ending(id)).toMatchObject({ Status: 'Failed', ResponseCode: -1 });
    expect(await aws.ending(await aws.send(h1, ['hostname']))).toMatchObject({ Status: 'Success' });
  });

  test('reboots the host for exit code 194 and runs the command again', async () => {
    await onHost('rm -f /root/boots; touch /run/before-reboot');
    const id = await aws.send(h1, [
      'echo x >>/root/boots',
      '[ $(wc -l </root/boots) -ge 2 ] || exit 194',
      // The agent may be up before sshd is.
      'timeout 30 sh -c "until systemctl -q is-active ssh; do sleep 0.2; done"',
      'systemctl is-active ssh',
    ]);
    expect(await aws.ending(id)).toMatchObject({ Status: 'Success', StandardOutputContent: 'active\n' });
    expect(await onHost('cat /root/boots')).toBe('x\nx');
    expect(await onHost('ls /run/before-reboot || true')).toBe('');
  });

  test('loses the reply of SendCommand after it was carried out, once', async () => {
    const remove = world.endpoint.faults.add({ match: { op: 'SendCommand', nth: 1 }, do: 'lost-reply' });
    const before = new Date(Date.now() - 1).toISOString();
    await expect(aws.send(h1, ['echo x >>/root/lost'])).rejects.toThrow();
    remove();
    const { Commands } = await aws.ssm.send(
      new ListCommandsCommand({ InstanceId: h1, Filters: [{ key: 'InvokedAfter', value: before }] }),
    );
    expect(Commands).toHaveLength(1);
    const id = Commands?.[0]?.CommandId ?? '';
    expect(await aws.ending(id)).toMatchObject({ Status: 'Success' });
    expect(await onHost('cat /root/lost')).toBe('x');
    expect(aws.effects('commandStarted', id)).toHaveLength(1);
  });

  test('puts a volume back from its snapshot', async () => {
    await onHost('echo good >/srv/data/file && sync -f /srv/data');
    const old = world.volumeId('h1', '/srv/data');
    const { SnapshotId } = await aws.ec2.send(new CreateSnapshotCommand({ VolumeId: old }));
    await onHost('echo bad >/srv/data/file && sync -f /srv/data');
    await until(
      () => aws.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [SnapshotId ?? ''] })),
      ({ Snapshots }) => Snapshots?.[0]?.State === 'completed',
    );
    const { VolumeId } = await aws.ec2.send(
      new CreateVolumeCommand({ SnapshotId, AvailabilityZone: `${region}a` }),
    );
    await until(
      () => aws.volume(VolumeId),
      (shown) => shown?.State === 'available',
    );

    await aws.ec2.send(new DetachVolumeCommand({ VolumeId: old }));
    await delay(600);
    expect((await aws.volume(old))?.Attachments?.[0]?.State).toBe('detaching');
    expect(await onHost('cat /srv/data/file')).toBe('bad');
    await aws.ending(await aws.send(h1, ['systemctl stop srv-data.mount']));
    await until(
      () => aws.volume(old),
      (shown) => shown?.State === 'available',
    );
    expect(await onHost('ls /dev/xvdg || true')).toBe('');

    await aws.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: h1, Device: '/dev/sdg' }));
    await until(
      () => aws.volume(VolumeId),
      (shown) => shown?.Attachments?.[0]?.State === 'attached',
    );
    await aws.ending(await aws.send(h1, ['systemctl start srv-data.mount']));
    expect(await onHost('cat /srv/data/file')).toBe('good');
    expect(world.volumeId('h1', '/srv/data')).toBe(VolumeId);
  });

  test('stops and starts the host itself, and its volume comes back with it', async () => {
    const state = async () =>
      (await aws.ec2.send(new DescribeInstancesCommand({ InstanceIds: [h1] }))).Reservations?.[0]
        ?.Instances?.[0]?.State?.Name;
    await aws.ec2.send(new StopInstancesCommand({ InstanceIds: [h1] }));
    expect(await state()).toBe('stopping');
    await until(state, (name) => name === 'stopped');
    expect(await world.lab.greets('h1')).toBe(false);
    await aws.ec2.send(new StartInstancesCommand({ InstanceIds: [h1] }));
    await until(state, (name) => name === 'running');
    const check = async () =>
      (await aws.ec2.send(new DescribeInstanceStatusCommand({ InstanceIds: [h1] }))).InstanceStatuses?.[0]
        ?.InstanceStatus?.Status;
    await until(check, (status) => status === 'ok');
    const filter = { Filters: [{ Key: 'PingStatus', Values: ['Online'] }] };
    await until(
      () => aws.ssm.send(new DescribeInstanceInformationCommand(filter)),
      ({ InstanceInformationList }) =>
        InstanceInformationList?.some(({ InstanceId }) => InstanceId === h1) ?? false,
    );
    expect(await aws.ending(await aws.send(h1, ['cat /srv/data/file']))).toMatchObject({
      StandardOutputContent: 'good\n',
    });
  });
});
