/**
 * What an ebs:restore is going to exchange. The plan is made once and travels as tags of the new volumes, so that any
 * runner that comes later finds it in the world, whatever has become of mounts and attachments meanwhile.
 */
import type { Host } from '../../transports/host.ts';
import { ActionFailure, replacedByTagKey, tokenTagKey, type ActionContext } from '../define-action.ts';
import {
  attachedTo,
  attachmentTo,
  bySnapshotId,
  byTag,
  byVolumeId,
  listSnapshots,
  listVolumes,
  rootDeviceOf,
  type Volume,
} from './ec2.ts';
import {
  instanceIdOf,
  isVolume,
  readAllMounts,
  readMounts,
  type Mounted,
  type OtherMount,
} from './mounts.ts';

export type MountPlan = {
  readonly Mount: string;
  readonly Fstype: string;
  readonly Options: string;
  /** The block device mounted there, by its name at the time. */
  readonly Source: string;
  /** Whether disks of this host are known by the volume's id. */
  readonly BySerial: boolean;
  /** It lies over or below the exchanged file systems and is of none of them: away before, and back afterwards. */
  readonly IsOther?: true;
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
export interface PendingExchange {
  readonly exchange: Omit<Exchange, 'New'>;
  readonly old: Volume;
}

/**
 * The plan of the exchange that put volumes of these snapshots into place at the instance, whoever began it; null: none
 * of them is attached. Throws INCOMPLETE_SET where only a part of the snapshots has its volume there.
 */
export async function planInPlace(
  instanceId: string,
  snapshotIds: readonly string[],
  context: ActionContext,
): Promise<RestorePlan | null> {
  const of = (volume: Volume) => snapshotIds.includes(volume.tags['belay:snapshot'] ?? '');
  const attached = (await listVolumes(context, attachedTo(instanceId))).filter(of);
  const [first] = attached;
  const attempt = first?.tags['belay:attempt'];
  if (first === undefined || attempt === undefined) return null;
  // A half-done exchange may have a part of its volumes in place, and the others made and not attached yet.
  const made = await listVolumes(context, byTag('belay:attempt', attempt));
  const plan = planOf(made.filter(of), snapshotIds);
  if (plan !== null) return plan;
  throw new ActionFailure({
    code: 'INCOMPLETE_SET',
    message: `${attached.map(({ id }) => id).join(', ')} at ${instanceId} came from a restore whose other volumes are gone; nothing was changed`,
  });
}

/** Only reads. Throws when anything stands against the exchange; then nothing has been changed. */
export async function planRestore(
  host: Host,
  snapshotIds: readonly string[],
  context: ActionContext,
): Promise<{ readonly instanceId: string; readonly pending: readonly PendingExchange[] }> {
  const instanceId = instanceIdOf(host);
  const attached = await listVolumes(context, attachedTo(instanceId));
  const root = await rootDeviceOf(instanceId, context);
  const snapshots = await completedSnapshots(snapshotIds, context);
  const { disks: mounted, others } = await readAllMounts(host, context);
  const pending = snapshots.map((snapshot): PendingExchange => {
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
  complete(pending, mounted, attached, instanceId, host.label);
  const whole = withOthers(pending, mounted, others);
  await notBusy(host, whole, context);
  return { instanceId, pending: whole };
}

/** What is mounted below an exchanged file system, or shows a folder of it elsewhere, has to go before it and come back after it. */
function withOthers(
  pending: readonly PendingExchange[],
  mounted: readonly Mounted[],
  others: readonly OtherMount[],
): readonly PendingExchange[] {
  const own = new Set(mountsOf(pending.map(({ exchange }) => exchange)).map(({ mount }) => mount.Mount));
  const candidates = [...others, ...mounted].filter(({ mount }) => !own.has(mount));
  const taken = new Set<string>();
  return pending.map((each) => {
    const lies = ({ mount, source }: OtherMount) =>
      each.exchange.Mounts.some(
        (each) => mount.startsWith(`${each.Mount}/`) || source.startsWith(`${each.Source}[`),
      );
    const found = candidates.filter((each) => !taken.has(each.mount) && lies(each));
    for (const { mount } of found) taken.add(mount);
    const more = found.map(({ mount, source, fstype, options }): MountPlan => ({
      Mount: mount,
      Fstype: fstype,
      Options: options,
      Source: source,
      BySerial: false,
      IsOther: true,
    }));
    return { ...each, exchange: { ...each.exchange, Mounts: [...each.exchange.Mounts, ...more] } };
  });
}

/** The volume itself, or the one that an earlier restore put into its place. */
export const volumeInPlaceOf = (volumeId: string, attached: readonly Volume[]): Volume | undefined =>
  attached.find(({ id }) => id === volumeId) ??
  attached.find(({ tags }) => (tags['belay:origin'] ?? tags['belay:replaces']) === volumeId);

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
  pending: readonly PendingExchange[],
  mounted: readonly Mounted[],
  attached: readonly Volume[],
  instanceId: string,
  label: string,
): void {
  const taken = new Set(pending.map(({ old }) => old.id));
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
async function notBusy(
  host: Host,
  pending: readonly PendingExchange[],
  context: ActionContext,
): Promise<void> {
  const mounts = mountsOf(pending.map(({ exchange }) => exchange))
    .filter(({ mount }) => mount.IsOther === undefined)
    .map(({ mount }) => mount.Mount);
  if (mounts.length === 0) return;
  const busy = (await readMounts(host, mounts, context)).filter(({ users }) => users !== '');
  if (busy.length === 0) return;
  throw new ActionFailure({
    code: 'MOUNT_BUSY',
    message: `${host.label}: ${busy.map(({ mount, users }) => `${mount} is in use by ${users}`).join('; ')}. Stop it first; nothing was changed`,
  });
}

/**
 * Each mount once, with the exchange that it belongs to, as they are unmounted: bind mounts, which show a folder of
 * another mount, first; then the deepest.
 */
export function mountsOf<E extends Pick<Exchange, 'Mounts'>>(
  exchanges: readonly E[],
): readonly { readonly mount: MountPlan; readonly exchange: E }[] {
  const all = new Map(
    exchanges.flatMap((exchange) =>
      exchange.Mounts.map((mount) => [mount.Mount, { mount, exchange }] as const),
    ),
  );
  const isBind = ({ Source }: MountPlan) => Source.includes('[');
  return [...all.values()].sort(
    (a, b) =>
      Number(isBind(b.mount)) - Number(isBind(a.mount)) || b.mount.Mount.length - a.mount.Mount.length,
  );
}

/** Tags of a new volume: those of the old one, and its part of the plan. */
export function tagsOf(
  { exchange, old }: PendingExchange,
  instanceId: string,
  key: string,
  { executionId, step, token }: ActionContext,
): Readonly<Record<string, string>> {
  const own = Object.entries(old.tags).filter(([name]) => !/^(aws|belay):/.test(name));
  return {
    ...Object.fromEntries(own),
    [tokenTagKey]: key,
    'belay:execution': executionId,
    'belay:step': step,
    'belay:snapshot': exchange.SnapshotId,
    'belay:replaces': exchange.Old,
    'belay:origin': old.tags['belay:origin'] ?? exchange.Old,
    'belay:attempt': token,
    'belay:instance': instanceId,
    'belay:device': exchange.Device,
    'belay:delete-on-termination': String(exchange.DeleteOnTermination),
    ...Object.fromEntries(
      exchange.Mounts.map(
        ({ Mount, Fstype, Options, Source, BySerial, IsOther }, index) =>
          [
            `belay:mount-${index}`,
            `${Mount} ${Fstype} ${Options} ${Source} ${IsOther ? 'other' : BySerial ? 'serial' : 'name'}`.slice(
              0,
              256,
            ),
          ] as const,
      ),
    ),
  };
}

/**
 * The latest plan of an exchange that was begun under the key; null: none was, or not all of it. Several are there when it
 * was asked for again after it had ended: then `isWanted` says which.
 */
export async function foundPlan(
  key: string,
  snapshotIds: readonly string[] | null,
  context: ActionContext,
  isWanted: (found: FoundPlan) => boolean = () => true,
): Promise<RestorePlan | null> {
  const listed = await listVolumes(context, byTag(tokenTagKey, key));
  const made = listed.filter(({ state, tags }) => state !== 'deleting' && tags['belay:replaces']);
  const attempts = [...new Set(made.map(({ tags }) => tags['belay:attempt'] ?? ''))];
  const plans = attempts.flatMap((attempt) => {
    const volumes = made.filter(({ tags }) => (tags['belay:attempt'] ?? '') === attempt);
    const plan = planOf(volumes, snapshotIds);
    return plan === null ? [] : [{ attempt, plan, volumes }];
  });
  if (plans.length === 0) return null;
  const olds = await listVolumes(
    context,
    byVolumeId(plans.flatMap(({ plan }) => plan.Exchanges.map(({ Old }) => Old))),
  );
  const wanted = plans.filter(({ attempt, plan }) =>
    isWanted({ attempt, isEnded: plan.Exchanges.every((each) => isReplaced(each, olds)) }),
  );
  // One that has not ended is the one at work; else what is attached now came last.
  const inPlace = ({ volumes, plan }: (typeof plans)[number]) =>
    volumes.some((volume) => attachmentTo(volume, plan.InstanceId) !== undefined);
  return (wanted.find(inPlace) ?? wanted.at(-1))?.plan ?? null;
}

export interface FoundPlan {
  /** The token under which it was begun; empty: an earlier version began it. */
  readonly attempt: string;
  /** Whether all the old volumes are marked as replaced, or gone. */
  readonly isEnded: boolean;
}

function isReplaced({ Old, New }: Exchange, olds: readonly Volume[]): boolean {
  const old = olds.find(({ id }) => id === Old);
  return old === undefined || old.tags[replacedByTagKey] === New;
}

function planOf(volumes: readonly Volume[], snapshotIds: readonly string[] | null): RestorePlan | null {
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
  const plan = { Mount, Fstype, Options, Source, BySerial: by === 'serial' };
  return by === 'other' ? { ...plan, IsOther: true } : plan;
}
