/** The AWS endpoint over moto: first with plain files and local processes as hosts, then with the lab's real ones. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  AttachVolumeCommand,
  CreateSnapshotCommand,
  CreateSnapshotsCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DescribeInstancesCommand,
  DescribeInstanceStatusCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  EC2Client,
  ModifyInstanceAttributeCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  CancelCommandCommand,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  ListCommandInvocationsCommand,
  ListCommandsCommand,
  PutParameterCommand,
  SendCommandCommand,
  SSMClient,
  type GetCommandInvocationCommandOutput,
} from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEndpoint, type Endpoint } from './endpoint/endpoint.ts';
import { createFileHands, type FileHands } from './endpoint/file-hands.ts';
import { motoMissing } from './endpoint/moto.ts';

const region = 'eu-west-1';
const credentials = { accessKeyId: 'lab', secretAccessKey: 'lab' };

/** Polls until the value passes. */
async function until<T>(
  read: () => Promise<T> | T,
  passes: (value: T) => boolean,
  timeoutMs = 10_000,
): Promise<T> {
  for (const giveUpAt = Date.now() + timeoutMs; ; await delay(40)) {
    const value = await read();
    if (passes(value)) return value;
    if (Date.now() > giveUpAt) throw new Error(`after ${timeoutMs} ms still ${JSON.stringify(value)}`);
  }
}

