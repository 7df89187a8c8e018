/** Small objects written, read, compared and deleted through one node itself: the proof that it serves. */
import { createHash, randomBytes } from 'node:crypto';
import { S3Failure } from '../../transports/s3/failure.ts';
import type { S3Client } from '../../transports/s3/client.ts';

/** Several keys, since each falls on another erasure set by its hash. */
const objectsPerNode = 4;
const objectBytes = 4_096;

export interface CanaryPlace {
  readonly bucket: string;
  /** Before every key of this step: what is found under it may be deleted. */
  readonly prefix: string;
}

/** Undefined: all that was written was read back as it was and is deleted. Otherwise what went wrong, for people. */
export async function sendCanary(
  s3: S3Client,
  node: string,
  { bucket, prefix }: CanaryPlace,
): Promise<string | undefined> {
  try {
    for (let index = 1; index <= objectsPerNode; index += 1) {
      const key = `${prefix}${node}-${index}`;
      const bytes = randomBytes(objectBytes);
      await s3.put(bucket, key, bytes);
      const { body } = await s3.get(bucket, key);
      const read = createHash('sha256');
      for await (const chunk of body) read.update(chunk as Buffer);
      if (read.digest('hex') !== createHash('sha256').update(bytes).digest('hex')) {
        return `${node}: ${bucket}/${key} came back with other bytes than were written`;
      }
      await s3.remove(bucket, key);
    }
    return undefined;
  } catch (error) {
    if (error instanceof S3Failure && (error.isBusy || error.status === 404)) {
      // Within seconds of a start a read may say that what was just written is not there.
      return `${node}: ${error.code} (${error.message.split('\n')[0]})`;
    }
    throw error;
  }
}

/** Deletes what a step left under its prefix, and its bucket where that is its own. The names of what was deleted. */
export async function removeCanaries(
  s3: S3Client,
  { bucket, prefix }: CanaryPlace,
  isOwnBucket: boolean,
): Promise<string[]> {
  if (!(await s3.hasBucket(bucket))) return [];
  const removed: string[] = [];
  for await (const { key } of s3.objects(bucket, prefix)) {
    await s3.remove(bucket, key);
    removed.push(`${bucket}/${key}`);
  }
  if (isOwnBucket && (await s3.removeBucket(bucket))) removed.push(bucket);
  return removed;
}
