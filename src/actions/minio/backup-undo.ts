/** Takes a backup back: what it created at the target, by its manifest. What it updated stays: the older copy is gone. */
import type { Change } from '../../engine/events.ts';
import type { JsonObject } from '../../json.ts';
import type { S3Client } from '../../transports/s3/client.ts';
import { hasUploads } from '../../transports/s3/multipart.ts';
import { done, type Poll } from '../define-action.ts';
import { Manifest, manifestBucket } from './backup-manifest.ts';
import { tokenHeader } from './backup-carried.ts';
import { UploadRecords } from './backup-uploads.ts';

/** `tokens`: the step's own, and that of an attempt by an earlier version. May be told again after a crash: the manifest goes last. */
export async function undoBackup(target: S3Client, tokens: readonly string[]): Promise<Poll<JsonObject>> {
  const changes: Change[] = [];
  for (const token of tokens) changes.push(...(await undoOne(target, token)));
  return done({}, { changes });
}

async function undoOne(target: S3Client, token: string): Promise<Change[]> {
  const manifest = new Manifest(target, token);
  if (await target.hasBucket(manifestBucket)) await new UploadRecords(target, token).sweep();
  const removed = new Map<string, number>();
  const made = new Set<string>();
  for await (const { bucket, madeBucket, keys } of manifest.intents()) {
    if (madeBucket) made.add(bucket);
    for (const key of keys) {
      // Somebody else may have written the same key since; only what carries this step's token is its own.
      if ((await target.head(bucket, key))?.[tokenHeader] !== token) continue;
      await target.remove(bucket, key);
      removed.set(bucket, (removed.get(bucket) ?? 0) + 1);
    }
  }
  const changes: Change[] = [...removed].map(([bucket, count]) => ({
    target: bucket,
    subject: 'backup',
    from: `${count} objects`,
    to: null,
  }));
  for (const bucket of made) {
    if (!(await target.hasBucket(bucket)) || (await target.page(bucket)).objects.length > 0) continue;
    // Nor where somebody else is about to write: a server may take their upload away with the bucket.
    if (await hasUploads(target, bucket)) continue;
    if (await target.removeBucket(bucket))
      changes.push({ target: bucket, subject: 'bucket', from: bucket, to: null });
  }
  await manifest.remove();
  return changes;
}
