/** Images: made of an instance, copied within the region, listed and deregistered. */
import type { JsonObject } from '../../../json.ts';
import { durationsMs } from '../../durations.ts';
import { haltHost } from '../../hosts/power.ts';
import { newId } from '../../ids.ts';
import type { Image, ImageDevice, WorldState } from '../../state.ts';
import { changes, iso, reads, type Operations, type Request } from '../operation.ts';
import { AwsNotModelled, AwsRefusal } from '../refusal.ts';
import { page } from '../page.ts';
import { onceByToken } from './client-token.ts';
import { passes } from './filters.ts';
import { findImage, findInstance } from './find.ts';
import { takeSnapshot } from './snapshots.ts';
import { putTags, specifiedTags, tagList, tagsOf } from './tags.ts';

export const imageOperations: Operations = {
  DescribeImages: reads(['ImageIds', 'Owners', 'Filters', 'MaxResults', 'NextToken'], ({ state, params }) => {
    const ids = params.texts('ImageIds');
    const owners = params.texts('Owners').map((owner) => (owner === 'self' ? state.account : owner));
    const candidates = ids.length > 0 ? ids.map((id) => findImage(state, id)) : Object.values(state.images);
    const found = candidates.filter(
      (image) =>
        (owners.length === 0 || owners.includes(image.owner)) &&
        passes(params, tagsOf(state, image.id), (filter) => facts(image)[filter]),
    );
    return page(
      params,
      'Images',
      found.map((image) => replyOf(state, image)),
    );
  }),

  CreateImage: changes(['InstanceId', 'Name', 'Description', 'NoReboot', 'TagSpecifications'], (request) => {
    const { state, params, now } = request;
    const instance = findInstance(state, params.needText('InstanceId'));
    if (instance.state !== 'running' && instance.state !== 'stopped')
      throw new AwsRefusal('IncorrectState', `Instance is not in state 'running' or 'stopped'`);
    const name = freeName(state, params.needText('Name'));
    const id = newId(state, 'ami');
    if (instance.state === 'running' && !params.flag('NoReboot')) {
      haltHost(state, instance.id, now);
      instance.settlesAt = now + durationsMs.startInstance;
    }
    const devices = Object.values(state.volumes).flatMap((volume): readonly ImageDevice[] => {
      const { attachment } = volume;
      if (attachment?.instanceId !== instance.id) return [];
      const description = `Created by CreateImage(${instance.id}) for ${id}`;
      const snapshot = takeSnapshot(
        request,
        volume,
        description,
        specifiedTags(params, 'snapshot', ['image']),
      );
      const { device, deleteOnTermination } = attachment;
      const { sizeGiB, volumeType } = volume;
      return [{ device, snapshotId: snapshot.id, sizeGiB, volumeType, deleteOnTermination }];
    });
    register(request, { id, name, rootDeviceName: instance.rootDeviceName, devices });
    return { ImageId: id };
  }),

  CopyImage: changes(
    ['SourceRegion', 'SourceImageId', 'Name', 'Description', 'ClientToken', 'TagSpecifications', 'Encrypted'],
    (request) => {
      const { state, params } = request;
      const region = params.needText('SourceRegion');
      if (region !== state.region) throw new AwsNotModelled(`the region ${region}, only ${state.region}`);
      if (params.flag('Encrypted')) throw new AwsNotModelled('encryption with KMS keys');
      return { ImageId: onceByToken(request, 'CopyImage', () => copy(request)) };
    },
    { tokenMember: 'ClientToken' },
  ),

  DeregisterImage: changes(['ImageId'], ({ state, params }) => {
    const image = findImage(state, params.needText('ImageId'));
    if (image.owner !== state.account)
      throw new AwsRefusal('AuthFailure', `Not authorized for image:${image.id}`, 403);
    delete state.images[image.id];
    delete state.tags[image.id];
    return { Return: true };
  }),
};

function copy(request: Request): string {
  const { state, params, now } = request;
  const source = findImage(state, params.needText('SourceImageId'));
  const name = freeName(state, params.needText('Name'));
  const id = newId(state, 'ami');
  const devices = source.devices.map((device) => {
    const from = state.snapshots[device.snapshotId];
    if (from === undefined)
      throw new AwsNotModelled(`copies of ${source.id}, whose snapshots are somebody else's`);
    const snapshotId = newId(state, 'snap');
    const description = `Copied for DestinationAmi ${id} from SourceAmi ${source.id} for SourceSnapshot ${from.id}. Task created on ${now}.`;
    state.snapshots[snapshotId] = {
      ...structuredClone(from),
      id: snapshotId,
      state: 'pending',
      settlesAt: now + durationsMs.snapshot,
      description,
      startTime: now,
    };
    return { ...device, snapshotId };
  });
  register(request, { id, name, rootDeviceName: source.rootDeviceName, devices });
  return id;
}

function register(
  { state, params, now }: Request,
  made: Pick<Image, 'id' | 'name' | 'rootDeviceName' | 'devices'>,
): void {
  state.images[made.id] = {
    ...made,
    description: params.text('Description') ?? '',
    state: 'pending',
    settlesAt: now + durationsMs.image,
    owner: state.account,
    creationTime: now,
  };
  putTags(state, made.id, specifiedTags(params, 'image', ['snapshot']));
}

function freeName(state: WorldState, name: string): string {
  const other = Object.values(state.images).find(
    (image) => image.name === name && image.owner === state.account,
  );
  if (other)
    throw new AwsRefusal('InvalidAMIName.Duplicate', `AMI name ${name} is already in use by AMI ${other.id}`);
  return name;
}

function facts(image: Image): Record<string, readonly string[]> {
  return {
    'image-id': [image.id],
    name: [image.name],
    description: [image.description],
    state: [image.state],
    'owner-id': [image.owner],
    'root-device-name': [image.rootDeviceName],
    'root-device-type': ['ebs'],
    architecture: ['x86_64'],
    'block-device-mapping.snapshot-id': image.devices.map(({ snapshotId }) => snapshotId),
  };
}

function replyOf(state: WorldState, image: Image): JsonObject {
  return {
    ImageId: image.id,
    Name: image.name,
    Description: image.description,
    State: image.state,
    OwnerId: image.owner,
    CreationDate: iso(image.creationTime),
    Architecture: 'x86_64',
    ImageType: 'machine',
    Public: image.owner !== state.account,
    RootDeviceName: image.rootDeviceName,
    RootDeviceType: 'ebs',
    VirtualizationType: 'hvm',
    BlockDeviceMappings: image.devices.map(
      ({ device, snapshotId, sizeGiB, volumeType, deleteOnTermination }) => ({
        DeviceName: device,
        Ebs: {
          ...(snapshotId === '' ? {} : { SnapshotId: snapshotId }),
          VolumeSize: sizeGiB,
          VolumeType: volumeType,
          DeleteOnTermination: deleteOnTermination,
        },
      }),
    ),
    Tags: tagList(state, image.id),
  };
}
