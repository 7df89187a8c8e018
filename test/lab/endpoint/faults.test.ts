/** Faults that tests order, and the journal that tells what really happened. */
import { readFile } from 'node:fs/promises';
import {
  AttachVolumeCommand,
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
} from '@aws-sdk/client-ec2';
import { ListCommandsCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { motoMissing } from './moto.ts';
import { raiseTestBed, region, until, type TestBed } from './test-bed.ts';

const reason = motoMissing();
describe.skipIf(reason)(
  `faults and journal of the endpoint${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let bed: TestBed;

    beforeAll(async () => {
      bed = await raiseTestBed();
    }, 90_000);

    afterAll(async () => {
      await bed?.close();
    });

    test('a lost reply leaves one effect and one journaled call, and no answer', async () => {
      const remove = bed.endpoint.faults.add({ match: { op: 'CreateSnapshot', nth: 1 }, do: 'lost-reply' });
      const tagged = [{ ResourceType: 'snapshot' as const, Tags: [{ Key: 'belay:token', Value: 'lost' }] }];
      await expect(
        bed.ec2.send(new CreateSnapshotCommand({ VolumeId: bed.dataVolume, TagSpecifications: tagged })),
      ).rejects.toThrow();
      remove();
      const { Snapshots } = await bed.ec2.send(
        new DescribeSnapshotsCommand({ Filters: [{ Name: 'tag:belay:token', Values: ['lost'] }] }),
      );
      expect(Snapshots).toHaveLength(1);
      const calls = bed.endpoint.journal.calls('CreateSnapshot').filter(({ reply }) => reply === 'cut');
      expect(calls).toHaveLength(1);
      expect(calls[0]).toMatchObject({ fault: 'lost-reply', status: 200 });
      expect(bed.effects('snapshotCopied', Snapshots?.[0]?.SnapshotId ?? '')).toHaveLength(1);
    });

    test('a lost reply may also be missing from the next readings', async () => {
      const remove = bed.endpoint.faults.add({
        match: { op: 'CreateSnapshot', nth: 1 },
        do: 'lost-reply',
        staleReads: 2,
      });
      const tagged = [{ ResourceType: 'snapshot' as const, Tags: [{ Key: 'belay:token', Value: 'late' }] }];
      await expect(
        bed.ec2.send(new CreateSnapshotCommand({ VolumeId: bed.dataVolume, TagSpecifications: tagged })),
      ).rejects.toThrow();
      remove();
      const listed = async () => {
        const Filters = [{ Name: 'tag:belay:token', Values: ['late'] }];
        return (await bed.ec2.send(new DescribeSnapshotsCommand({ Filters }))).Snapshots?.length;
      };
      expect([await listed(), await listed(), await listed()]).toEqual([0, 0, 1]);
    });

    test('a reset and a refusal change nothing', async () => {
      const count = bed.endpoint.journal.effects('snapshotCopied').length;
      for (const [action, name] of [
        ['reset', undefined],
        ['throttle', 'RequestLimitExceeded'],
        ['error500', 'InternalError'],
        [{ deny: true }, 'UnauthorizedOperation'],
      ] as const) {
        const remove = bed.endpoint.faults.add({ match: { op: 'ec2:CreateSnapshot' }, do: action });
        await expect(
          bed.ec2.send(new CreateSnapshotCommand({ VolumeId: bed.dataVolume })),
        ).rejects.toMatchObject(name === undefined ? {} : { name });
        remove();
      }
      const remove = bed.endpoint.faults.add({
        match: { op: 'SendCommand', contains: 'never' },
        do: 'throttle',
      });
      await expect(bed.send(bed.web, ['echo never'])).rejects.toMatchObject({ name: 'ThrottlingException' });
      remove();
      expect(bed.endpoint.journal.effects('snapshotCopied')).toHaveLength(count);
    });

    test('a stale reading does not know what was just made, nor what was just changed', async () => {
      const remove = bed.endpoint.faults.add({
        match: { op: 'CreateVolume', nth: 1 },
        do: 'stale',
        staleReads: 3,
      });
      const { VolumeId } = await bed.ec2.send(
        new CreateVolumeCommand({ Size: 1, AvailabilityZone: `${region}a` }),
      );
      remove();
      await expect(bed.volume(VolumeId ?? '')).rejects.toMatchObject({ name: 'InvalidVolume.NotFound' });
      const Filters = [{ Name: 'volume-id', Values: [VolumeId ?? ''] }];
      expect((await bed.ec2.send(new DescribeVolumesCommand({ Filters }))).Volumes).toEqual([]);
      const all = async () =>
        (await bed.ec2.send(new DescribeVolumesCommand({}))).Volumes?.map((shown) => shown.VolumeId);
      expect(await all()).not.toContain(VolumeId);
      expect(await all()).toContain(VolumeId);
      await until(
        () => bed.volume(VolumeId ?? ''),
        (shown) => shown?.State === 'available',
      );

      const removeSecond = bed.endpoint.faults.add({
        match: { op: 'AttachVolume' },
        do: 'stale',
        staleReads: 1,
      });
      await bed.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: bed.web, Device: '/dev/sdk' }));
      removeSecond();
      expect((await bed.volume(VolumeId ?? ''))?.State).toBe('available');
      expect((await bed.volume(VolumeId ?? ''))?.State).toBe('in-use');
      const removeThird = bed.endpoint.faults.add({
        match: { op: 'SendCommand' },
        do: 'stale',
        staleReads: 1,
      });
      const id = await bed.send(bed.web, ['true']);
      removeThird();
      const listed = async () =>
        (await bed.ssm.send(new ListCommandsCommand({ CommandId: id }))).Commands?.length;
      expect(await listed()).toBe(0);
      expect(await listed()).toBe(1);
    });

    test('can be ordered and read over HTTP', async () => {
      const fault = { match: { op: 'CreateSnapshot', every: 2 }, do: 'throttle' };
      await fetch(`${bed.endpoint.url}/_lab/faults`, { method: 'POST', body: JSON.stringify(fault) });
      await bed.ec2.send(new CreateSnapshotCommand({ VolumeId: bed.dataVolume }));
      await expect(bed.ec2.send(new CreateSnapshotCommand({ VolumeId: bed.dataVolume }))).rejects.toThrow();
      const played = await (await fetch(`${bed.endpoint.url}/_lab/faults`, { method: 'DELETE' })).json();
      expect(played).toEqual([]);
      const journal = (await (await fetch(`${bed.endpoint.url}/_lab/journal`)).json()) as unknown[];
      expect(journal.length).toBe(bed.endpoint.journal.entries().length);
    });

    test('keeps what is stored as a secret out of the journal, and passes it on to moto', async () => {
      await bed.ssm.send(
        new PutParameterCommand({ Name: '/lab/secret', Value: 'hunter2-lab', Type: 'SecureString' }),
      );
      const text = await readFile(bed.endpoint.journal.file, 'utf8');
      expect(text).toContain('/lab/secret');
      expect(text).not.toContain('hunter2-lab');
    });

    test('passes other services on, headers of an answer without a body included', async () => {
      const authorization =
        'AWS4-HMAC-SHA256 Credential=lab/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0';
      const s3 = (path: string, method: string, body?: string): Promise<Response> =>
        fetch(`${bed.endpoint.url}${path}`, {
          method,
          headers: { authorization },
          ...(body === undefined ? {} : { body }),
        });
      expect((await s3('/lab-bucket', 'PUT', bucketIn(region))).status).toBe(200);
      expect((await s3('/lab-bucket/key', 'PUT', 'twelve bytes')).status).toBe(200);
      expect((await s3('/lab-bucket/key', 'HEAD')).headers.get('content-length')).toBe('12');
      expect(await (await s3('/lab-bucket/key', 'GET')).text()).toBe('twelve bytes');
    });
  },
);

function bucketIn(place: string): string {
  return `<CreateBucketConfiguration><LocationConstraint>${place}</LocationConstraint></CreateBucketConfiguration>`;
}
