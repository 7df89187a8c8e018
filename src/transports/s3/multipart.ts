/**
 * Objects in parts: an upload is begun, its parts are sent, and it becomes the object at once when it is completed, or nothing
 * at all when it is aborted. Until one of both, a server keeps its parts, and its owner pays for them. Source: AWS, "Uploading and
 * copying objects using multipart upload".
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { S3Client } from './client.ts';
import { S3Failure } from './failure.ts';
import { bucketPath, decodedKey, objectPath } from './path.ts';

/** Source: AWS, "Amazon S3 multipart upload limits". The last part may be smaller. */
export const partBytesMin = 5 * 1024 ** 2;
export const partBytesMax = 5 * 1024 ** 3;
export const partsMax = 10_000;

export interface ObjectPlace {
  readonly bucket: string;
  readonly key: string;
}

export interface Upload extends ObjectPlace {
  readonly id: string;
}

export interface StandingUpload extends Upload {
  /** ISO 8601, by the server's clock. Some servers give the time of the last part. */
  readonly initiatedAt: string;
}

export interface Part {
  readonly number: number;
  /** As the server wrote it. */
  readonly etag: string;
}

/** A server puts the parts together before it answers; without copying them that is a moment, otherwise it takes as long as the object is large. */
const completeSilenceMs = 3_600_000;
/** How many pages of a thousand uploads of one key are looked at. */
const pagesMax = 10;

/** The headers become the object's. A begin whose answer is lost leaves an upload that only `standingUploads` knows. */
export async function beginUpload(
  s3: S3Client,
  { bucket, key }: ObjectPlace,
  headers: Readonly<Record<string, string>>,
): Promise<Upload> {
  const path = objectPath(bucket, key);
  const asked = { method: 'POST', query: { uploads: '' }, headers } as const;
  const reply = await s3.xml(path, asked, 'InitiateMultipartUploadResult');
  return { bucket, key, id: reply.text('UploadId') };
}

/** May be sent again under the same number: the last one counts. */
export async function sendPart(
  s3: S3Client,
  { bucket, key, id }: Upload,
  number: number,
  body: { readonly stream: Readable; readonly bytes: number },
): Promise<Part> {
  const { headers } = await s3.ask(objectPath(bucket, key), {
    method: 'PUT',
    query: { partNumber: String(number), uploadId: id },
    headers: { 'content-length': String(body.bytes) },
    body: body.stream,
  });
  return { number, etag: headers['etag'] ?? '' };
}

/** The parts in their order. Rejects with S3Failure also where the server says 200 and then an error. */
export async function completeUpload(
  s3: S3Client,
  { bucket, key, id }: Upload,
  parts: readonly Part[],
): Promise<void> {
  const lines = parts.map(
    ({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${inXml(etag)}</ETag></Part>`,
  );
  const body = Buffer.from(
    `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${lines.join('')}</CompleteMultipartUpload>`,
  );
  await s3.xml(
    objectPath(bucket, key),
    {
      method: 'POST',
      query: { uploadId: id },
      headers: { 'content-md5': createHash('md5').update(body).digest('base64') },
      body,
      silenceMs: completeSilenceMs,
    },
    'CompleteMultipartUploadResult',
  );
}

/** Harmless where it has ended. A part that was under way may still arrive: look, and abort again. */
export async function abortUpload(s3: S3Client, { bucket, key, id }: Upload): Promise<void> {
  try {
    await s3.ask(objectPath(bucket, key), { method: 'DELETE', query: { uploadId: id } });
  } catch (error) {
    if (!(error instanceof S3Failure) || error.status !== 404) throw error;
  }
}

/** The uploads of exactly this key that were neither completed nor aborted, whoever began them. None where there is no bucket. */
export async function standingUploads(s3: S3Client, { bucket, key }: ObjectPlace): Promise<StandingUpload[]> {
  const standing: StandingUpload[] = [];
  let marker: Readonly<Record<string, string>> = {};
  for (let page = 0; page < pagesMax; page += 1) {
    const query = { uploads: '', 'encoding-type': 'url', prefix: key, ...marker };
    const reply = await unlessMissing(
      s3.xml(bucketPath(bucket), { method: 'GET', query }, 'ListMultipartUploadsResult'),
    );
    if (reply === undefined) return [];
    const isEncoded = reply.text('EncodingType') === 'url';
    const own = reply.all('Upload').map((each) => ({
      bucket,
      key: isEncoded ? decodedKey(each.text('Key')) : each.text('Key'),
      id: each.text('UploadId'),
      initiatedAt: each.text('Initiated'),
    }));
    standing.push(...own.filter((upload) => upload.key === key));
    // Sorted by key: behind another one that only begins like this there are no more of it.
    if (reply.text('IsTruncated') !== 'true' || own.at(-1)?.key !== key) return standing;
    const last = own.at(-1);
    marker = { 'key-marker': key, 'upload-id-marker': last?.id ?? '' };
  }
  throw new Error(`${bucket}/${key} has more than ${pagesMax * 1_000} uploads standing`);
}

/** Whether any upload stands in the bucket. MinIO does not tell, it lists by whole keys only. */
export async function hasUploads(s3: S3Client, bucket: string): Promise<boolean> {
  const asked = { method: 'GET', query: { uploads: '', 'max-uploads': '1' } } as const;
  const reply = await unlessMissing(s3.xml(bucketPath(bucket), asked, 'ListMultipartUploadsResult'));
  return (reply?.all('Upload').length ?? 0) > 0;
}

/** False also where it has ended. */
export async function hasParts(s3: S3Client, { bucket, key, id }: Upload): Promise<boolean> {
  const asked = { method: 'GET', query: { uploadId: id, 'max-parts': '1' } } as const;
  const reply = await unlessMissing(s3.xml(objectPath(bucket, key), asked, 'ListPartsResult'));
  return (reply?.all('Part').length ?? 0) > 0;
}

async function unlessMissing<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof S3Failure && error.status === 404) return undefined;
    throw error;
  }
}

const inXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
