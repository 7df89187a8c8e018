/** Which buckets of a backup can lock objects, and what each new version gets there: beside the manifest, a small file for each. */
import { text } from 'node:stream/consumers';
import type { S3Client } from '../../transports/s3/client.ts';
import type { BucketLock } from '../../transports/s3/object-lock.ts';
import { numberIn, objectIn } from './admin.ts';
import { manifestBucket } from './backup-manifest.ts';
import { modeWritten } from './written-lock.ts';

const name = 'object-lock.json';

export async function writeBucketLock(
  there: S3Client,
  token: string,
  bucket: string,
  lock: BucketLock,
): Promise<void> {
  await there.put(manifestBucket, `${token}/${bucket}/${name}`, Buffer.from(JSON.stringify(lock)));
}

/** Of one bucket, or of all that could lock. Backups of an earlier version have none. */
export async function writtenBucketLocks(
  there: S3Client,
  token: string,
  bucket?: string,
): Promise<ReadonlyMap<string, BucketLock>> {
  const locks = new Map<string, BucketLock>();
  const prefix = bucket === undefined ? `${token}/` : `${token}/${bucket}/${name}`;
  for await (const { key } of there.objects(manifestBucket, prefix)) {
    const [, of = '', file] = key.split('/');
    if (file !== name) continue;
    const { body } = await there.get(manifestBucket, key);
    locks.set(of, bucketLockIn(JSON.parse(await text(body))));
  }
  return locks;
}

/** Somebody else may have written there since. */
function bucketLockIn(written: unknown): BucketLock {
  const retention = objectIn(objectIn(written)['retention']);
  const mode = modeWritten(retention);
  const [days, years] = [numberIn(retention, 'days'), numberIn(retention, 'years')];
  if (mode === undefined || (days < 1 && years < 1)) return {};
  return { retention: years >= 1 ? { mode, years } : { mode, days } };
}
