/** An object on its way from one server to the other, and the sha256 of what passed. */
import { createHash, type Hash } from 'node:crypto';
import { Transform, type Readable } from 'node:stream';
import type { S3Client } from '../../transports/s3/client.ts';
import { again, unlessMissing } from './backup-failure.ts';

/** One object, or one version of it. */
export interface ObjectAt {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
}

export interface Digest {
  readonly size: number;
  readonly sha256: string;
}

/** With the headers that came with the bytes. */
export interface Read extends Digest {
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads the object whole. Undefined: the server says that there is no such object. */
export function digestOf({ s3, bucket, key, versionId }: ObjectAt): Promise<Read | undefined> {
  return again(s3, async () => {
    const object = await unlessMissing(s3.get(bucket, key, undefined, versionId));
    if (object === undefined) return undefined;
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of object.body) {
      hash.update(chunk as Buffer);
      size += (chunk as Buffer).length;
    }
    return { size, sha256: hash.digest('hex'), headers: object.headers };
  });
}

/** The same bytes, which the hash has seen. */
export function hashing(body: Readable, hash: Hash): Readable {
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
