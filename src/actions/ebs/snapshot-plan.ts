/** Which volumes an ebs:snapshot is of, and what a restore will need to know of them. */
import { Type, type Static } from 'typebox';
import type { JsonObject } from '../../json.ts';
import { HostFailure, type Host } from '../../transports/host.ts';
import { ActionFailure, type ActionContext } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { attachedTo, attachmentTo, byVolumeId, listVolumes, rootDeviceOf, type Volume } from './ec2.ts';
import { instanceIdOf, isVolume, readMounts, volumesBelow, type Mounted } from './mounts.ts';

export const snapshotInputs = strictObject({
  Host: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'A host of the inventory with an instanceId, or an instance id.',
    }),
  ),
  InstanceId: Type.Optional(
    Type.String({
      pattern: '^i-[0-9a-f]+$',
      description: 'In place of Host, when nothing on it is to be asked.',
    }),
  ),
  Mounts: Type.Optional(
    Type.Array(Type.String({ pattern: '^/[^\\s]*$' }), {
      minItems: 1,
      uniqueItems: true,
      description: 'Mount points of the Host; left out: every volume of the instance, the root volume too.',
    }),
  ),
  VolumeIds: Type.Optional(
    Type.Array(Type.String({ pattern: '^vol-[0-9a-f]+$' }), { minItems: 1, uniqueItems: true }),
  ),
  Description: Type.Optional(Type.String({ maxLength: 255 })),
  Quiesce: Type.Optional(
    Type.Boolean({
      default: false,
      description:
        'Freeze the file systems during the call. A set is crash-consistent without it; databases need nothing more.',
    }),
  ),
  QuiesceSecondsMax: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 120,
      default: 30,
      description: 'After so long the host thaws by itself.',
    }),
  ),
});
export type SnapshotInputs = Static<typeof snapshotInputs>;

/** Everything about one volume that a restore would otherwise have to guess. */
export type VolumeFacts = {
  readonly VolumeId: string;
  readonly InstanceId: string | null;
  readonly Device: string | null;
  readonly DeleteOnTermination: boolean | null;
  readonly Mounts: readonly string[];
  readonly SizeGiB: number;
  readonly VolumeType: string;
  readonly Iops: number | null;
  readonly Throughput: number | null;
  readonly Encrypted: boolean;
  readonly KmsKeyId: string | null;
  readonly AvailabilityZone: string;
};

export interface SnapshotPlan {
  readonly instanceId: string | null;
  readonly volumes: readonly VolumeFacts[];
  /** The parameters of CreateSnapshot or CreateSnapshots, without tags and description. */
  readonly operation: 'CreateSnapshot' | 'CreateSnapshots';
  readonly params: JsonObject;
  /** To be flushed, and frozen when asked. */
  readonly mounts: readonly string[];
}

/** Only reads. Throws NOT_MOUNTED, NO_VOLUME_BELOW, NO_SUCH_VOLUME, VOLUMES_APART, NO_INSTANCE_ID. */
export async function planSnapshot(inputs: SnapshotInputs, context: ActionContext): Promise<SnapshotPlan> {
  const host = inputs.Host === undefined ? undefined : context.host(inputs.Host);
  const wanted = inputs.VolumeIds;
  const listed = wanted === undefined ? [] : await volumesById(wanted, context);
  const instanceId = host ? instanceIdOf(host) : (inputs.InstanceId ?? instanceOf(listed));
  const attached = instanceId === null ? [] : await listVolumes(context, attachedTo(instanceId));
  const mounted = await mountsOf(host, inputs.Mounts, context);

  const chosen = chooseVolumes();
  if (chosen.length === 0) {
    throw new ActionFailure({
      code: 'NO_SUCH_VOLUME',
      message: `${instanceId ?? 'nothing'} has no EBS volume attached: there is nothing to take a snapshot of`,
    });
  }
  const below = (volume: Volume) =>
    instanceId === null
      ? []
      : mounted.filter(({ disks }) => disks.some((disk) => isVolume(disk, volume, instanceId)));
  return {
    instanceId,
    volumes: chosen.map((volume) =>
      factsOf(
        volume,
        instanceId,
        below(volume).map(({ mount }) => mount),
      ),
    ),
    ...(await callFor(chosen, attached, instanceId, context)),
    mounts: mounted
      .filter((each) => chosen.some((volume) => below(volume).includes(each)))
      .map(({ mount }) => mount),
  };

  function chooseVolumes(): readonly Volume[] {
    if (wanted !== undefined) return listed;
    if (inputs.Mounts === undefined || instanceId === null) return attached;
    const label = host?.label ?? instanceId;
    return [...new Set(mounted.flatMap((each) => volumesBelow(each, attached, instanceId, label)))];
  }
}

