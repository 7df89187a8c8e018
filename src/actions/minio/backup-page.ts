/** Copies one page of a bucket, at most a thousand objects, several at once; the last page also compares the bucket by count. */
import type { S3Client, S3Object } from '../../transports/s3/client.ts';
import { failed, pending, type Failed, type Pending } from '../define-action.ts';
import { copyObject } from './backup-copy.ts';
import { inGroups, megabytes, type PageCopying } from './backup-copying.ts';
import { again } from './backup-failure.ts';
import { totalsOf, type Entry } from './backup-manifest.ts';
import { endBucket, endPage, type Progress } from './backup-progress.ts';
import { UploadRecords } from './backup-uploads.ts';

const namedMax = 5;

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
    again(target.s3.until(signal), () => target.s3.until(signal).head(there, object.key)),
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
