/** How the contract suite of the Aws port looks at what it tests: short calls, waits, and paths into replies. */
import { setTimeout as delay } from 'node:timers/promises';
import { isJsonObject, type Json, type JsonObject } from '../../src/json.ts';
import { type Aws, type AwsCall, AwsFailure } from '../../src/transports/aws.ts';

export interface AwsUnderTest {
  readonly aws: Aws;
  readonly seed: {
    /** A running instance. */
    readonly instanceId: string;
    /** A volume attached to it. */
    readonly volumeId: string;
    readonly availabilityZone: string;
  };
  /** Lets time pass between two looks at a state; 50 ms of real time when absent. */
  pause?(): Promise<void>;
  close(): Promise<void>;
}

/** The subject is asked for at each use: it is made after the tests are collected. */
export function probesOf(subject: () => AwsUnderTest) {
  let count = 0;
  const call = (service: string, operation: string, params: JsonObject, more: Partial<AwsCall> = {}) =>
    subject().aws.call({ service, operation, params, ...more });
  const ec2 = (operation: string, params: JsonObject, more: Partial<AwsCall> = {}) =>
    call('ec2', operation, params, more);
  const refusal = async (refused: Promise<JsonObject>): Promise<AwsFailure> => {
    const outcome = await refused.catch((error: unknown) => error);
    if (outcome instanceof AwsFailure) return outcome;
    throw new Error(`expected an AwsFailure, got ${JSON.stringify(outcome)}`, { cause: outcome });
  };
  const unique = (what: string): string => `${what}-${(count += 1)}`;

  /** Looks again until the state is as wanted, at most some ten seconds. */
  const eventually = async <State>(
    look: () => Promise<State>,
    wanted: (state: State) => boolean,
  ): Promise<State> => {
    for (let looks = 0; looks < 200; looks += 1) {
      const state = await look();
      if (wanted(state)) return state;
      await (subject().pause?.() ?? delay(50));
    }
    throw new Error(`still ${JSON.stringify(await look())}`);
  };

  const instance = async (): Promise<JsonObject> => {
    const reply = await ec2('DescribeInstances', { InstanceIds: [subject().seed.instanceId] });
    return objectAt(reply, 'Reservations', 0, 'Instances', 0);
  };
  const volume = async (id: string): Promise<JsonObject> =>
    objectAt(await ec2('DescribeVolumes', { VolumeIds: [id] }), 'Volumes', 0);
  const snapshot = async (id: string): Promise<JsonObject> =>
    objectAt(await ec2('DescribeSnapshots', { SnapshotIds: [id] }), 'Snapshots', 0);
  const completedSnapshot = async (tags: readonly Json[] = []): Promise<string> => {
    const created = await ec2('CreateSnapshot', {
      VolumeId: subject().seed.volumeId,
      ...(tags.length > 0 && { TagSpecifications: [{ ResourceType: 'snapshot', Tags: tags }] }),
    });
    const id = textAt(created, 'SnapshotId');
    await eventually(
      () => snapshot(id),
      ({ State }) => State === 'completed',
    );
    return id;
  };
  const availableVolume = async (more: JsonObject = {}, options: Partial<AwsCall> = {}): Promise<string> => {
    const AvailabilityZone = subject().seed.availabilityZone;
    // EC2 refuses a size below the snapshot's; without one the volume gets the snapshot's.
    const size = more['SnapshotId'] === undefined ? { Size: 1 } : {};
    const id = textAt(await ec2('CreateVolume', { AvailabilityZone, ...size, ...more }, options), 'VolumeId');
    await eventually(
      () => volume(id),
      ({ State }) => State === 'available',
    );
    return id;
  };

  return {
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
  };
}

function at(value: Json | undefined, keys: readonly (string | number)[]): Json | undefined {
  return keys.reduce<Json | undefined>((inner, key) => {
    if (typeof key === 'number') return Array.isArray(inner) ? inner[key] : undefined;
    return isJsonObject(inner) ? inner[key] : undefined;
  }, value);
}

export function textAt(value: Json, ...keys: readonly (string | number)[]): string {
  const found = at(value, keys);
  if (typeof found !== 'string') throw new Error(`no text at ${keys.join('.')} of ${JSON.stringify(value)}`);
  return found;
}

export function objectAt(value: Json, ...keys: readonly (string | number)[]): JsonObject {
  const found = at(value, keys);
  if (!isJsonObject(found)) throw new Error(`no object at ${keys.join('.')} of ${JSON.stringify(value)}`);
  return found;
}

export function listAt(value: Json, ...keys: readonly (string | number)[]): JsonObject[] {
  const found = at(value, keys);
  if (!Array.isArray(found)) throw new Error(`no list at ${keys.join('.')} of ${JSON.stringify(value)}`);
  return found.map((item: Json) => objectAt(item));
}