/** All volumes in one call: only then is the set of one moment. */
async function callFor(
  chosen: readonly Volume[],
  attached: readonly Volume[],
  instanceId: string | null,
  context: ActionContext,
): Promise<Pick<SnapshotPlan, 'operation' | 'params'>> {
  const [only] = chosen;
  if (only !== undefined && chosen.length === 1) {
    return { operation: 'CreateSnapshot', params: { VolumeId: only.id } };
  }
  const apart = chosen.filter(({ id }) => !attached.some((each) => each.id === id));
  if (instanceId === null || apart.length > 0) {
    throw new ActionFailure({
      code: 'VOLUMES_APART',
      message: `EC2 takes snapshots of one moment only of volumes that are attached to one instance; ${(apart.length > 0 ? apart : chosen).map(({ id }) => id).join(', ')} ${apart.length === 1 ? 'is' : 'are'} not. Use one step for each`,
    });
  }
  const root = await rootDeviceOf(instanceId, context);
  const isChosen = ({ id }: Volume) => chosen.some((each) => each.id === id);
  const isRoot = (volume: Volume) => attachmentTo(volume, instanceId)?.device === root;
  const left = attached.filter((volume) => !isChosen(volume));
  const data = left.filter((volume) => !isRoot(volume)).map(({ id }) => id);
  return {
    operation: 'CreateSnapshots',
    params: {
      InstanceSpecification: {
        InstanceId: instanceId,
        ...(left.some(isRoot) ? { ExcludeBootVolume: true } : {}),
        ...(data.length > 0 ? { ExcludeDataVolumeIds: data } : {}),
      },
    },
  };
}

/** Mounts that were not asked for are good to know, and no reason to fail: the host may be down. */
async function mountsOf(
  host: Host | undefined,
  mounts: readonly string[] | undefined,
  context: ActionContext,
): Promise<readonly Mounted[]> {
  if (host === undefined) return [];
  if (mounts !== undefined) return readMounts(host, mounts, context);
  try {
    return await readMounts(host, [], context);
  } catch (error) {
    if (error instanceof HostFailure || error instanceof ActionFailure) return [];
    throw error;
  }
}

async function volumesById(ids: readonly string[], context: ActionContext): Promise<readonly Volume[]> {
  const listed = await listVolumes(context, byVolumeId(ids));
  const missing = ids.filter((id) => !listed.some((volume) => volume.id === id));
  if (missing.length > 0) {
    throw new ActionFailure({ code: 'NO_SUCH_VOLUME', message: `EC2 lists no volume ${missing.join(', ')}` });
  }
  return listed;
}

/** The instance that all of them are attached to; null: there is none. */
function instanceOf(volumes: readonly Volume[]): string | null {
  const [first] = volumes;
  const shared = first?.attachments.find(({ instanceId }) =>
    volumes.every((volume) => attachmentTo(volume, instanceId) !== undefined),
  );
  return shared?.instanceId ?? null;
}

export function factsOf(volume: Volume, instanceId: string | null, mounts: readonly string[]): VolumeFacts {
  const attachment = instanceId === null ? undefined : attachmentTo(volume, instanceId);
  return {
    VolumeId: volume.id,
    InstanceId: attachment === undefined ? null : instanceId,
    Device: attachment?.device ?? null,
    DeleteOnTermination: attachment?.deleteOnTermination ?? null,
    Mounts: mounts,
    SizeGiB: volume.sizeGiB,
    VolumeType: volume.type,
    Iops: volume.iops,
    Throughput: volume.throughput,
    Encrypted: volume.encrypted,
    KmsKeyId: volume.kmsKeyId,
    AvailabilityZone: volume.zone,
  };
}
