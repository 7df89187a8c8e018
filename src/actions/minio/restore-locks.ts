/**
 * Object locks brought back: a version that was retained or held at the source is so again, where the bucket can lock. Nothing is
 * ever made free, or free earlier. A retention whose time is over protects nothing, and is not brought back.
 */
import {
  isLocked,
  lockIn,
  putLegalHold,
  putRetention,
  type ObjectLock,
} from '../../transports/s3/object-lock.ts';
import { again } from './backup-failure.ts';
import type { ObjectAt } from './backup-stream.ts';
import { listed } from './listed.ts';

/** What of a lock still means something; undefined: nothing. */
export function lasting(lock: ObjectLock | undefined, now: number): ObjectLock | undefined {
  const { retention, isHeld } = lock ?? {};
  const isRetained = retention !== undefined && Date.parse(retention.until) > now;
  if (!isRetained && isHeld !== true) return undefined;
  return { ...(isRetained ? { retention } : {}), ...(isHeld === true ? { isHeld } : {}) };
}

/** Of the latest version, unless one is named. Harmless to do again. */
export async function lockAgain(
  { retention, isHeld }: ObjectLock,
  { s3, bucket, key, versionId }: ObjectAt,
): Promise<void> {
  const headers = (await again(s3, () => s3.head(bucket, key, versionId))) ?? {};
  const at = { bucket, key, versionId: versionId ?? headers['x-amz-version-id'] ?? 'null' };
  const now = lockIn(headers);
  const isShorter =
    now?.retention === undefined || Date.parse(now.retention.until) < Date.parse(retention?.until ?? '');
  if (retention !== undefined && isShorter) {
    const mode = now?.retention?.mode === 'COMPLIANCE' ? 'COMPLIANCE' : retention.mode;
    await again(s3, () => putRetention(s3, at, { mode, until: retention.until }));
  }
  if (isHeld === true && now?.isHeld !== true) await again(s3, () => putLegalHold(s3, at));
}

export const comesBackFree = (buckets: readonly string[]): string =>
  `what is restored into ${listed(buckets)} comes back without its object locks: only a bucket that was made with object lock can lock, and ${buckets.length === 1 ? 'this one was' : 'these were'} not`;

/** False: its lock keeps the version. */
export async function unlessLocked(removing: Promise<unknown>): Promise<boolean> {
  try {
    await removing;
    return true;
  } catch (error) {
    if (isLocked(error)) return false;
    throw error;
  }
}
