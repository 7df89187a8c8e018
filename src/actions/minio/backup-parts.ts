/**
 * Copies a large object in parts: each is a slice of the source, streamed into a part at the target, so that memory does not grow
 * with the object and a connection that breaks costs one part. All slices are of the same object, or none is used.
 */
import { createHash, type Hash } from 'node:crypto';
import { S3Failure } from '../../transports/s3/failure.ts';
import {
  completeUpload,
  partBytesMax,
  partsMax,
  sendPart,
  type Part,
  type Upload,
} from '../../transports/s3/multipart.ts';
import { ActionFailure } from '../define-action.ts';
import { carriedOf, headersFor, type Carried } from './backup-carried.ts';
import { hashing, type Digest, type ObjectAt } from './backup-stream.ts';
import { again, triesMax, unlessMissing } from './backup-failure.ts';
import type { UploadRecords } from './backup-uploads.ts';

/** How objects are cut. */
export interface Cut {
  /** Objects of so many bytes or more go in parts. */
  readonly fromBytes: number;
  /** Of each part but the last, unless more than 10,000 would be needed. */
  readonly partBytes: number;
}

const mebibyte = 1024 ** 2;
/** S3 takes up to 5 GiB in one piece; well below that a broken connection already costs minutes. */
export const shippedCut: Cut = { fromBytes: 512 * mebibyte, partBytes: 64 * mebibyte };

/** Of whole mebibytes, so that at most 10,000 parts are needed: 525 MiB for 5 TiB. */
export function partBytesFor(bytes: number, { partBytes }: Cut): number {
  const needed = Math.ceil(bytes / partsMax / mebibyte) * mebibyte;
  return Math.max(partBytes, needed);
}

export interface PartsCopy {
  readonly from: ObjectAt;
  readonly to: ObjectAt;
  readonly token: string;
  readonly cut: Cut;
  readonly uploads: UploadRecords;
  /** Told before each part. */
  readonly onPart?: (number: number, count: number) => void;
}

export type SentInParts = Digest & { readonly carried: Carried };

/** What was sent; undefined: the object was deleted at the source. One that is changed meanwhile is begun anew, or has become small. */
export async function copyInParts(copy: PartsCopy): Promise<SentInParts | undefined | 'small'> {
  const { from, cut } = copy;
  for (let attempt = 1; attempt <= triesMax; attempt += 1) {
    const headers = await again(from.s3, () => from.s3.head(from.bucket, from.key, from.versionId));
    if (headers === undefined) return undefined;
    if (Number(headers['content-length']) < cut.fromBytes) return 'small';
    const digest = await copyVersion(copy, headers);
    if (digest !== 'changed') return digest;
  }
  throw new ActionFailure({
    code: 'OBJECT_CHANGED',
    message: `${from.bucket}/${from.key} was changed each of ${triesMax} times while it was copied; it is not copied`,
    retryable: true,
    effect: 'known',
  });
}

/** Of the object that has this ETag. Ends with the upload completed or aborted. */
async function copyVersion(
  copy: PartsCopy,
  source: Readonly<Record<string, string>>,
): Promise<SentInParts | 'changed'> {
  const { from, to, token, cut, uploads } = copy;
  const size = Number(source['content-length']);
  const partBytes = partBytesFor(size, cut);
  if (partBytes > partBytesMax) {
    throw new ActionFailure({
      code: 'OBJECT_TOO_LARGE',
      message: `${from.bucket}/${from.key} has ${size} bytes; S3 takes ${partsMax} parts of ${partBytesMax} at most. Leave its bucket out of Buckets and copy it otherwise`,
    });
  }
  const place = { bucket: to.bucket, key: to.key };
  try {
    const carried = await carriedOf(from, source);
    const upload = await uploads.begin(place, headersFor(carried, token));
    const count = Math.ceil(size / partBytes);
    const parts: Part[] = [];
    let hash = createHash('sha256');
    for (let number = 1; number <= count; number += 1) {
      copy.onPart?.(number, count);
      const start = (number - 1) * partBytes;
      const slice = { from: start, bytes: Math.min(partBytes, size - start), etag: source['etag'] ?? '' };
      const sent = await again([from.s3, to.s3], () => sendSlice(copy, upload, number, slice, hash.copy()));
      parts.push(sent.part);
      hash = sent.hash;
    }
    await again(to.s3, (attempt) => complete(copy, upload, parts, attempt));
    await uploads.ended(place);
    return { size, sha256: hash.digest('hex'), carried };
  } catch (error) {
    await uploads.abandon(place);
    if (error instanceof SourceChanged) return 'changed';
    throw error;
  }
}

/** No such object, another ETag, or too short for the slice. */
const gone = new Set([404, 412, 416]);
class SourceChanged extends Error {}

async function sendSlice(
  { from, to }: PartsCopy,
  upload: Upload,
  number: number,
  slice: { readonly from: number; readonly bytes: number; readonly etag: string },
  hash: Hash,
): Promise<{ readonly part: Part; readonly hash: Hash }> {
  const { headers, body } = await from.s3
    .get(from.bucket, from.key, slice, from.versionId)
    .catch((error: unknown) => {
      throw error instanceof S3Failure && gone.has(error.status) ? new SourceChanged() : error;
    });
  // Of a server that does not look at the ETag; fewer bytes than were announced would be waited for.
  if (Number(headers['content-length']) !== slice.bytes) {
    body.destroy();
    throw new SourceChanged();
  }
  const part = await sendPart(to.s3, upload, number, { stream: hashing(body, hash), bytes: slice.bytes });
  return { part, hash };
}

/** Told again after a lost answer, a server may no longer know the upload: then it was heard the first time. The copy is read back in any case. */
async function complete(
  { to }: PartsCopy,
  upload: Upload,
  parts: readonly Part[],
  attempt: number,
): Promise<void> {
  const completed = completeUpload(to.s3, upload, parts).then(() => true);
  if ((await unlessMissing(completed)) !== undefined || attempt > 1) return;
  throw new ActionFailure({
    code: 'UPLOAD_LOST',
    message: `${to.s3.label} does not know its upload ${upload.id} of ${upload.bucket}/${upload.key} any more, of which it has taken ${parts.length} parts: somebody aborted it, or it expired`,
    retryable: true,
    effect: 'known',
  });
}
