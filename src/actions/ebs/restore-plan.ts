/**
 * What an ebs:restore is going to exchange. The plan is made once and travels as tags of the new volumes, so that any
 * runner that comes later finds it in the world, whatever has become of mounts and attachments meanwhile.
 */
import type { Host } from '../../transports/host.ts';
import { ActionFailure, tokenTagKey, type ActionContext } from '../define-action.ts';
import {
  attachedTo,
  attachmentTo,
  bySnapshotId,
  byTag,
  listSnapshots,
  listVolumes,
  rootDeviceOf,
  type Volume,
} from './ec2.ts';
import { instanceIdOf, isVolume, readMounts, type Mounted } from './mounts.ts';

export type MountPlan = {
  readonly Mount: string;
  readonly Fstype: string;
  readonly Options: string;
  /** The block device mounted there, by its name at the time. */
  readonly Source: string;
  /** Whether disks of this host are known by the volume's id. */
  readonly BySerial: boolean;
};

/** One volume and what takes its place. */
export type Exchange = {
  readonly SnapshotId: string;
  readonly Old: string;
  readonly New: string;
  readonly Device: string;
  readonly DeleteOnTermination: boolean;
  readonly Mounts: readonly MountPlan[];
};

export type RestorePlan = { readonly InstanceId: string; readonly Exchanges: readonly Exchange[] };

/** An exchange whose new volume has not been made yet. */
export interface Draft {
  readonly exchange: Omit<Exchange, 'New'>;
  readonly old: Volume;
}

/** Only reads. Throws when anything stands against the exchange; then nothing has been changed. */
export async function draftRestore(
  host: Host,
  snapshotIds: readonly string[],
  context: ActionContext,
): Promise<{ readonly instanceId: string; readonly drafts: readonly Draft[] }> {
  const instanceId = instanceIdOf(host);
  const attached = await listVolumes(context, attachedTo(instanceId));
  const root = await rootDeviceOf(instanceId, context);
  const snapshots = await completedSnapshots(snapshotIds, context);
  const mounted = await readMounts(host, [], context);
  const drafts = snapshots.map((snapshot): Draft => {
    const old = volumeInPlaceOf(snapshot.volumeId, attached);
    const attachment = old && attachmentTo(old, instanceId);
    if (old === undefined || attachment === undefined) {
      throw new ActionFailure({
        code: 'VOLUME_NOT_ATTACHED',
        message: `${snapshot.id} is of ${snapshot.volumeId}, which is not attached to ${instanceId} (${host.label}); nothing was changed`,
      });
    }
    if (attachment.device === root) {
      throw new ActionFailure({
        code: 'ROOT_VOLUME',
        message: `${snapshot.id} is of ${old.id}, the root volume of ${instanceId}: a running system cannot change it. Use CreateReplaceRootVolumeTask; nothing was changed`,
      });
    }
    const below = mounted.filter(({ disks }) => disks.some((disk) => isVolume(disk, old, instanceId)));
    return {
      old,
      exchange: {
        SnapshotId: snapshot.id,
        Old: old.id,
        Device: attachment.device,
        DeleteOnTermination: attachment.deleteOnTermination,
        Mounts: below.map(({ mount, fstype, options, source, disks }) => ({
          Mount: mount,
          Fstype: fstype,
          Options: options,
          Source: source,
          BySerial: disks.some(({ serial }) => serial !== null),
        })),
      },
    };
  });
  complete(drafts, mounted, attached, instanceId, host.label);
  await notBusy(host, drafts, context);
  return { instanceId, drafts };
}

/** The volume itself, or the one that an earlier restore put into its place. */
export const volumeInPlaceOf = (volumeId: string, attached: readonly Volume[]): Volume | undefined =>
  attached.find(({ id }) => id === volumeId) ??
  attached.find(({ tags }) => tags['belay:replaces'] === volumeId);

async function completedSnapshots(ids: readonly string[], context: ActionContext) {
  const listed = await listSnapshots(context, bySnapshotId(ids));
  const missing = ids.filter((id) => !listed.some((snapshot) => snapshot.id === id));
  if (missing.length > 0) {
    throw new ActionFailure({
      code: 'NO_SUCH_SNAPSHOT',
      message: `EC2 lists no snapshot ${missing.join(', ')}; nothing was changed`,
    });
  }
  const open = listed.filter(({ state }) => state !== 'completed');
  if (open.length > 0) {
    throw new ActionFailure({
      code: 'SNAPSHOT_NOT_COMPLETED',
      message: `${open.map(({ id, state, progress }) => `${id} is ${state} (${progress})`).join(', ')}; nothing was changed`,
      retryable: open.every(({ state }) => state === 'pending'),
    });
  }
  return ids.flatMap((id) => listed.filter((snapshot) => snapshot.id === id));
}

