/** Snapshots: of one volume, or of all volumes of an instance at one instant. */
import type { JsonObject } from '../../../json.ts';
import { durationsMs } from '../../durations.ts';
import { newId } from '../../ids.ts';
import type { Snapshot, Volume, WorldState } from '../../state.ts';
import { changes, iso, reads, type Operations, type Request } from '../operation.ts';
import { AwsNotModelled, AwsRefusal } from '../refusal.ts';
import { page } from '../page.ts';
import { missing } from '../params.ts';
import { passes } from './filters.ts';
import { findInstance, findSnapshot, findVolume } from './find.ts';
import { putTags, specifiedTags, tagList, tagsOf } from './tags.ts';

/** How many snapshots of one gp3 volume may be pending at once. */
const pendingMax = 5;

export const snapshotOperations: Operations = {
  CreateSnapshot: changes(['VolumeId', 'Description', 'TagSpecifications'], (request) => {
    const volume = findVolume(request.state, request.params.needText('VolumeId'));
    return replyOf(request.state, take(request, volume, specifiedTags(request.params, 'snapshot')));
  }),

  CreateSnapshots: changes(
    ['InstanceSpecification', 'Description', 'TagSpecifications', 'CopyTagsFromSource'],
    (request) => {
      const { state, params } = request;
      const specification = params.object('InstanceSpecification');
      if (!specification) throw missing('InstanceSpecification');
      specification.onlyKnows(
        ['InstanceId', 'ExcludeBootVolume', 'ExcludeDataVolumeIds'],
        'InstanceSpecification.',
      );
      const instance = findInstance(state, specification.needText('InstanceId'));
      const excluded = specification.texts('ExcludeDataVolumeIds');
      for (const id of excluded) findVolume(state, id);
      const volumes = Object.values(state.volumes).filter(
        ({ id, attachment }) =>
          attachment?.instanceId === instance.id &&
          !(specification.flag('ExcludeBootVolume') && attachment.device === instance.rootDeviceName) &&
          !excluded.includes(id),
      );
      if (volumes.length === 0)
        throw new AwsRefusal(
          'InvalidParameterValue',
          `No volumes of ${instance.id} are left to be snapshotted.`,
        );
      const copiesTags = params.text('CopyTagsFromSource') === 'volume';
      const tags = specifiedTags(params, 'snapshot');
      const made = volumes.map((volume) =>
        take(request, volume, { ...(copiesTags ? tagsOf(state, volume.id) : {}), ...tags }),
      );
      return { Snapshots: made.map((snapshot) => replyOf(state, snapshot)) };
    },
  ),

  DeleteSnapshot: changes(['SnapshotId'], ({ state, params }) => {
    const { id } = findSnapshot(state, params.needText('SnapshotId'));
    const user = Object.values(state.images).find(({ devices }) =>
      devices.some(({ snapshotId }) => snapshotId === id),
    );
    if (user)
      throw new AwsRefusal('InvalidSnapshot.InUse', `The snapshot ${id} is currently in use by ${user.id}`);
    delete state.snapshots[id];
    delete state.tags[id];
    return {};
  }),

  DescribeSnapshots: reads(
    ['SnapshotIds', 'OwnerIds', 'RestorableByUserIds', 'Filters', 'MaxResults', 'NextToken'],
    ({ state, params }) => {
      const ids = params.texts('SnapshotIds');
      for (const owner of [...params.texts('OwnerIds'), ...params.texts('RestorableByUserIds')]) {
        if (owner !== 'self' && owner !== state.account)
          throw new AwsNotModelled(`snapshots of other accounts (${owner})`);
      }
      const candidates =
        ids.length > 0 ? ids.map((id) => findSnapshot(state, id)) : Object.values(state.snapshots);
      const found = candidates.filter((snapshot) =>
        passes(params, tagsOf(state, snapshot.id), (filter) => facts(state, snapshot)[filter]),
      );
      return page(
        params,
        'Snapshots',
        found.map((snapshot) => replyOf(state, snapshot)),
      );
    },
  ),
};

function take(request: Request, volume: Volume, tags: Readonly<Record<string, string>>): Snapshot {
  return takeSnapshot(request, volume, request.params.text('Description') ?? '', tags);
}

export function takeSnapshot(
  { state, now }: Request,
  volume: Volume,
  description: string,
  tags: Readonly<Record<string, string>>,
): Snapshot {
  if (volume.state === 'creating')
    throw new AwsRefusal('IncorrectState', `Volume '${volume.id}' is in the 'creating' state.`);
  const isPending = (one: Snapshot) => one.volumeId === volume.id && one.state === 'pending';
  if (Object.values(state.snapshots).filter(isPending).length >= pendingMax)
    throw new AwsRefusal(
      'ConcurrentSnapshotLimitExceeded',
      `Maximum allowed in-progress snapshots for a single volume exceeded.`,
    );
  const id = newId(state, 'snap');
  const snapshot: Snapshot = {
    id,
    state: 'pending',
    settlesAt: now + durationsMs.snapshot,
    volumeId: volume.id,
    sizeGiB: volume.sizeGiB,
    encrypted: volume.encrypted,
    description,
    startTime: now,
    // The instant of the call is what it holds, however long it stays pending.
    contents: structuredClone(volume.contents),
  };
  state.snapshots[id] = snapshot;
  putTags(state, id, tags);
  return snapshot;
}

function facts(state: WorldState, snapshot: Snapshot): Record<string, readonly string[]> {
  return {
    'snapshot-id': [snapshot.id],
    'volume-id': [snapshot.volumeId],
    'volume-size': [String(snapshot.sizeGiB)],
    status: [snapshot.state],
    description: [snapshot.description],
    encrypted: [String(snapshot.encrypted)],
    'owner-id': [state.account],
    'start-time': [iso(snapshot.startTime)],
    progress: [progress(snapshot)],
  };
}

function progress({ state }: Snapshot): string {
  return state === 'completed' ? '100%' : '0%';
}

function replyOf(state: WorldState, snapshot: Snapshot): JsonObject {
  return {
    SnapshotId: snapshot.id,
    VolumeId: snapshot.volumeId,
    VolumeSize: snapshot.sizeGiB,
    State: snapshot.state,
    Progress: progress(snapshot),
    StartTime: iso(snapshot.startTime),
    Description: snapshot.description,
    Encrypted: snapshot.encrypted,
    OwnerId: state.account,
    StorageTier: 'standard',
    Tags: tagList(state, snapshot.id),
  };
}
