/**
 * The lab's volumes and snapshots: sparse files, reflink copies and loop devices, acting on running hosts.
 * Names are the caller's (`vol-0abc…`). Usable without Lab: `new Volumes(id)` of a lab that is up.
 *
 * Refusals are LabFailure with the code NotFound, AlreadyExists, InvalidName, VolumeInUse, DeviceInUse,
 * InvalidDevice, IncorrectState (detaching what is not attached) Busy (detaching what a host has mounted) or
 * SnapshotFailed.
 */
import { command, type LabId } from './command.ts';

export interface Volume {
  readonly name: string;
  readonly sizeBytes: number;
  readonly attachment?: { readonly host: string; readonly device: string };
}

export interface Snapshot {
  readonly name: string;
  readonly sizeBytes: number;
}

export class Volumes {
  readonly #id: LabId;

  constructor(id: LabId) {
    this.#id = id;
  }

  /** An empty volume; it has no file system. */
  async create(volume: string, sizeMiB: number): Promise<void> {
    await this.#run('create', volume, `${sizeMiB}M`);
  }

  /** What the host has flushed at this moment, as EBS does it; the host may go on writing. Takes some ten ms. */
  async snapshot(volume: string, snapshot: string): Promise<void> {
    await this.#run('snapshot', volume, snapshot);
  }

  /** Several volumes at one moment, as CreateSnapshots does: their hosts stand still for some ten ms. */
  async snapshotTogether(
    copies: readonly { readonly volume: string; readonly snapshot: string }[],
  ): Promise<void> {
    await this.#run('snapshot', ...copies.flatMap(({ volume, snapshot }) => [volume, snapshot]));
  }

  async fromSnapshot(snapshot: string, volume: string): Promise<void> {
    await this.#run('from-snapshot', snapshot, volume);
  }

  /** The device node appears in the running host at once and at each of its boots; mounting is the host's. */
  async attach(volume: string, host: string, device: string): Promise<void> {
    await this.#run('attach', volume, host, device);
  }

  /** Rejects with Busy while the volume is mounted, unless forced: then it goes as a pulled cable would. */
  async detach(volume: string, options: { readonly force?: boolean } = {}): Promise<void> {
    await this.#run('detach', volume, ...(options.force ? ['--force'] : []));
  }

  async delete(volume: string): Promise<void> {
    await this.#run('delete', volume);
  }

  async deleteSnapshot(snapshot: string): Promise<void> {
    await this.#run('delete-snapshot', snapshot);
  }

  async list(): Promise<{ readonly volumes: readonly Volume[]; readonly snapshots: readonly Snapshot[] }> {
    const volumes: Volume[] = [];
    const snapshots: Snapshot[] = [];
    for (const line of (await this.#run('list')).split('\n')) {
      const [kind, name, size, host, device] = line.split('\t');
      if (name === undefined || host === undefined || device === undefined) continue;
      const sizeBytes = Number(size);
      if (kind === 'snapshot') snapshots.push({ name, sizeBytes });
      else if (host === '-') volumes.push({ name, sizeBytes });
      else volumes.push({ name, sizeBytes, attachment: { host, device } });
    }
    return { volumes, snapshots };
  }

  #run(...args: readonly string[]): Promise<string> {
    return command(this.#id, 'volume', ...args);
  }
}
