/** The buckets that a restore works in: made where they are gone, as the source had them, and known again by a runner that resumes. */
import type { S3Client } from '../../transports/s3/client.ts';
import {
  bucketLockOf,
  makeLockingBucket,
  putBucketLock,
  type BucketLock,
} from '../../transports/s3/object-lock.ts';
import { putVersioning, versioningOf, type Versioning } from '../../transports/s3/versions.ts';
import { refuseUnversioned } from './restore-choice.ts';
import type { Kept } from './restore-kept.ts';

export class Buckets {
  readonly #here: S3Client;
  readonly #kept: Kept;
  /** Of the backup: what each bucket that could lock gives new versions. */
  readonly #locks: ReadonlyMap<string, BucketLock>;
  /** Whether this restore has made it, by whichever runner. */
  readonly #ready = new Map<string, Promise<boolean>>();
  readonly #made = new Map<string, Versioning>();
  readonly #canLock = new Map<string, boolean>();

  constructor(here: S3Client, kept: Kept, locks: ReadonlyMap<string, BucketLock>) {
    this.#here = here;
    this.#kept = kept;
    this.#locks = locks;
  }

  /** Those that hold locked versions by the backup, and cannot lock here. */
  get free(): readonly string[] {
    return [...this.#canLock].flatMap(([bucket, can]) => (can ? [] : [bucket]));
  }

  /** Looks before anything is restored. */
  async findFree(): Promise<void> {
    for (const bucket of this.#locks.keys())
      if (await this.#here.hasBucket(bucket)) await this.canLock(bucket);
  }

  async canLock(bucket: string): Promise<boolean> {
    const known = this.#canLock.get(bucket) ?? (await bucketLockOf(this.#here, bucket)) !== undefined;
    this.#canLock.set(bucket, known);
    return known;
  }

  /**
   * It is there, and keeps versions where it is to have some. Whether this restore has made it. Several objects of one bucket
   * ask at once, and the first of them makes it. Rejects with KEEPS_NO_VERSIONS.
   */
  ready(
    bucket: string,
    versioning: Versioning,
    { needsVersions = false }: { readonly needsVersions?: boolean } = {},
  ): Promise<boolean> {
    const known = this.#ready.get(bucket) ?? this.#prepare(bucket, versioning, needsVersions);
    this.#ready.set(bucket, known);
    return known;
  }

  async #prepare(bucket: string, versioning: Versioning, needsVersions: boolean): Promise<boolean> {
    const stands = await this.#here.hasBucket(bucket);
    const isOurs = !stands || (await this.#kept.hasMade(bucket));
    if (isOurs) await this.#make(bucket, versioning, stands);
    else if (needsVersions) refuseUnversioned(bucket, await versioningOf(this.#here, bucket), this.#here);
    return isOurs;
  }

  /** Its rules come last: until then the undo can remove what was brought back. */
  async finish(): Promise<void> {
    for (const [bucket, versioning] of this.#made) {
      const lock = this.#locks.get(bucket);
      if (lock !== undefined) await putBucketLock(this.#here, bucket, lock);
      else if (versioning === 'suspended') await putVersioning(this.#here, bucket, 'suspended');
    }
  }

  /** Written down first, so that whoever resumes goes on with it, and the undo removes it. */
  async #make(bucket: string, versioning: Versioning, stands: boolean): Promise<void> {
    await this.#kept.keepBucket(bucket);
    if (!stands && this.#locks.has(bucket)) await makeLockingBucket(this.#here, bucket);
    else if (!stands) await this.#here.makeBucket(bucket);
    if (versioning !== 'off') await putVersioning(this.#here, bucket, 'enabled');
    this.#made.set(bucket, versioning);
  }
}
