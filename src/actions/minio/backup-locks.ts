/**
 * Object lock in a backup: it goes into the manifest, for a restore that can lock again. No copy is locked by it, as a locked one
 * could be neither updated nor taken back.
 */
import type { S3Client } from '../../transports/s3/client.ts';
import { S3Failure } from '../../transports/s3/failure.ts';
import { bucketLockOf, mayReadLocks, type BucketLock } from '../../transports/s3/object-lock.ts';
import { versionPage } from '../../transports/s3/versions.ts';
import { again } from './backup-failure.ts';
import { listed } from './listed.ts';
import { writeBucketLock } from './locks-manifest.ts';

export interface Locks {
  /** Buckets whose locks the manifest has. */
  readonly carried: readonly string[];
  /** Buckets that lock, or may, and whose locks the access key may not read. */
  readonly hidden: readonly string[];
}

/** `buckets`: those that keep versions; no other can lock. */
export async function carryLocks(
  source: S3Client,
  buckets: readonly string[],
  { target, token }: { readonly target: S3Client; readonly token: string },
): Promise<Locks> {
  const [carried, hidden]: [string[], string[]] = [[], []];
  for (const bucket of buckets) {
    const lock = await again(source, () => lockToRead(source, bucket));
    if (lock === 'none') continue;
    if (lock === 'hidden' || !(await again(source, () => mayRead(source, bucket)))) hidden.push(bucket);
    else carried.push(bucket);
    if (lock !== 'hidden') await writeBucketLock(target, token, bucket, lock);
  }
  return { carried, hidden };
}

async function lockToRead(source: S3Client, bucket: string): Promise<BucketLock | 'none' | 'hidden'> {
  try {
    return (await bucketLockOf(source, bucket)) ?? 'none';
  } catch (error) {
    if (error instanceof S3Failure && error.status === 403) return 'hidden';
    throw error;
  }
}

async function mayRead(source: S3Client, bucket: string): Promise<boolean> {
  const { versions } = await versionPage(source, bucket);
  const first = versions.find(({ kind }) => kind === 'object');
  return first === undefined || mayReadLocks(source, { bucket, key: first.key, versionId: first.id });
}

/** For people; undefined: nothing locks. */
export function aboutLocks({ carried, hidden }: Locks): string | undefined {
  const parts = [
    ...(carried.length === 0
      ? []
      : [`the object locks of ${listed(carried)} go into the manifest, and their copies are not locked`]),
    ...(hidden.length === 0
      ? []
      : [
          `the object locks of ${listed(hidden)} are not backed up: the access key may not read them (s3:GetBucketObjectLockConfiguration, s3:GetObjectRetention, s3:GetObjectLegalHold)`,
        ]),
  ];
  return parts.length === 0 ? undefined : parts.join('; ');
}
