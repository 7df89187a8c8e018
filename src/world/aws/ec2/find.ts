/** Finds EC2 resources by id, with the errors that EC2 gives for ids that are wrong. */
import type { Image, Instance, Snapshot, Volume, WorldState } from '../../state.ts';
import { AwsRefusal } from '../refusal.ts';

export function findInstance(state: WorldState, id: string): Instance {
  if (!/^i-[0-9a-f]{8,17}$/.test(id))
    throw new AwsRefusal('InvalidInstanceID.Malformed', `Invalid id: "${id}"`);
  const instance = state.instances[id];
  if (!instance) throw new AwsRefusal('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
  return instance;
}

export function findVolume(state: WorldState, id: string): Volume {
  if (!/^vol-[0-9a-f]{8,17}$/.test(id)) throw malformed(id, 'volume', 'vol-...');
  const volume = state.volumes[id];
  if (!volume) throw new AwsRefusal('InvalidVolume.NotFound', `The volume '${id}' does not exist.`);
  return volume;
}

export function findSnapshot(state: WorldState, id: string): Snapshot {
  if (!/^snap-[0-9a-f]{8,17}$/.test(id)) throw malformed(id, 'snapshotId', 'snap-...');
  const snapshot = state.snapshots[id];
  if (!snapshot) throw new AwsRefusal('InvalidSnapshot.NotFound', `The snapshot '${id}' does not exist.`);
  return snapshot;
}

export function findImage(state: WorldState, id: string): Image {
  if (!/^ami-[0-9a-f]{8,17}$/.test(id))
    throw new AwsRefusal('InvalidAMIID.Malformed', `Invalid id: "${id}" (expecting "ami-...")`);
  const image = state.images[id];
  if (!image) throw new AwsRefusal('InvalidAMIID.NotFound', `The image id '[${id}]' does not exist`);
  return image;
}

function malformed(id: string, parameter: string, expected: string): AwsRefusal {
  return new AwsRefusal(
    'InvalidParameterValue',
    `Value (${id}) for parameter ${parameter} is invalid. Expected: '${expected}'.`,
  );
}
