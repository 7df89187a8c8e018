/** Copies one object to the target and proves the copy by reading it back: size and ETag alone let damage pass. */
import { createHash } from 'node:crypto';
import { Transform, type Readable } from 'node:stream';
import { HttpFailure } from '../../transports/http/failure.ts';
import { S3Failure } from '../../transports/s3/failure.ts';
import type { S3Client, S3Object } from '../../transports/s3/client.ts';
import { ActionFailure } from '../define-action.ts';
import type { Entry } from './backup-manifest.ts';

/** The largest that S3 takes in one piece. */
export const objectBytesMax = 5 * 1024 ** 3;
/** Whose object it is, so that the undo removes nothing that somebody else wrote. */
export const tokenHeader = 'x-amz-meta-belay-token';
const carried =
  /^(?:content-type|content-encoding|content-disposition|content-language|cache-control|x-amz-meta-.*)$/;

export interface Place {
  readonly s3: S3Client;
  readonly bucket: string;
}

/** How often one question to a server is asked when its connection fell silent or broke. */
const triesMax = 3;

/** Reading and writing the same object twice is harmless, so one connection that hangs does not end a night's backup. */
export async function again<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof HttpFailure) || !error.retryable || attempt === triesMax) throw error;
    }
  }
}

/** As `copyObject`; what breaks a connection in the middle says at which object. */
export async function copyNamed(...copying: Parameters<typeof copyObject>): Promise<Entry> {
  try {
    return await again(() => copyObject(...copying));
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error;
    const [{ key }, { bucket }] = copying;
    const { code, message, retryable, effect } = error;
    throw new HttpFailure({ code, message: `${bucket}/${key}: ${message}`, retryable, effect, cause: error });
  }
}

async function copyObject(
  { key, size }: S3Object,
  from: Place,
  to: Place & { readonly isThere: { readonly bytes: number } | undefined },
  token: string,
): Promise<Entry> {
  if (size > objectBytesMax) {
    throw new ActionFailure({
      code: 'OBJECT_TOO_LARGE',
      message: `${from.bucket}/${key} has ${size} bytes; minio:backup copies objects of at most ${objectBytesMax} (5 GiB). Leave its bucket out of Buckets and copy it by mc mirror`,
    });
  }
  const isSameSize = to.isThere?.bytes === size;
  if (isSameSize) {
    const [source, copy] = await Promise.all([digestOf(from, key), digestOf(to, key)]);
    if (source === undefined) return gone(key);
    if (source.sha256 === copy?.sha256) return { key, ...source, did: 'same' };
  }
  const written = await send(key, from, to, token);
  if (written === undefined) return gone(key);
  const copy = await digestOf(to, key);
  if (copy === undefined || copy.sha256 !== written.sha256 || copy.size !== written.size) {
    throw new ActionFailure({
      code: 'COPY_DIFFERS',
      message: `${to.bucket}/${key} was written to ${to.s3.label} and reads back differently: ${copy === undefined ? 'it is not there' : `${copy.size} bytes with sha256 ${copy.sha256}`}, wanted ${written.size} bytes with sha256 ${written.sha256}`,
      retryable: true,
      effect: 'known',
    });
  }
  if (to.isThere === undefined) return { key, ...written, did: 'copied' };
  return { key, ...written, did: 'updated', ...(isSameSize ? { wasDamaged: true } : {}) };
}

type Digest = Pick<Entry, 'size' | 'sha256'>;
const gone = (key: string): Entry => ({ key, size: 0, sha256: '', did: 'gone' });

/** Undefined: the server says that there is no such object. */
async function digestOf({ s3, bucket }: Place, key: string): Promise<Digest | undefined> {
  const object = await found(s3.get(bucket, key));
  if (object === undefined) return undefined;
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of object.body) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  return { size, sha256: hash.digest('hex') };
}

async function send(key: string, from: Place, to: Place, token: string): Promise<Digest | undefined> {
  const object = await found(from.s3.get(from.bucket, key));
  if (object === undefined) return undefined;
  const size = Number(object.headers['content-length']);
  const headers = Object.fromEntries(Object.entries(object.headers).filter(([name]) => carried.test(name)));
  const hash = createHash('sha256');
  const stream = hashing(object.body, hash);
  await to.s3.put(to.bucket, key, { stream, bytes: size }, { ...headers, [tokenHeader]: token });
  return { size, sha256: hash.digest('hex') };
}

function hashing(body: Readable, hash: ReturnType<typeof createHash>): Readable {
  const through = new Transform({
    transform: (chunk: Buffer, _encoding, callback) => {
      hash.update(chunk);
      callback(null, chunk);
    },
  });
  body.once('error', (error) => through.destroy(error));
  through.once('close', () => body.destroy());
  return body.pipe(through);
}

async function found<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof S3Failure && error.status === 404) return undefined;
    throw error;
  }
}
