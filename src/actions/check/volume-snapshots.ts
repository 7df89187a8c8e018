/** check:volumeSnapshots: each volume of a tag has a completed snapshot that is young enough. */
import { Type } from 'typebox';
import type { Judged } from '../../compliance/types.ts';
import { objectsIn, pages, textIn } from '../aws/reply.ts';
import { defineAccountCheck } from './define-check.ts';
import { broken, isFuture, kept, unknown } from './judging.ts';
import { listVolumes, tagInput, volumeText } from './volumes.ts';

/** Values of one filter that EC2 takes. */
const volumesAtOnceMax = 200;

export const checkVolumeSnapshots = defineAccountCheck({
  name: 'check:volumeSnapshots',
  summary:
    'Looks whether each EBS volume of a tag has a completed snapshot of this account that is younger than so many hours.',
  source: 'https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSnapshots.html',
  example: `
    - name: DataIsBackedUp
      action: check:volumeSnapshots
      inputs: { Tag: { Key: backup, Value: daily }, MaxAgeHours: 26 }`,
  inputs: { Tag: tagInput, MaxAgeHours: Type.Number({ exclusiveMinimum: 0 }) },
  permissions: () => ['ec2:DescribeVolumes', 'ec2:DescribeSnapshots'],
  look: async ({ Tag, MaxAgeHours }, context) => {
    const volumes = await listVolumes({ tag: Tag, isAttached: false }, context);
    const ids = volumes.map((volume) => textIn(volume, 'VolumeId')).filter((id) => id !== '');
    const newest = new Map<string, number>();
    const unreadable = new Set<string>();
    for (let from = 0; from < ids.length; from += volumesAtOnceMax) {
      const Filters = [
        { Name: 'volume-id', Values: ids.slice(from, from + volumesAtOnceMax) },
        { Name: 'status', Values: ['completed'] },
      ];
      for await (const page of pages('ec2', 'DescribeSnapshots', { OwnerIds: ['self'], Filters }, context))
        for (const snapshot of objectsIn(page, 'Snapshots')) {
          const id = textIn(snapshot, 'VolumeId');
          const at = Date.parse(textIn(snapshot, 'StartTime'));
          // What an endpoint gives beyond the filter counts as little as what has no time.
          if (textIn(snapshot, 'State') !== 'completed' || Number.isNaN(at) || isFuture(at, context.now()))
            unreadable.add(id);
          else newest.set(id, Math.max(newest.get(id) ?? 0, at));
        }
    }
    const judged = volumes.map((volume): Judged => {
      const id = textIn(volume, 'VolumeId');
      const wanted = `a snapshot younger than ${MaxAgeHours} h`;
      if (id === '') return unknown('', 'BAD_REPLY', 'EC2 listed a volume without an id');
      const at = newest.get(id);
      const hours = at === undefined ? Infinity : (context.now() - at) / 3_600_000;
      if (hours <= MaxAgeHours) return kept(id, `${hours.toFixed(1)} h since its last snapshot`);
      if (unreadable.has(id))
        return unknown(
          id,
          'BAD_REPLY',
          'EC2 lists a snapshot of it without a state, or without a time that has come',
        );
      return broken(
        id,
        wanted,
        at === undefined
          ? `without any completed snapshot${volumeText(volume)}`
          : `${Math.floor(hours)} h since its last snapshot${volumeText(volume)}`,
      );
    });
    if (judged.length === 0)
      judged.push(unknown('', 'NOTHING_JUDGED', `EC2 lists no volume with the tag ${Tag.Key}=${Tag.Value}`));
    return { judged, isWhole: false };
  },
});
