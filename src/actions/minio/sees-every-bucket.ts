/** Whether a listing of buckets can be taken for all of them. */
import type { S3Client } from '../../transports/s3/client.ts';
import { S3Failure } from '../../transports/s3/failure.ts';

/** Nobody's bucket: what a key may ask of it, it may ask of any. */
const probe = 'belay-asks-for-any-bucket';

/**
 * MinIO lists to a key only the buckets that its policy covers, and says nothing of the others. A key that may list any bucket is
 * told that this one is not there; another one is refused.
 */
export async function seesEveryBucket(s3: S3Client): Promise<boolean> {
  try {
    await s3.hasBucket(probe);
    return true;
  } catch (error) {
    if (error instanceof S3Failure && error.status === 403) return false;
    throw error;
  }
}
