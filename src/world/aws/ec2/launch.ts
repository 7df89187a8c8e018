/** RunInstances: instances with the disks of their image. No host of the inventory belongs to them. */
import { durationsMs } from '../../durations.ts';
import { newId } from '../../ids.ts';
import type { Image, ImageDevice, Instance, WorldState } from '../../state.ts';
import { changes, type Operations, type Request } from '../operation.ts';
import { AwsNotModelled, AwsRefusal } from '../refusal.ts';
import { missing } from '../params.ts';
import { onceByToken } from './client-token.ts';
import { findImage } from './find.ts';
import { reservationReply } from './instances.ts';
import { putTags, specifiedTags } from './tags.ts';
import { contentsFrom } from './volumes.ts';

/** EC2's own default for new accounts is in this order. */
const instancesMax = 20;
const members = [
  'ImageId',
  'InstanceType',
  'MinCount',
  'MaxCount',
  'SubnetId',
  'TagSpecifications',
  'ClientToken',
];

export const launchOperations: Operations = {
  RunInstances: changes(
    members,
    (request) => {
      const reservation = onceByToken(request, 'RunInstances', () => launch(request));
      const launched = Object.values(request.state.instances).filter(
        ({ reservationId }) => reservationId === reservation,
      );
      const [first] = launched;
      if (first === undefined)
        throw new AwsRefusal('IdempotentInstanceTerminated', 'The instances of this token are terminated.');
      return reservationReply(request.state, first, launched);
    },
    { tokenMember: 'ClientToken' },
  ),
};

/** The id of the reservation. */
function launch(request: Request): string {
  const { state, params } = request;
  const image = findImage(state, params.needText('ImageId'));
  if (image.state !== 'available')
    throw new AwsRefusal('InvalidAMIID.Unavailable', `The image ID '${image.id}' is not available`);
  const [min, max] = [params.count('MinCount'), params.count('MaxCount')];
  if (min === undefined || max === undefined) throw missing(min === undefined ? 'MinCount' : 'MaxCount');
  if (min < 1 || max < min)
    throw new AwsRefusal('InvalidParameterValue', `Invalid value for MinCount and MaxCount: ${min}, ${max}`);
  if (min > instancesMax)
    throw new AwsRefusal(
      'InstanceLimitExceeded',
      `You have requested more instances (${min}) than your current instance limit of ${instancesMax} allows`,
    );
  const somewhere = Object.values(state.instances)[0];
  const subnetId = params.text('SubnetId') ?? somewhere?.subnetId ?? '';
  const neighbour = Object.values(state.instances).find((each) => each.subnetId === subnetId);
  if (neighbour === undefined) throw new AwsNotModelled(`the subnet ${subnetId}`);
  const reservationId = newId(state, 'r');
  for (let count = 0; count < Math.min(max, instancesMax); count += 1)
    launchOne(request, image, neighbour, reservationId);
  return reservationId;
}

function launchOne(request: Request, image: Image, neighbour: Instance, reservationId: string): void {
  const { state, params, now } = request;
  const id = newId(state, 'i');
  state.instances[id] = {
    id,
    state: 'pending',
    settlesAt: now + durationsMs.startInstance,
    imageId: image.id,
    instanceType: params.text('InstanceType') ?? 'm1.small',
    availabilityZone: neighbour.availabilityZone,
    subnetId: neighbour.subnetId,
    vpcId: neighbour.vpcId,
    privateIpAddress: freeAddress(state),
    rootDeviceName: image.rootDeviceName,
    launchTime: now,
    reservationId,
  };
  putTags(state, id, specifiedTags(params, 'instance', ['volume']));
  for (const device of image.devices) attachNew(request, id, device, neighbour.availabilityZone);
}

function attachNew(
  { state, params, now }: Request,
  instanceId: string,
  device: ImageDevice,
  zone: string,
): void {
  const id = newId(state, 'vol');
  const snapshot = state.snapshots[device.snapshotId];
  const attachment = { instanceId, device: device.device, state: 'attached' as const, settlesAt: null };
  state.volumes[id] = {
    id,
    state: 'in-use',
    settlesAt: null,
    sizeGiB: device.sizeGiB,
    volumeType: device.volumeType,
    iops: 3_000,
    throughput: 125,
    encrypted: snapshot?.encrypted ?? false,
    availabilityZone: zone,
    createTime: now,
    snapshotId: device.snapshotId,
    attachment: { ...attachment, attachTime: now, deleteOnTermination: device.deleteOnTermination },
    contents: contentsFrom(snapshot, id),
  };
  putTags(state, id, specifiedTags(params, 'volume', ['instance']));
}

function freeAddress({ instances }: WorldState): string {
  const taken = new Set(Object.values(instances).map(({ privateIpAddress }) => privateIpAddress));
  for (let last = 20; last < 255; last += 1) if (!taken.has(`10.0.1.${last}`)) return `10.0.1.${last}`;
  throw new AwsRefusal(
    'InsufficientFreeAddressesInSubnet',
    'There are not enough free addresses in the subnet.',
  );
}
