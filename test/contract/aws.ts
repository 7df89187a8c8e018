/**
 * What every implementation of the `Aws` port must do: the SDK client against an endpoint, and the sandbox in memory.
 * An adapter's test calls `awsContract` with a factory; where a stand-in for AWS is known to be wrong, it says so by a
 * capability, and the point is skipped with that reason.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsUnderTest, listAt, objectAt, probesOf, textAt } from './aws-probes.ts';

export type { AwsUnderTest };

/** What this implementation gets wrong, each with the sentence that says so. */
export interface AwsDeviations {
  /** A second CreateVolume with the same ClientToken makes a second volume. */
  readonly ignoresClientTokens?: string;
  /** AttachVolume accepts a volume that is attached already. */
  readonly attachesTwice?: string;
  /** DetachVolume fails when it is not told the instance and device. */
  readonly detachNeedsInstance?: string;
}

export function awsContract(
  name: string,
  factory: () => Promise<AwsUnderTest>,
  deviations: AwsDeviations = {},
): void {
  describe(`${name} keeps the contract of the Aws port`, () => {
    let subject: AwsUnderTest;
    beforeAll(async () => {
      subject = await factory();
    }, 60_000);
    afterAll(async () => {
      await subject?.close();
    });

    const {
      call,
      ec2,
      refusal,
      eventually,
      unique,
      instance,
      volume,
      snapshot,
      completedSnapshot,
      availableVolume,
    } = probesOf(() => subject);

    describe('instances', () => {
      it('are described by id, with their state, zone and devices', async () => {
        const found = await instance();
        expect(textAt(found, 'State', 'Name')).toBe('running');
        expect(textAt(found, 'Placement', 'AvailabilityZone')).toBe(subject.seed.availabilityZone);
        const attached = listAt(found, 'BlockDeviceMappings').map((device) =>
          textAt(device, 'Ebs', 'VolumeId'),
        );
        expect(attached).toContain(subject.seed.volumeId);
        expect(textAt(found, 'LaunchTime')).toMatch(ISO_INSTANT);
      });

      it('are found by state and by id filters, and not by filters that do not fit', async () => {
        const byState = (state: string) =>
          ec2('DescribeInstances', {
            Filters: [
              { Name: 'instance-id', Values: [subject.seed.instanceId] },
              { Name: 'instance-state-name', Values: [state] },
            ],
          });
        expect(listAt(await byState('running'), 'Reservations')).toHaveLength(1);
        expect(listAt(await byState('terminated'), 'Reservations')).toHaveLength(0);
      });

      it('stop and start again, passing through states that can be waited for', async () => {
        const InstanceIds = [subject.seed.instanceId];
        const state = async () => textAt(await instance(), 'State', 'Name');
        const stopping = await ec2('StopInstances', { InstanceIds });
        expect(textAt(stopping, 'StoppingInstances', 0, 'InstanceId')).toBe(subject.seed.instanceId);
        expect(textAt(stopping, 'StoppingInstances', 0, 'PreviousState', 'Name')).toBe('running');
        await eventually(state, (now) => now === 'stopped');

        await ec2('StopInstances', { InstanceIds });
        expect(await eventually(state, (now) => now === 'stopped')).toBe('stopped');

        const starting = await ec2('StartInstances', { InstanceIds });
        expect(textAt(starting, 'StartingInstances', 0, 'PreviousState', 'Name')).toBe('stopped');
        await eventually(state, (now) => now === 'running');
      });

      it.each(['DescribeInstances', 'StopInstances', 'StartInstances'])(
        '%s of an unknown id is refused as InvalidInstanceID.NotFound, without effect',
        async (operation) => {
          const failure = await refusal(ec2(operation, { InstanceIds: ['i-0123456789abcdef0'] }));
          expect(failure).toMatchObject({
            code: 'InvalidInstanceID.NotFound',
            effect: 'none',
            retryable: false,
          });
          expect(failure.message).toContain('i-0123456789abcdef0');
          expect(failure.message).toContain(operation);
        },
      );
    });

    describe('snapshots', () => {
      it('are taken of a volume, complete, and are found by id and by tag', async () => {
        const Value = unique('restore-point');
        const id = await completedSnapshot([{ Key: 'belay:token', Value }]);
        const found = await snapshot(id);
        expect(found).toMatchObject({ SnapshotId: id, VolumeId: subject.seed.volumeId, State: 'completed' });
        expect(found['StartTime']).toMatch(ISO_INSTANT);
        expect(found['Tags']).toEqual([{ Key: 'belay:token', Value }]);

        const byTag = await ec2('DescribeSnapshots', {
          Filters: [{ Name: 'tag:belay:token', Values: [Value] }],
        });
        expect(listAt(byTag, 'Snapshots').map((each) => each['SnapshotId'])).toEqual([id]);
        const byOther = await ec2('DescribeSnapshots', {
          Filters: [{ Name: 'tag:belay:token', Values: ['no'] }],
        });
        expect(byOther['Snapshots']).toEqual([]);
      });

      it('are gone after DeleteSnapshot, and a second one is refused as InvalidSnapshot.NotFound', async () => {
        const SnapshotId = await completedSnapshot();
        await ec2('DeleteSnapshot', { SnapshotId });
        expect(await refusal(ec2('DescribeSnapshots', { SnapshotIds: [SnapshotId] }))).toMatchObject({
          code: 'InvalidSnapshot.NotFound',
          effect: 'none',
        });
        expect(await refusal(ec2('DeleteSnapshot', { SnapshotId }))).toMatchObject({
          code: 'InvalidSnapshot.NotFound',
        });
      });

      it('of an unknown volume are refused as InvalidVolume.NotFound', async () => {
        const failure = await refusal(ec2('CreateSnapshot', { VolumeId: 'vol-0123456789abcdef0' }));
        expect(failure).toMatchObject({ code: 'InvalidVolume.NotFound', effect: 'none', retryable: false });
      });
    });

    describe('tags', () => {
      it('are set, overwritten, read back by resource, and removed', async () => {
        const id = await availableVolume();
        const tags = async () => {
          const reply = await ec2('DescribeTags', { Filters: [{ Name: 'resource-id', Values: [id] }] });
          return listAt(reply, 'Tags').map(({ Key, Value, ResourceType }) => ({ Key, Value, ResourceType }));
        };
        expect(await tags()).toEqual([]);
        await ec2('CreateTags', { Resources: [id], Tags: [{ Key: 'role', Value: 'data & log' }] });
        await ec2('CreateTags', { Resources: [id], Tags: [{ Key: 'role', Value: 'Daten – groß' }] });
        expect(await tags()).toEqual([{ Key: 'role', Value: 'Daten – groß', ResourceType: 'volume' }]);
        await ec2('DeleteTags', { Resources: [id], Tags: [{ Key: 'role' }] });
        expect(await tags()).toEqual([]);
      });
    });

    describe('volumes', () => {
      it('are described through the instance that they are attached to', async () => {
        const Filters = [{ Name: 'attachment.instance-id', Values: [subject.seed.instanceId] }];
        const found = listAt(await ec2('DescribeVolumes', { Filters }), 'Volumes');
        expect(found.map(({ VolumeId }) => VolumeId)).toContain(subject.seed.volumeId);
        expect(found.every(({ State }) => State === 'in-use')).toBe(true);
      });

      it('are made from a snapshot, attached, detached and deleted', async () => {
        const Value = unique('restored');
        const VolumeId = await availableVolume({
          SnapshotId: await completedSnapshot(),
          TagSpecifications: [{ ResourceType: 'volume', Tags: [{ Key: 'made', Value }] }],
        });
        const byTag = await ec2('DescribeVolumes', { Filters: [{ Name: 'tag:made', Values: [Value] }] });
        expect(listAt(byTag, 'Volumes').map((each) => each['VolumeId'])).toEqual([VolumeId]);

        const attachment = { VolumeId, InstanceId: subject.seed.instanceId, Device: '/dev/sdx' };
        await ec2('AttachVolume', attachment);
        const attached = await eventually(
          () => volume(VolumeId),
          ({ State }) => State === 'in-use',
        );
        expect(objectAt(attached, 'Attachments', 0)).toMatchObject(attachment);
        const failure = await refusal(ec2('DeleteVolume', { VolumeId }));
        expect(failure).toMatchObject({ code: 'VolumeInUse', effect: 'none' });

        await ec2('DetachVolume', attachment);
        await eventually(
          () => volume(VolumeId),
          ({ State }) => State === 'available',
        );
        await ec2('DeleteVolume', { VolumeId });
        expect(await refusal(ec2('DescribeVolumes', { VolumeIds: [VolumeId] }))).toMatchObject({
          code: 'InvalidVolume.NotFound',
        });
      });

      it.skipIf(deviations.attachesTwice)(
        `are not attached twice${because(deviations.attachesTwice)}`,
        async () => {
          const VolumeId = await availableVolume();
          const where = { VolumeId, InstanceId: subject.seed.instanceId };
          await ec2('AttachVolume', { ...where, Device: '/dev/sdy' });
          expect(await refusal(ec2('AttachVolume', { ...where, Device: '/dev/sdz' }))).toMatchObject({
            code: 'VolumeInUse',
            effect: 'none',
          });
          await ec2('DetachVolume', { ...where, Device: '/dev/sdy' });
        },
      );

      it.skipIf(deviations.detachNeedsInstance)(
        `are detached by their id alone${because(deviations.detachNeedsInstance)}`,
        async () => {
          const VolumeId = await availableVolume();
          const { instanceId } = subject.seed;
          await ec2('AttachVolume', { VolumeId, InstanceId: instanceId, Device: '/dev/sdw' });
          await ec2('DetachVolume', { VolumeId });
          const detached = await eventually(
            () => volume(VolumeId),
            ({ State }) => State === 'available',
          );
          expect(detached['Attachments']).toEqual([]);
        },
      );

      it.skipIf(deviations.ignoresClientTokens)(
        `are made once per idempotency token${because(deviations.ignoresClientTokens)}`,
        async () => {
          const token = unique('one-effect');
          const first = await availableVolume({}, { token });
          expect(await availableVolume({}, { token })).toBe(first);
          expect(await availableVolume({}, { token: unique('another-effect') })).not.toBe(first);
        },
      );

      it.each([
        ['DescribeVolumes', { VolumeIds: ['vol-0123456789abcdef0'] }],
        ['DetachVolume', { VolumeId: 'vol-0123456789abcdef0' }],
        ['DeleteVolume', { VolumeId: 'vol-0123456789abcdef0' }],
      ])('%s of an unknown id is refused as InvalidVolume.NotFound', async (operation, params) => {
        const failure = await refusal(ec2(operation, params));
        expect(failure).toMatchObject({ code: 'InvalidVolume.NotFound', effect: 'none', retryable: false });
      });

      it('from an unknown snapshot are refused as InvalidSnapshot.NotFound', async () => {
        const params = {
          AvailabilityZone: subject.seed.availabilityZone,
          SnapshotId: 'snap-0123456789abcdef0',
        };
        expect(await refusal(ec2('CreateVolume', params))).toMatchObject({
          code: 'InvalidSnapshot.NotFound',
        });
      });
    });

    describe('parameters of Systems Manager', () => {
      it('are put, read, and only overwritten on request', async () => {
        const Name = `/belay/${unique('parameter')}`;
        const put = (Value: string, Overwrite: boolean) =>
          call('ssm', 'PutParameter', { Name, Value, Type: 'String', Overwrite });
        const read = async () => {
          const request = { service: 'ssm', operation: 'GetParameter', params: { Name } };
          return textAt(await subject.aws.call(request, { reveal: true }), 'Parameter', 'Value');
        };
        await put('one', false);
        expect(await read()).toBe('one');
        expect(await refusal(put('two', false))).toMatchObject({
          code: 'ParameterAlreadyExists',
          effect: 'none',
        });
        expect(await put('two', true)).toMatchObject({ Version: 2 });
        expect(await read()).toBe('two');
      });

      it('are masked unless they are asked for openly', async () => {
        const Name = `/belay/${unique('secret')}`;
        await call('ssm', 'PutParameter', { Name, Value: 'hunter2', Type: 'SecureString' });
        const masked = await call('ssm', 'GetParameter', { Name, WithDecryption: true });
        expect(objectAt(masked, 'Parameter')).toMatchObject({ Name, Type: 'SecureString', Value: '***' });
        expect(JSON.stringify(masked)).not.toContain('hunter2');
      });

      it('that do not exist are refused as ParameterNotFound', async () => {
        const failure = await refusal(call('ssm', 'GetParameter', { Name: '/belay/none' }));
        expect(failure).toMatchObject({ code: 'ParameterNotFound', effect: 'none', retryable: false });
      });
    });

    describe('topics', () => {
      it('are created once per name and take messages', async () => {
        const Name = unique('alarms');
        const arn = textAt(await call('sns', 'CreateTopic', { Name }), 'TopicArn');
        expect(arn).toMatch(/^arn:aws[\w-]*:sns:[\w-]+:\d{12}:/);
        expect(textAt(await call('sns', 'CreateTopic', { Name }), 'TopicArn')).toBe(arn);
        const published = await call('sns', 'Publish', { TopicArn: arn, Subject: 'hello', Message: 'a & b' });
        expect(textAt(published, 'MessageId')).not.toBe('');
      });

      it('that do not exist are refused as NotFound', async () => {
        const { account, partition, region } = await subject.aws.identity();
        const TopicArn = `arn:${partition}:sns:${region}:${account}:no-such-topic`;
        expect(await refusal(call('sns', 'Publish', { TopicArn, Message: 'lost' }))).toMatchObject({
          code: 'NotFound',
          effect: 'none',
        });
      });
    });

    describe('the caller', () => {
      it('is told by identity() as by GetCallerIdentity', async () => {
        const identity = await subject.aws.identity();
        const reply = await call('sts', 'GetCallerIdentity', {});
        expect(identity.account).toMatch(/^\d{12}$/);
        expect(identity).toMatchObject({ account: reply['Account'], arn: reply['Arn'], partition: 'aws' });
        expect(identity.region).toMatch(/^[a-z]{2}-[a-z]+-\d$/);
      });

      it('is another one behind assume()', async () => {
        const { account } = await subject.aws.identity();
        const operator = subject.aws.assume(`arn:aws:iam::${account}:role/operator`);
        expect((await operator.identity()).arn).toContain(`:assumed-role/operator/`);
        expect((await subject.aws.identity()).arn).not.toContain('assumed-role');
      });
    });

    describe('every call', () => {
      it('answers with ResponseMetadata', async () => {
        const { ResponseMetadata } = await ec2('DescribeVolumes', {});
        expect(ResponseMetadata).toMatchObject({
          HTTPStatusCode: 200,
          RequestId: expect.stringMatching(/\S/),
        });
      });

      it.each(['DescribeInstances', 'describe_instances', 'describe-instances'])(
        'takes the operation as %s and the service in any case',
        async (operation) => {
          const reply = await call('EC2', operation, { InstanceIds: [subject.seed.instanceId] });
          expect(listAt(reply, 'Reservations')).toHaveLength(1);
        },
      );

      it.each([
        ['ec2', 'DescribeInstances', { InstanceIdz: ['i-0123456789abcdef0'] }, 'InstanceIds'],
        ['ec2', 'DescribeInstances', { InstanceIds: 'i-0123456789abcdef0' }, 'list'],
        ['ec2', 'StopInstances', {}, 'InstanceIds'],
        ['ec2', 'DescribeInstanses', {}, 'DescribeInstances'],
        ['ec3', 'DescribeInstances', {}, 'ec2'],
      ])(
        'is refused as BAD_PARAMETERS when malformed: %s %s %j',
        async (service, operation, params, hint) => {
          const failure = await refusal(call(service, operation, params));
          expect(failure).toMatchObject({ code: 'BAD_PARAMETERS', effect: 'none', retryable: false });
          expect(failure.message).toContain(hint);
        },
      );

      it('is not made at all when it was cancelled before', async () => {
        const Name = `/belay/${unique('cancelled')}`;
        const signal = AbortSignal.abort();
        const params = { Name, Value: 'x', Type: 'String' };
        const failure = await refusal(call('ssm', 'PutParameter', params, { signal }));
        expect(failure).toMatchObject({ code: 'CANCELLED', effect: 'none', retryable: false });
        expect(await refusal(call('ssm', 'GetParameter', { Name }))).toMatchObject({
          code: 'ParameterNotFound',
        });
      });
    });
  });
}

const ISO_INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

function because(reason: string | undefined): string {
  return reason === undefined ? '' : ` (not here: ${reason})`;
}
