/** Faults of single drives: what happens to a disk under a MinIO node. Drives are numbered from 1, as /stg/data/data1. */
import type { MinioLab } from './cluster.ts';
import type { MinioNode } from './configuration.ts';

export type DriveNumber = 1 | 2 | 3 | 4;

const sizeMiB = 1024;

const place = (drive: DriveNumber) => `/stg/data/data${drive}`;
const unit = (drive: DriveNumber) => `stg-data-data${drive}.mount`;

export class Drives {
  readonly #minio: MinioLab;

  constructor(minio: MinioLab) {
    this.#minio = minio;
  }

  /** As the host names it: /dev/xvdb for drive 1. */
  device(drive: DriveNumber): string {
    return `/dev/xvd${'-bcde'[drive]}`;
  }

  /** As `lab.volumes` names it. */
  volume(node: MinioNode, drive: DriveNumber): string {
    return `vol-${node}-${drive}`;
  }

  /**
   * A disk lost and an empty one in its place, formatted and mounted; MinIO may run meanwhile. It shows the drive as
   * `unformatted` at once and heals it after some 16 s.
   */
  async blank(node: MinioNode, drive: DriveNumber): Promise<void> {
    await this.detach(node, drive);
    await this.#minio.lab.volumes.delete(this.volume(node, drive));
    await this.#minio.lab.volumes.create(this.volume(node, drive), sizeMiB);
    await this.attach(node, drive);
    await this.format(node, drive);
    await this.mount(node, drive);
  }

  /** Pulled out, mounted or not. A MinIO started now finds only the empty folder below the mount. */
  async detach(node: MinioNode, drive: DriveNumber): Promise<void> {
    await this.#minio.lab.volumes.detach(this.volume(node, drive), { force: true });
  }

  /** The device is there again; not mounted. */
  async attach(node: MinioNode, drive: DriveNumber): Promise<void> {
    await this.#minio.lab.volumes.attach(this.volume(node, drive), node, this.device(drive));
  }

  /** An empty file system that belongs to minio-user. */
  async format(node: MinioNode, drive: DriveNumber): Promise<void> {
    const prototype = '/usr/local/share/minio-drive.proto';
    await this.#minio.run(node, ['mkfs.xfs', '-q', '-f', '-p', prototype, this.device(drive)]);
  }

  async mount(node: MinioNode, drive: DriveNumber): Promise<void> {
    await this.#minio.run(node, ['systemctl', 'start', unit(drive)]);
  }

  async isMounted(node: MinioNode, drive: DriveNumber): Promise<boolean> {
    return (await this.#minio.lab.exec(node, ['mountpoint', '-q', place(drive)])).code === 0;
  }
}
