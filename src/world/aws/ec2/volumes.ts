/** Volumes: made empty or from a snapshot, listed and deleted. Attaching is in attachments.ts. */
import type { JsonObject } from '../../../json.ts';
import { durationsMs } from '../../durations.ts';
import { hash, newId, uuidOf } from '../../ids.ts';
import type { Contents, Snapshot, Volume, WorldState } from '../../state.ts';
import { changes, iso, reads, type Operations, type Request } from '../operation.ts';
import { AwsNotModelled, AwsRefusal } from '../refusal.ts';
import { page } from '../page.ts';
import { missing } from '../params.ts';
import { onceByToken } from './client-token.ts';
import { passes } from './filters.ts';
import { findSnapshot, findVolume } from './find.ts';
import { putTags, specifiedTags, tagList, tagsOf } from './tags.ts';

const volumeTypes = ['gp2', 'gp3', 'io1', 'io2', 'st1', 'sc1', 'standard'];

export const volumeOperations: Operations = {
  CreateVolume: changes(
    [
      'AvailabilityZone',
      'SnapshotId',
      'Size',
      'VolumeType',
      'Iops',
      'Throughput',
      'Encrypted',
      'TagSpecifications',
      'ClientToken',
    ],
    (request) => {
      const { state } = request;
      const id = onceByToken(request, 'CreateVolume', () => create(request).id);
      return replyOf(state, findVolume(state, id));
    },
    { tokenMember: 'ClientToken' },
  ),

  DeleteVolume: changes(['VolumeId'], ({ state, params }) => {
    const volume = findVolume(state, params.needText('VolumeId'));
    if (volume.attachment)
      throw new AwsRefusal(
        'VolumeInUse',
        `Volume ${volume.id} is currently attached to ${volume.attachment.instanceId}`,
      );
    delete state.volumes[volume.id];
    delete state.tags[volume.id];
    return {};
  }),

  DescribeVolumes: reads(['VolumeIds', 'Filters', 'MaxResults', 'NextToken'], ({ state, params }) => {
    const ids = params.texts('VolumeIds');
    const candidates = ids.length > 0 ? ids.map((id) => findVolume(state, id)) : Object.values(state.volumes);
    const found = candidates.filter((volume) =>
      passes(params, tagsOf(state, volume.id), (filter) => facts(volume)[filter]),
    );
    return page(
      params,
      'Volumes',
      found.map((volume) => replyOf(state, volume)),
    );
  }),
};

function create({ state, params, now }: Request): Volume {
  const zone = params.needText('AvailabilityZone');
  if (!isZone(state, zone))
    throw new AwsRefusal('InvalidZone.NotFound', `The zone '${zone}' does not exist.`);
  const from = params.text('SnapshotId');
  const snapshot = from === undefined ? undefined : findSnapshot(state, from);
  if (snapshot?.state === 'pending')
    throw new AwsRefusal('IncorrectState', `Snapshot is in invalid state - pending`);
  const sizeGiB = params.count('Size') ?? snapshot?.sizeGiB;
  if (sizeGiB === undefined) throw missing('size/snapshot');
  if (snapshot && sizeGiB < snapshot.sizeGiB)
    throw new AwsRefusal(
      'InvalidParameterValue',
      `Volume of ${sizeGiB}GiB is smaller than snapshot '${snapshot.id}', expect size >= ${snapshot.sizeGiB}GiB`,
    );
  const volumeType = params.text('VolumeType') ?? 'gp2';
  if (!volumeTypes.includes(volumeType))
    throw new AwsRefusal('InvalidParameterValue', `Invalid volume type: ${volumeType}`);
  if (params.flag('Encrypted') && snapshot?.encrypted !== true)
    throw new AwsNotModelled('encryption with KMS keys');

  const id = newId(state, 'vol');
  const volume: Volume = {
    id,
    state: 'creating',
    settlesAt: now + durationsMs.createVolume,
    sizeGiB,
    volumeType,
    iops: params.count('Iops') ?? (volumeType === 'gp3' ? 3_000 : 100),
    throughput: params.count('Throughput') ?? 125,
    encrypted: snapshot?.encrypted ?? false,
    availabilityZone: zone,
    createTime: now,
    snapshotId: snapshot?.id ?? '',
    attachment: null,
    contents: contentsFrom(snapshot, id),
  };
  state.volumes[id] = volume;
  putTags(state, id, specifiedTags(params, 'volume'));
  return volume;
}

/** A copy of the snapshot, the file system's UUID included; without one, bytes without a file system. */
export function contentsFrom(snapshot: Snapshot | undefined, id: string): Contents {
  if (snapshot) return structuredClone(snapshot.contents);
  return { filesystem: null, uuid: uuidOf(hash('file system', id)), files: {}, system: null, postgres: null };
}

function isZone({ region }: WorldState, zone: string): boolean {
  return zone.startsWith(region) && /^[abc]$/.test(zone.slice(region.length));
}

function facts(volume: Volume): Record<string, readonly string[]> {
  const { attachment } = volume;
  const attached = (value: string | undefined) => (value === undefined ? [] : [value]);
  return {
    'volume-id': [volume.id],
    status: [volume.state],
    size: [String(volume.sizeGiB)],
    'volume-type': [volume.volumeType],
    'availability-zone': [volume.availabilityZone],
    'snapshot-id': [volume.snapshotId],
    encrypted: [String(volume.encrypted)],
    'create-time': [iso(volume.createTime)],
    'attachment.instance-id': attached(attachment?.instanceId),
    'attachment.device': attached(attachment?.device),
    'attachment.status': attached(attachment?.state),
    'attachment.delete-on-termination': attached(
      (attachment && String(attachment.deleteOnTermination)) || undefined,
    ),
  };
}

function replyOf(state: WorldState, volume: Volume): JsonObject {
  const { attachment } = volume;
  return {
    VolumeId: volume.id,
    State: volume.state,
    Size: volume.sizeGiB,
    VolumeType: volume.volumeType,
    Iops: volume.iops,
    ...(volume.volumeType === 'gp3' ? { Throughput: volume.throughput } : {}),
    Encrypted: volume.encrypted,
    AvailabilityZone: volume.availabilityZone,
    CreateTime: iso(volume.createTime),
    SnapshotId: volume.snapshotId,
    MultiAttachEnabled: false,
    Attachments: attachment ? [attachmentReply(volume.id, attachment)] : [],
    Tags: tagList(state, volume.id),
  };
}

export function attachmentReply(volumeId: string, attachment: NonNullable<Volume['attachment']>): JsonObject {
  return {
    VolumeId: volumeId,
    InstanceId: attachment.instanceId,
    Device: attachment.device,
    State: attachment.state,
    AttachTime: iso(attachment.attachTime),
    DeleteOnTermination: attachment.deleteOnTermination,
  };
}