/** A file system over several volumes is exchanged whole or not at all. */
function complete(
  drafts: readonly Draft[],
  mounted: readonly Mounted[],
  attached: readonly Volume[],
  instanceId: string,
  label: string,
): void {
  const taken = new Set(drafts.map(({ old }) => old.id));
  for (const { mount, disks } of mounted) {
    const below = disks.flatMap((disk) => attached.filter((volume) => isVolume(disk, volume, instanceId)));
    const left = below.filter(({ id }) => !taken.has(id));
    if (left.length === 0 || left.length === below.length) continue;
    throw new ActionFailure({
      code: 'INCOMPLETE_SET',
      message: `${label}: ${mount} spans ${below.map(({ id }) => id).join(' and ')}, and there is no snapshot of ${left.map(({ id }) => id).join(', ')} among those given; nothing was changed`,
    });
  }
}

/** Asked before anything is made; who comes in between is met by the unmounting itself. */
async function notBusy(host: Host, drafts: readonly Draft[], context: ActionContext): Promise<void> {
  const mounts = mountsOf(drafts.map(({ exchange }) => exchange)).map(({ mount }) => mount.Mount);
  if (mounts.length === 0) return;
  const busy = (await readMounts(host, mounts, context)).filter(({ users }) => users !== '');
  if (busy.length === 0) return;
  throw new ActionFailure({
    code: 'MOUNT_BUSY',
    message: `${host.label}: ${busy.map(({ mount, users }) => `${mount} is in use by ${users}`).join('; ')}. Stop it first; nothing was changed`,
  });
}

/** Each mount once, with the exchange that it belongs to; deepest first, as they are unmounted. */
export function mountsOf<E extends Pick<Exchange, 'Mounts'>>(
  exchanges: readonly E[],
): readonly { readonly mount: MountPlan; readonly exchange: E }[] {
  const all = new Map(
    exchanges.flatMap((exchange) =>
      exchange.Mounts.map((mount) => [mount.Mount, { mount, exchange }] as const),
    ),
  );
  return [...all.values()].sort((a, b) => b.mount.Mount.length - a.mount.Mount.length);
}

/** Tags of a new volume: those of the old one, and its part of the plan. */
export function tagsOf(
  { exchange, old }: Draft,
  instanceId: string,
  key: string,
  { executionId, step }: ActionContext,
): Readonly<Record<string, string>> {
  const own = Object.entries(old.tags).filter(([name]) => !/^(aws|belay):/.test(name));
  return {
    ...Object.fromEntries(own),
    [tokenTagKey]: key,
    'belay:execution': executionId,
    'belay:step': step,
    'belay:snapshot': exchange.SnapshotId,
    'belay:replaces': exchange.Old,
    'belay:instance': instanceId,
    'belay:device': exchange.Device,
    'belay:delete-on-termination': String(exchange.DeleteOnTermination),
    ...Object.fromEntries(
      exchange.Mounts.map(
        ({ Mount, Fstype, Options, Source, BySerial }, index) =>
          [
            `belay:mount-${index}`,
            `${Mount} ${Fstype} ${Options} ${Source} ${BySerial ? 'serial' : 'name'}`.slice(0, 256),
          ] as const,
      ),
    ),
  };
}

/** The plan of an exchange that was begun under the key; null: none was, or not all of it. */
export async function foundPlan(
  key: string,
  snapshotIds: readonly string[] | null,
  context: ActionContext,
): Promise<RestorePlan | null> {
  const listed = await listVolumes(context, byTag(tokenTagKey, key));
  const volumes = listed.filter(({ state, tags }) => state !== 'deleting' && tags['belay:replaces']);
  const exchanges = volumes.map(({ id, tags }): Exchange => ({
    SnapshotId: tags['belay:snapshot'] ?? '',
    Old: tags['belay:replaces'] ?? '',
    New: id,
    Device: tags['belay:device'] ?? '',
    DeleteOnTermination: tags['belay:delete-on-termination'] === 'true',
    Mounts: Object.keys(tags)
      .filter((name) => name.startsWith('belay:mount-'))
      .sort()
      .map((name) => mountFrom(tags[name] ?? '')),
  }));
  const [first] = volumes;
  const wanted = snapshotIds ?? exchanges.map(({ SnapshotId }) => SnapshotId);
  const ordered = wanted.flatMap((id) => exchanges.filter(({ SnapshotId }) => SnapshotId === id).slice(0, 1));
  if (first === undefined || ordered.length < wanted.length) return null;
  return { InstanceId: first.tags['belay:instance'] ?? '', Exchanges: ordered };
}

function mountFrom(tag: string): MountPlan {
  const [Mount = '', Fstype = 'auto', Options = 'defaults', Source = '-', by = 'name'] = tag.split(' ');
  return { Mount, Fstype, Options, Source, BySerial: by === 'serial' };
}
