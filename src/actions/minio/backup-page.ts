/** Copies one page of a bucket, at most a thousand objects, several at once; the last page also compares the bucket by count. */
import type { S3Client, S3Object } from '../../transports/s3/client.ts';
import { failed, pending, type ActionContext, type Failed, type Pending } from '../define-action.ts';
import { copyObject } from './backup-copy.ts';
import { again } from './backup-failure.ts';
import { totalsOf, type Entry, type Manifest } from './backup-manifest.ts';
import type { Cut } from './backup-parts.ts';
import { endBucket, endPage, type Progress } from './backup-progress.ts';
import type { OpenedTarget } from './backup-target.ts';
import { UploadRecords } from './backup-uploads.ts';

/** How many objects are under way at once. */
const atOnceMax = 4;
const namedMax = 5;

export interface PageCopying {
  readonly from: S3Client;
  readonly target: OpenedTarget;
  readonly manifest: Manifest;
  /** Of the step, see backup-token.ts. */
  readonly token: string;
  readonly cut: Cut;
  readonly context: ActionContext;
}

export async function copyPage(
  bucket: string,
  progress: Progress,
  copying: PageCopying,
): Promise<Pending | Failed> {
  const { from, target, manifest, token, context } = copying;
  await new UploadRecords(target.s3, token).sweep();
  const { objects, isLast } = await from.page(bucket, { after: progress.after });
  const there = target.bucket(bucket);
  const { part } = progress;
  const madeBucket = !(await target.s3.hasBucket(there));
  if (madeBucket) await manifest.writeIntent({ bucket, part }, { bucket: there, madeBucket, keys: [] });
  if (madeBucket) await target.s3.makeBucket(there);
  const found = await inGroups(objects, context.signal, (object, _, signal) =>
    again(() => target.s3.until(signal).head(there, object.key)),
  );
  const absent = objects.filter((_, index) => found[index] === undefined).map(({ key }) => key);
  await manifest.writeIntent({ bucket, part }, { bucket: there, madeBucket, keys: absent });

  const entries = await copyAll(objects, found, bucket, progress, copying);
  const lost = await reallyLost(entries, from, bucket);
  if (lost !== undefined) return lost;
  const totals = totalsOf(entries);
  const lastKey = objects.at(-1)?.key ?? progress.after;
  const versioning = progress.versioned.find((one) => one.bucket === bucket)?.versioning;
  const head = { bucket, part, lastKey, isLast, totals, ...(versioning === undefined ? {} : { versioning }) };
  await manifest.writePart(head, entries);
  endPage(progress, lastKey, totals);
  return isLast
    ? compareCounts(bucket, there, progress, copying)
    : pending(50, `${bucket}: page ${part} is copied`);
}

type Headers = Readonly<Record<string, string>>;

function copyAll(
  objects: readonly S3Object[],
  found: readonly (Headers | undefined)[],
  bucket: string,
  progress: Progress,
  { from, target, token, cut, context }: PageCopying,
): Promise<Entry[]> {
  let bytes = 0;
  return inGroups(objects, context.signal, async (object, index, signal) => {
    const headers = found[index];
    const s3 = target.s3.until(signal);
    const entry = await copyObject(
      object.size,
      headers === undefined ? undefined : Number(headers['content-length']),
      {
        from: { s3: from.until(signal), bucket, key: object.key },
        to: { s3, bucket: target.bucket(bucket), key: object.key },
        token,
        cut,
        uploads: new UploadRecords(s3, token),
        onPart: (key, number, count) => context.notice(`${bucket}/${key}: part ${number} of ${count}`),
      },
    );
    bytes += entry.size;
    context.notice(
      `${bucket}: ${progress.bucketTotals.objects + index + 1} objects, ${megabytes(progress.totals.bytes + bytes)} in all`,
    );
    return entry;
  });
}

/** An object that was listed and could not be read was deleted meanwhile, unless it is still listed: then nobody knows. */
async function reallyLost(
  entries: readonly Entry[],
  from: S3Client,
  bucket: string,
): Promise<Failed | undefined> {
  for (const { key } of entries.filter(({ did }) => did === 'gone')) {
    const { objects } = await from.page(bucket, { prefix: key });
    if (!objects.some((object) => object.key === key)) continue;
    return failed(
      'UNDETERMINED',
      `${bucket}/${key} is listed and cannot be read: it is incomplete, or lost. Nothing was deleted at the target.\nHeal the cluster (minio:heal) and begin again.`,
      { retryable: true },
    );
  }
  return undefined;
}

/** Every object that was proven must be listed there: a restore begins with a list. */
async function compareCounts(
  bucket: string,
  there: string,
  progress: Progress,
  { target, manifest }: PageCopying,
): Promise<Pending | Failed> {
  const { objects } = progress.bucketTotals;
  const { count, missing, missingCount } = await missingIn(target.s3.objects(there), manifest.keysOf(bucket));
  if (missingCount > 0) {
    const more = missingCount > missing.length ? ` and ${missingCount - missing.length} more` : '';
    return failed(
      'COUNT_MISMATCH',
      `${there} lists ${count} objects at the target, and ${objects} of ${bucket} were proven there. It took and does not list ${missing.join(', ')}${more}`,
      { retryable: true },
    );
  }
  endBucket(progress, Math.max(0, count - objects));
  return pending(50, `${bucket}: all ${objects} objects are copied`);
}

/** Both in the order of their keys' bytes. */
async function missingIn(
  listed: AsyncIterable<S3Object>,
  proven: AsyncIterable<string>,
): Promise<{ count: number; missing: string[]; missingCount: number }> {
  const missing: string[] = [];
  let [count, missingCount] = [0, 0];
  const list = listed[Symbol.asyncIterator]();
  let head = await list.next();
  const bytes = (text: string): Buffer => Buffer.from(text);
  for await (const key of proven) {
    while (head.done !== true && Buffer.compare(bytes(head.value.key), bytes(key)) < 0) {
      count += 1;
      head = await list.next();
    }
    if (head.done !== true && head.value.key === key) continue;
    missingCount += 1;
    if (missing.length < namedMax) missing.push(key);
  }
  for (; head.done !== true; head = await list.next()) count += 1;
  return { count, missing, missingCount };
}

/** The first that fails ends the others of its group, and is thrown once they have ended: nothing goes on behind the caller's back. */
export async function inGroups<O, T>(
  objects: readonly O[],
  outer: AbortSignal,
  work: (object: O, index: number, signal: AbortSignal) => Promise<T>,
): Promise<T[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([outer, stop.signal]);
  const results: T[] = [];
  for (let from = 0; from < objects.length; from += atOnceMax) {
    const group = objects.slice(from, from + atOnceMax).map(async (object, index) => {
      try {
        return await work(object, from + index, signal);
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    });
    await Promise.allSettled(group);
    if (stop.signal.aborted) throw stop.signal.reason;
    results.push(...(await Promise.all(group)));
  }
  return results;
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
