/** One object of a backup brought back into the cluster as it was: its bytes, its headers and its tags, each proven. */
import { createHash } from 'node:crypto';
import { ActionFailure } from '../define-action.ts';
import { carriedOf, headersOf, printOf, type Carried } from './backup-carried.ts';
import { again, unlessMissing } from './backup-failure.ts';
import type { Entry } from './backup-manifest.ts';
import { digestOf, hashing, type ObjectAt } from './backup-stream.ts';
import type { Kept } from './restore-kept.ts';

export type BackedUp = Entry & { readonly bucket: string };

export interface Restoring {
  /** The backup. */
  readonly from: ObjectAt;
  /** The cluster. */
  readonly to: ObjectAt;
  readonly kept: Kept;
  readonly madeBucket: boolean;
}

/** `theirs`: somebody has written it since this restore came by it, and it stays; nobody has kept it. */
export type Restored = 'restored' | 'same' | 'theirs';

/** `same`: it stood there as it was, and was not touched. Rejects with ActionFailure BACKUP_CHANGED, NOT_AS_BACKED_UP. */
export async function restoreObject(entry: BackedUp, restoring: Restoring): Promise<Restored> {
  const { from, to, kept, madeBucket } = restoring;
  const wanted = await carriedIn(entry, from);
  if (await isAsWanted(entry, wanted, to)) return 'same';
  // Read whole before anything is overwritten: a copy that is damaged costs the cluster nothing.
  await proveEntry(entry, from);
  const { key, sha256 } = entry;
  const what = { bucket: to.bucket, key, sha256, wrote: wanted, madeBucket };
  if (!(await kept.keep(to.s3, what))) return 'theirs';
  await again([from.s3, to.s3], async () => {
    const object = await unlessMissing(from.s3.get(from.bucket, from.key));
    if (object === undefined || Number(object.headers['content-length']) !== entry.size)
      throw changed(entry, from);
    const hash = createHash('sha256');
    const stream = hashing(object.body, hash);
    // In one piece: MinIO takes up to 5 TiB so.
    await to.s3.put(to.bucket, entry.key, { stream, bytes: entry.size }, headersOf(wanted));
    if (hash.digest('hex') !== entry.sha256) throw changed(entry, from);
  });
  if (await isAsWanted(entry, wanted, to)) return 'restored';
  throw new ActionFailure({
    code: 'NOT_AS_BACKED_UP',
    message: `${to.bucket}/${entry.key} was written to the cluster and reads back otherwise: its bytes, headers or tags are not those of the backup`,
    retryable: true,
    effect: 'known',
  });
}

/** Whether the copy can be restored, asked of the backup only. Rejects with ActionFailure BACKUP_CHANGED. */
export async function proveEntry(entry: BackedUp, from: ObjectAt): Promise<void> {
  const copy = await digestOf(from);
  if (copy?.sha256 !== entry.sha256 || copy.size !== entry.size) throw changed(entry, from);
}

export function changed(entry: BackedUp, { s3, bucket, key }: ObjectAt): ActionFailure {
  return new ActionFailure({
    code: 'BACKUP_CHANGED',
    message: `${entry.bucket}/${entry.key} at ${s3.label} (${bucket}/${key}) is not what the manifest says (${entry.size} bytes, sha256 ${entry.sha256}): a later backup has updated it, or it is damaged or gone. Name the manifest of the latest backup, or leave this object out`,
    effect: 'known',
  });
}

/** As the manifest has them; one of an earlier version has none, so the copy is asked. */
async function carriedIn(entry: BackedUp, from: ObjectAt): Promise<Carried> {
  if (entry.headers !== undefined || entry.tags !== undefined)
    return { headers: entry.headers ?? {}, tags: entry.tags ?? '' };
  const headers = await again(from.s3, () => from.s3.head(from.bucket, from.key));
  return carriedOf(from, headers ?? {});
}

/** Whether the object, or that version of it, has these bytes, headers and tags. */
export async function isAsWanted(
  { size, sha256 }: Pick<Entry, 'size' | 'sha256'>,
  wanted: Carried,
  at: ObjectAt,
): Promise<boolean> {
  const headers = await again(at.s3, () => at.s3.head(at.bucket, at.key, at.versionId));
  if (headers === undefined || Number(headers['content-length']) !== size) return false;
  if (printOf(await carriedOf(at, headers)) !== printOf(wanted)) return false;
  return (await digestOf(at))?.sha256 === sha256;
}
