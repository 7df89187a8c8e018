/** Which EBS volumes lie below the mounts of a host. */
import type { Host } from '../../transports/host.ts';
import { ActionFailure, type ActionContext } from '../define-action.ts';
import { readFields, type Fields } from '../scripts/fields.ts';
import { listMounts } from '../scripts/volume.ts';
import { attachmentTo, type Volume } from './ec2.ts';

export interface Disk {
  /** `/dev/xvdf`, `/dev/nvme1n1` */
  readonly node: string;
  /** As the disk gives it; null: it has none. */
  readonly serial: string | null;
}

export interface Mounted {
  readonly mount: string;
  /** The block device, perhaps a partition or a logical volume of the disks. */
  readonly source: string;
  readonly fstype: string;
  readonly options: string;
  readonly disks: readonly Disk[];
  /** The processes that use it, where that was asked and could be seen; empty: none. */
  readonly users: string;
}

/** A mount that is of no disk by itself: a bind mount, memory, the network. */
export interface OtherMount {
  readonly mount: string;
  /** As findmnt gives it: `/dev/xvdf[/folder]`, `tmpfs`. */
  readonly source: string;
  readonly fstype: string;
  readonly options: string;
}

export interface AllMounts {
  readonly disks: readonly Mounted[];
  readonly others: readonly OtherMount[];
}

export function instanceIdOf(host: Host): string {
  const id = host.instanceId ?? (/^i-[0-9a-f]+$/.test(host.name) ? host.name : undefined);
  if (id !== undefined) return id;
  throw new ActionFailure({
    code: 'NO_INSTANCE_ID',
    message: `nobody says which EC2 instance ${host.label} is: give hosts.${host.name}.instanceId in belay.yaml`,
  });
}

/** Everything that is mounted. */
export async function readAllMounts(host: Host, context: Pick<ActionContext, 'signal'>): Promise<AllMounts> {
  const fields = await readFields(host, listMounts([]), context);
  const others = fields.rows('other').map(([mount = '', source = '', fstype = '', options = 'defaults']) => ({
    mount,
    source,
    fstype,
    options,
  }));
  return { disks: mountedIn(fields), others };
}

/** Without `mounts`: everything that is mounted from a disk. Throws NOT_MOUNTED. */
export async function readMounts(
  host: Host,
  mounts: readonly string[],
  context: Pick<ActionContext, 'signal'>,
): Promise<readonly Mounted[]> {
  return mountedIn(await readFields(host, listMounts(mounts), context));
}

function mountedIn(fields: Fields): readonly Mounted[] {
  const disks = fields.rows('disk');
  const users = fields.rows('busy');
  return fields.rows('mount').map(([mount = '', source = '', fstype = '', options = 'defaults']) => ({
    mount,
    source,
    fstype,
    options,
    disks: disks
      .filter(([of]) => of === mount)
      .map(([, node = '', serial = '-']) => ({ node, serial: serial === '-' ? null : serial })),
    users: users
      .filter(([of]) => of === mount)
      .map(([, ...words]) => words.join(' '))
      .join(' '),
  }));
}

/**
 * Whether the disk is that volume, attached to the instance. NVMe disks say so by their serial number; others have the
 * device name of the attachment, with sd written as xvd.
 * https://docs.aws.amazon.com/ebs/latest/userguide/identify-nvme-ebs-device.html
 */
export function isVolume(disk: Disk, volume: Volume, instanceId: string): boolean {
  if (disk.serial !== null && /^vol-?[0-9a-f]+$/.test(disk.serial)) {
    return disk.serial.replace('-', '') === volume.id.replace('-', '');
  }
  const attachment = attachmentTo(volume, instanceId);
  const letters = lettersOf(disk.node);
  return attachment !== undefined && letters !== undefined && letters === lettersOf(attachment.device);
}

/** `f` of /dev/sdf, /dev/xvdf and /dev/xvdf1; `ba` of /dev/xvdba. */
const lettersOf = (device: string) => /^\/dev\/(?:xvd|sd|hd)([a-z]+)\d*$/.exec(device)?.[1];

/** The volumes below a mount; throws NO_VOLUME_BELOW for a disk that is none (instance store, network). */
export function volumesBelow(
  { mount, disks, source }: Mounted,
  attached: readonly Volume[],
  instanceId: string,
  label: string,
): readonly Volume[] {
  if (disks.length === 0) throw noVolume(`${label}: ${mount} is on ${source}, below which no disk was found`);
  return disks.map((disk) => {
    const volume = attached.find((each) => isVolume(disk, each, instanceId));
    if (volume === undefined) {
      throw noVolume(
        `${label}: ${mount} is on ${disk.node}${disk.serial === null ? '' : ` (serial ${disk.serial})`}, which is none of the EBS volumes attached to ${instanceId} (${attached.map(({ id }) => id).join(', ') || 'none'})`,
      );
    }
    return volume;
  });
}

const noVolume = (message: string) => new ActionFailure({ code: 'NO_VOLUME_BELOW', message });