const noMoto = motoMissing();
describe.skipIf(noMoto)(
  `the endpoint over files and local processes${noMoto === undefined ? '' : ` (${noMoto})`}`,
  () => {
    let folder = '';
    let hands: FileHands;
    let endpoint: Endpoint;
    let ec2: EC2Client;
    let ssm: SSMClient;
    let web = '';
    let db = '';
    let dataVolume = '';

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'belay-endpoint-'));
      hands = await createFileHands(folder, {
        web1: [],
        db1: [{ volume: 'db1-data', device: '/dev/xvdf', sizeGiB: 2, mount: '/srv/data' }],
        old1: [{ volume: 'old1-data', device: '/dev/xvdf', sizeGiB: 1 }],
      });
      endpoint = await startEndpoint({
        hands,
        stateFile: join(folder, 'state.json'),
        settings: {
          snapshotMs: 500,
          volumeMs: 200,
          attachMs: 100,
          agentPollMs: 1_000,
          agentLostMs: 1_800,
          statusCheckMs: 300,
          deliverySecondMs: 50,
        },
      });
      const client = { region, credentials, endpoint: endpoint.url, maxAttempts: 1 };
      ec2 = new EC2Client(client);
      ssm = new SSMClient(client);
      web = await endpoint.adopt('web1', { tags: { Role: 'web' } });
      db = await endpoint.adopt('db1', { tags: { Role: 'db' } });
      dataVolume = endpoint.volumeAt('db1', '/dev/xvdf') ?? '';
    }, 90_000);

    afterAll(async () => {
      ec2?.destroy();
      ssm?.destroy();
      await endpoint?.close();
      await hands?.close();
      await rm(folder, { recursive: true, force: true });
      expect(endpoint?.problems).toEqual([]);
    });

    const send = async (
      commands: string[],
      more: { timeout?: string; ids?: string[] } = {},
    ): Promise<string> => {
      const { Command } = await ssm.send(
        new SendCommandCommand({
          InstanceIds: more.ids ?? [web],
          DocumentName: 'AWS-RunShellScript',
          Comment: 'a test',
          Parameters: {
            commands,
            ...(more.timeout === undefined ? {} : { executionTimeout: [more.timeout] }),
          },
        }),
      );
      return Command?.CommandId ?? '';
    };
    const invocation = async (
      CommandId: string,
      InstanceId = web,
    ): Promise<GetCommandInvocationCommandOutput> => {
      await delay(300);
      return await until(
        () => ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId })),
        ({ Status }) => !['Pending', 'InProgress', 'Cancelling'].includes(Status ?? ''),
        15_000,
      );
    };
    const volume = async (id: string) =>
      (await ec2.send(new DescribeVolumesCommand({ VolumeIds: [id] }))).Volumes?.[0];
    const effects = (effect: Parameters<Endpoint['journal']['effects']>[0], id: string) =>
      endpoint.journal.effects(effect).filter(({ details }) => JSON.stringify(details).includes(id));

    describe('Run Command', () => {
      test('runs the script on the host and tells output and exit code', async () => {
        const id = await send(['echo out; echo err >&2', 'exit 3']);
        const result = await invocation(id);
        expect(result).toMatchObject({
          Status: 'Failed',
          StatusDetails: 'Failed',
          ResponseCode: 3,
          Comment: 'a test',
        });
        expect(result.StandardOutputContent).toBe('out\n');
        expect(result.StandardErrorContent).toBe('err\n');
        expect(effects('commandStarted', id)).toHaveLength(1);
      });

      test('has no invocation in the first moments, and none for unknown ids', async () => {
        const id = await send(['true']);
        await expect(
          ssm.send(new GetCommandInvocationCommand({ CommandId: id, InstanceId: web })),
        ).rejects.toMatchObject({
          name: 'InvocationDoesNotExist',
        });
        expect((await invocation(id)).ResponseCode).toBe(0);
      });

      test('runs in the working directory', async () => {
        const { Command } = await ssm.send(
          new SendCommandCommand({
            Targets: [{ Key: 'tag:Role', Values: ['web'] }],
            DocumentName: 'AWS-RunShellScript',
            Parameters: { commands: ['pwd'], workingDirectory: [folder] },
          }),
        );
        expect((await invocation(Command?.CommandId ?? '')).StandardOutputContent).toBe(`${folder}\n`);
      });

      test('stops what exceeds its execution timeout, children included', async () => {
        const marker = join(folder, 'late');
        const id = await send([`(sleep 7; touch ${marker}) & sleep 30`], { timeout: '5' });
        const result = await invocation(id);
        expect(result).toMatchObject({
          Status: 'TimedOut',
          StatusDetails: 'ExecutionTimedOut',
          ResponseCode: 137,
        });
        await delay(2_500);
        await expect(readFile(marker)).rejects.toMatchObject({ code: 'ENOENT' });
      });

      test('cancels a running command', async () => {
        const id = await send(['echo begun; sleep 30']);
        await until(
          () => effects('commandStarted', id),
          ({ length }) => length === 1,
        );
        await ssm.send(new CancelCommandCommand({ CommandId: id }));
        expect(await invocation(id)).toMatchObject({
          Status: 'Cancelled',
          ResponseCode: 137,
          StandardOutputContent: 'begun\n',
        });
        const { Commands } = await ssm.send(new ListCommandsCommand({ CommandId: id }));
        expect(Commands?.[0]).toMatchObject({ Status: 'Cancelled', Comment: 'a test' });
      });

      test('cuts long output and says so', async () => {
        const result = await invocation(await send([`head -c 30000 /dev/zero | tr '\\0' x`]));
        expect(result.StandardOutputContent).toHaveLength(24_000);
        expect(result.StandardOutputContent?.endsWith('--output truncated--')).toBe(true);
        const { CommandInvocations } = await ssm.send(
          new ListCommandInvocationsCommand({ CommandId: result.CommandId ?? '', Details: true }),
        );
        const output = CommandInvocations?.[0]?.CommandPlugins?.[0]?.Output ?? '';
        expect(output).toHaveLength(2_500);
        expect(output.endsWith('---Output truncated---')).toBe(true);
      });

      test('refuses unknown instances, documents and parameters, and ids given twice', async () => {
        const base = {
          InstanceIds: [web],
          DocumentName: 'AWS-RunShellScript',
          Parameters: { commands: ['true'] },
        };
        const refused = async (change: object, name: string): Promise<void> => {
          await expect(ssm.send(new SendCommandCommand({ ...base, ...change }))).rejects.toMatchObject({
            name,
          });
        };
        await refused({ InstanceIds: ['i-0123456789abcdef0'] }, 'InvalidInstanceId');
        await refused({ InstanceIds: [web, web] }, 'DuplicateInstanceId');
        await refused({ DocumentName: 'AWS-NoSuchThing' }, 'InvalidDocument');
        await refused({ Parameters: { command: ['true'] } }, 'InvalidParameters');
      });

      test('sends to no further target once more have failed than MaxErrors allows', async () => {
        const { Command } = await ssm.send(
          new SendCommandCommand({
            InstanceIds: [web, db],
            DocumentName: 'AWS-RunShellScript',
            Parameters: { commands: ['exit 1'] },
            MaxConcurrency: '1',
            MaxErrors: '0',
          }),
        );
        const id = Command?.CommandId ?? '';
        const whole = await until(
          async () => (await ssm.send(new ListCommandsCommand({ CommandId: id }))).Commands?.[0],
          (command) => command?.Status === 'Failed',
        );
        expect(whole).toMatchObject({ TargetCount: 2, CompletedCount: 2, ErrorCount: 1 });
        expect((await invocation(id, db)).StatusDetails).toBe('Terminated');
        expect(effects('commandStarted', id)).toHaveLength(1);
      });

      test('times out the delivery to a hung host, and shows its agent as lost', async () => {
        hands.freeze('web1', true);
        try {
          const { Command } = await ssm.send(
            new SendCommandCommand({
              InstanceIds: [web],
              DocumentName: 'AWS-RunShellScript',
              Parameters: { commands: [`touch ${join(folder, 'too-late')}`] },
              TimeoutSeconds: 30,
            }),
          );
          expect(await invocation(Command?.CommandId ?? '')).toMatchObject({
            Status: 'TimedOut',
            StatusDetails: 'DeliveryTimedOut',
            ResponseCode: -1,
          });
          const pings = async () =>
            (
              await ssm.send(
                new DescribeInstanceInformationCommand({ Filters: [{ Key: 'InstanceIds', Values: [web] }] }),
              )
            ).InstanceInformationList?.[0]?.PingStatus;
          await until(pings, (ping) => ping === 'ConnectionLost');
          hands.freeze('web1', false);
          await until(pings, (ping) => ping === 'Online');
          await expect(readFile(join(folder, 'too-late'))).rejects.toMatchObject({ code: 'ENOENT' });
        } finally {
          hands.freeze('web1', false);
        }
      });

      test('lists commands by time and instance, newest first', async () => {
        const before = new Date().toISOString();
        const first = await send(['true']);
        await delay(5);
        const second = await send(['true'], { ids: [db] });
        const list = async (more: object) =>
          (
            await ssm.send(
              new ListCommandsCommand({ Filters: [{ key: 'InvokedAfter', value: before }], ...more }),
            )
          ).Commands?.map(({ CommandId }) => CommandId);
        expect(await list({})).toEqual([second, first]);
        expect(await list({ InstanceId: web })).toEqual([first]);
      });

      test('runs a command again after the reboot that exit code 194 asks for', async () => {
        const counter = join(folder, 'reboots');
        const result = await invocation(
          await send([`echo x >>${counter}`, `[ $(wc -l <${counter}) -ge 2 ] || exit 194`, 'echo over']),
        );
        expect(result).toMatchObject({ Status: 'Success', StandardOutputContent: 'over\n' });
        expect(await readFile(counter, 'utf8')).toBe('x\nx\n');
      });
    });

    describe('snapshots and volumes', () => {
      test('copies at the time of the call, and is pending for a while', async () => {
        await writeFile(hands.volumeFile('db1-data'), 'before');
        const made = await ec2.send(
          new CreateSnapshotCommand({
            VolumeId: dataVolume,
            TagSpecifications: [{ ResourceType: 'snapshot', Tags: [{ Key: 'belay:token', Value: 't1' }] }],
          }),
        );
        await writeFile(hands.volumeFile('db1-data'), 'after');
        expect(made.State).toBe('pending');
        const list = (state: string) =>
          ec2.send(
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
          ec2.send(new CreateVolumeCommand({ SnapshotId: made.SnapshotId, AvailabilityZone: `${region}a` })),
        ).rejects.toMatchObject({ name: 'IncorrectState' });
        const { Snapshots } = await until(
          () => list('completed'),
          ({ Snapshots }) => Snapshots?.length === 1,
        );
        expect(Snapshots?.[0]).toMatchObject({ State: 'completed', Progress: '100%', VolumeId: dataVolume });

        const restored = await ec2.send(
          new CreateVolumeCommand({
            SnapshotId: made.SnapshotId,
            AvailabilityZone: `${region}a`,
            ClientToken: 'token-1',
          }),
        );
        const again = await ec2.send(
          new CreateVolumeCommand({
            SnapshotId: made.SnapshotId,
            AvailabilityZone: `${region}a`,
            ClientToken: 'token-1',
          }),
        );
        expect(again.VolumeId).toBe(restored.VolumeId);
        await expect(
          ec2.send(
            new CreateVolumeCommand({ Size: 1, AvailabilityZone: `${region}a`, ClientToken: 'token-1' }),
          ),
        ).rejects.toMatchObject({ name: 'IdempotentParameterMismatch' });
        expect(restored.State).toBe('creating');
        await until(
          () => volume(restored.VolumeId ?? ''),
          (shown) => shown?.State === 'available',
        );
        expect(await readFile(hands.volumeFile(restored.VolumeId ?? ''), 'utf8')).toBe('before');
        await ec2.send(new DeleteVolumeCommand({ VolumeId: restored.VolumeId }));
        await ec2.send(new DeleteSnapshotCommand({ SnapshotId: made.SnapshotId }));
        await expect(volume(restored.VolumeId ?? '')).rejects.toMatchObject({
          name: 'InvalidVolume.NotFound',
        });
        expect(effects('volumeCreated', restored.VolumeId ?? '')).toHaveLength(1);
        expect(effects('snapshotDeleted', made.SnapshotId ?? '')).toHaveLength(1);
      });

      test('takes a set of an instance without the volumes that are excluded', async () => {
        const specification = { InstanceId: db, ExcludeBootVolume: true };
        const { Snapshots } = await ec2.send(
          new CreateSnapshotsCommand({
            InstanceSpecification: specification,
            TagSpecifications: [{ ResourceType: 'snapshot', Tags: [{ Key: 'set', Value: 's1' }] }],
          }),
        );
        expect(Snapshots).toHaveLength(1);
        expect(Snapshots?.[0]).toMatchObject({
          VolumeId: dataVolume,
          State: 'pending',
          Tags: [{ Key: 'set', Value: 's1' }],
        });
        await expect(
          ec2.send(
            new CreateSnapshotsCommand({
              InstanceSpecification: { ...specification, ExcludeDataVolumeIds: [dataVolume] },
            }),
          ),
        ).rejects.toMatchObject({ name: 'InvalidParameterCombination' });
        const both = await ec2.send(
          new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: db } }),
        );
        expect(both.Snapshots).toHaveLength(2);
      });

      test('attaches as the host names devices, and refuses a second place and a device in use', async () => {
        const { VolumeId } = await ec2.send(
          new CreateVolumeCommand({ Size: 1, AvailabilityZone: `${region}a` }),
        );
        const id = VolumeId ?? '';
        await until(
          () => volume(id),
          (shown) => shown?.State === 'available',
        );
        await expect(
          ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: db, Device: '/dev/xvdf' })),
        ).rejects.toMatchObject({ name: 'InvalidParameterValue' });
        const attaching = await ec2.send(
          new AttachVolumeCommand({ VolumeId, InstanceId: db, Device: '/dev/sdh' }),
        );
        expect(attaching.State).toBe('attaching');
        expect(hands.attachedAt(id)).toBe('db1:/dev/xvdh');
        await expect(
          ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: web, Device: '/dev/sdh' })),
        ).rejects.toMatchObject({ name: 'VolumeInUse' });
        const attachment = () => volume(id).then((shown) => shown?.Attachments?.[0]);
        await until(attachment, (shown) => shown?.State === 'attached');
        expect((await attachment())?.DeleteOnTermination).toBe(false);
        await ec2.send(
          new ModifyInstanceAttributeCommand({
            InstanceId: db,
            BlockDeviceMappings: [{ DeviceName: '/dev/sdh', Ebs: { DeleteOnTermination: true } }],
          }),
        );
        expect((await attachment())?.DeleteOnTermination).toBe(true);

        hands.setMounted(id, true);
        expect((await ec2.send(new DetachVolumeCommand({ VolumeId }))).State).toBe('detaching');
        await delay(400);
        expect((await attachment())?.State).toBe('detaching');
        expect(hands.attachedAt(id)).toBe('db1:/dev/xvdh');
        hands.setMounted(id, false);
        await until(
          () => volume(id),
          (shown) => shown?.State === 'available',
        );
        expect(hands.attachedAt(id)).toBeUndefined();
        await expect(ec2.send(new DetachVolumeCommand({ VolumeId }))).rejects.toMatchObject({
          name: 'IncorrectState',
        });
        await ec2.send(new DeleteVolumeCommand({ VolumeId }));
      });

      test('takes a mounted volume away by force', async () => {
        const { VolumeId } = await ec2.send(
          new CreateVolumeCommand({ Size: 1, AvailabilityZone: `${region}a` }),
        );
        const id = VolumeId ?? '';
        await until(
          () => volume(id),
          (shown) => shown?.State === 'available',
        );
        await ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: db, Device: '/dev/sdi' }));
        hands.setMounted(id, true);
        await ec2.send(new DetachVolumeCommand({ VolumeId, Force: true }));
        await until(
          () => volume(id),
          (shown) => shown?.State === 'available',
        );
        await ec2.send(new DeleteVolumeCommand({ VolumeId }));
      });
    });

    describe('instances', () => {
      test('shows a host as an instance with its address, tags and devices', async () => {
        const { Reservations } = await ec2.send(
          new DescribeInstancesCommand({ Filters: [{ Name: 'tag:Role', Values: ['db'] }] }),
        );
        const instance = Reservations?.[0]?.Instances?.[0];
        expect(instance).toMatchObject({
          InstanceId: db,
          PrivateIpAddress: hands.address('db1'),
          State: { Name: 'running' },
        });
        expect(instance?.BlockDeviceMappings?.map(({ DeviceName }) => DeviceName)).toEqual([
          instance?.RootDeviceName,
          '/dev/sdf',
        ]);
        expect(instance?.BlockDeviceMappings?.[1]?.Ebs?.VolumeId).toBe(dataVolume);
      });

      test('stops and starts the host, with the states on the way and checks that begin anew', async () => {
        const state = async () =>
          (await ec2.send(new DescribeInstancesCommand({ InstanceIds: [web] }))).Reservations?.[0]
            ?.Instances?.[0]?.State?.Name;
        const { StoppingInstances } = await ec2.send(new StopInstancesCommand({ InstanceIds: [web] }));
        expect(StoppingInstances?.[0]).toMatchObject({
          PreviousState: { Name: 'running' },
          CurrentState: { Name: 'stopping' },
        });
        await until(state, (name) => name === 'stopped');
        expect(hands.isOn('web1')).toBe(false);
        await expect(send(['true'])).rejects.toMatchObject({ name: 'InvalidInstanceId' });
        await ec2.send(new StartInstancesCommand({ InstanceIds: [web] }));
        await until(state, (name) => name === 'running');
        const check = async () =>
          (await ec2.send(new DescribeInstanceStatusCommand({ InstanceIds: [web] }))).InstanceStatuses?.[0]
            ?.InstanceStatus?.Status;
        expect(await check()).toBe('initializing');
        await until(check, (status) => status === 'ok');
        expect((await invocation(await send(['echo back']))).StandardOutputContent).toBe('back\n');
      });

      test('runs one instance for one client token', async () => {
        const run = () =>
          ec2.send(
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
        const id = await endpoint.adopt('old1', { agent: false });
        const kept = endpoint.volumeAt('old1', '/dev/xvdf') ?? '';
        await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
        await until(
          () => volume(kept),
          (shown) => shown?.State === 'available',
        );
        expect(hands.isOn('old1')).toBe(false);
        expect(hands.attachedAt('old1-data')).toBeUndefined();
      });
    });

    describe('faults', () => {
      test('a lost reply leaves one effect and one journaled call, and no answer', async () => {
        const remove = endpoint.faults.add({ match: { op: 'CreateSnapshot', nth: 1 }, do: 'lost-reply' });
        const tagged = [{ ResourceType: 'snapshot' as const, Tags: [{ Key: 'belay:token', Value: 'lost' }] }];
        await expect(
          ec2.send(new CreateSnapshotCommand({ VolumeId: dataVolume, TagSpecifications: tagged })),
        ).rejects.toThrow();
        remove();
        const { Snapshots } = await ec2.send(
          new DescribeSnapshotsCommand({ Filters: [{ Name: 'tag:belay:token', Values: ['lost'] }] }),
        );
        expect(Snapshots).toHaveLength(1);
        const calls = endpoint.journal.calls('CreateSnapshot').filter(({ reply }) => reply === 'cut');
        expect(calls).toHaveLength(1);
        expect(calls[0]).toMatchObject({ fault: 'lost-reply', status: 200 });
        expect(effects('snapshotCopied', Snapshots?.[0]?.SnapshotId ?? '')).toHaveLength(1);
      });

      test('a reset and a refusal change nothing', async () => {
        const count = endpoint.journal.effects('snapshotCopied').length;
        for (const [action, name] of [
          ['reset', undefined],
          ['throttle', 'RequestLimitExceeded'],
          ['error500', 'InternalError'],
          [{ deny: true }, 'UnauthorizedOperation'],
        ] as const) {
          const remove = endpoint.faults.add({ match: { op: 'ec2:CreateSnapshot' }, do: action });
          await expect(ec2.send(new CreateSnapshotCommand({ VolumeId: dataVolume }))).rejects.toMatchObject(
            name === undefined ? {} : { name },
          );
          remove();
        }
        const remove = endpoint.faults.add({
          match: { op: 'SendCommand', contains: 'never' },
          do: 'throttle',
        });
        await expect(send(['echo never'])).rejects.toMatchObject({ name: 'ThrottlingException' });
        remove();
        expect(endpoint.journal.effects('snapshotCopied')).toHaveLength(count);
      });

      test('a stale reading does not know what was just made, nor what was just changed', async () => {
        const remove = endpoint.faults.add({
          match: { op: 'CreateVolume', nth: 1 },
          do: 'stale',
          staleReads: 2,
        });
        const { VolumeId } = await ec2.send(
          new CreateVolumeCommand({ Size: 1, AvailabilityZone: `${region}a` }),
        );
        remove();
        await expect(volume(VolumeId ?? '')).rejects.toMatchObject({ name: 'InvalidVolume.NotFound' });
        const all = async () =>
          (await ec2.send(new DescribeVolumesCommand({}))).Volumes?.map((shown) => shown.VolumeId);
        expect(await all()).not.toContain(VolumeId);
        expect(await all()).toContain(VolumeId);
        await until(
          () => volume(VolumeId ?? ''),
          (shown) => shown?.State === 'available',
        );

        const removeSecond = endpoint.faults.add({
          match: { op: 'AttachVolume' },
          do: 'stale',
          staleReads: 1,
        });
        await ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: web, Device: '/dev/sdk' }));
        removeSecond();
        expect((await volume(VolumeId ?? ''))?.State).toBe('available');
        expect((await volume(VolumeId ?? ''))?.State).toBe('in-use');
        const removeThird = endpoint.faults.add({ match: { op: 'SendCommand' }, do: 'stale', staleReads: 1 });
        const id = await send(['true']);
        removeThird();
        const listed = async () =>
          (await ssm.send(new ListCommandsCommand({ CommandId: id }))).Commands?.length;
        expect(await listed()).toBe(0);
        expect(await listed()).toBe(1);
      });

      test('can be ordered and read over HTTP', async () => {
        const fault = { match: { op: 'CreateSnapshot', every: 2 }, do: 'throttle' };
        await fetch(`${endpoint.url}/_lab/faults`, { method: 'POST', body: JSON.stringify(fault) });
        await ec2.send(new CreateSnapshotCommand({ VolumeId: dataVolume }));
        await expect(ec2.send(new CreateSnapshotCommand({ VolumeId: dataVolume }))).rejects.toThrow();
        const played = await (await fetch(`${endpoint.url}/_lab/faults`, { method: 'DELETE' })).json();
        expect(played).toEqual([]);
        const journal = (await (await fetch(`${endpoint.url}/_lab/journal`)).json()) as unknown[];
        expect(journal.length).toBe(endpoint.journal.entries().length);
      });
    });

    test('keeps what is stored as a secret out of the journal, and passes it on to moto', async () => {
      await ssm.send(
        new PutParameterCommand({ Name: '/lab/secret', Value: 'hunter2-lab', Type: 'SecureString' }),
      );
      const text = await readFile(endpoint.journal.file, 'utf8');
      expect(text).toContain('/lab/secret');
      expect(text).not.toContain('hunter2-lab');
    });
  },
);
