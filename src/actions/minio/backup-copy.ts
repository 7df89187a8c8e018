/** Copies one object to the target and proves the copy by reading it back: size and ETag alone let damage pass. */
import { createHash } from 'node:crypto';
import { HttpFailure } from '../../transports/http/failure.ts';
import { ActionFailure } from '../define-action.ts';
import { again, unlessMissing } from './backup-failure.ts';
import type { Entry } from './backup-manifest.ts';
import { copyInParts, type Cut } from './backup-parts.ts';
import { carriedOf, headersFor, printHeader, printOf, type Carried } from './backup-carried.ts';
import { digestOf, hashing, type Digest, type ObjectAt } from './backup-stream.ts';
import type { UploadRecords } from './backup-uploads.ts';

export interface Copying {
  readonly from: ObjectAt;
  readonly to: ObjectAt;
  readonly token: string;
  readonly cut: Cut;
  readonly uploads: UploadRecords;
  readonly onPart?: (key: string, number: number, count: number) => void;
}

/** `size`: as it was listed. `bytesThere`: the size of what stands at the target under its key; undefined: nothing. */
export async function copyObject(
  size: number,
  bytesThere: number | undefined,
  copying: Copying,
): Promise<Entry> {
  const { from, to } = copying;
  const { key } = from;
  try {
    const isSameSize = bytesThere === size;
    let isSameContent = false;
    if (isSameSize) {
      const [source, copy] = await Promise.all([digestOf(from), digestOf(to)]);
      if (source === undefined) return gone(key);
      isSameContent = source.sha256 === copy?.sha256;
      const carried = await carriedOf(from, source.headers);
      if (isSameContent && (await isCarried(carried, copy?.headers ?? {}, to)))
        return { key, size: source.size, sha256: source.sha256, ...shownOf(carried), did: 'same' };
    }
    const written = await (size < copying.cut.fromBytes ? whole(copying) : inParts(copying));
    if (written === undefined) return gone(key);
    await prove(written, to);
    const { carried, ...digest } = written;
    const entry = { key, ...digest, ...shownOf(carried) };
    if (bytesThere === undefined) return { ...entry, did: 'copied' };
    return { ...entry, did: 'updated', ...(isSameSize && !isSameContent ? { wasDamaged: true } : {}) };
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error;
    const { code, message, retryable, effect } = error;
    throw new HttpFailure({
      code,
      message: `${from.bucket}/${key}: ${message}`,
      retryable,
      effect,
      cause: error,
    });
  }
}

/** In the manifest only where there is something. */
const shownOf = ({ headers, tags, lock }: Carried): Pick<Entry, 'headers' | 'tags' | 'lock'> => ({
  ...(Object.keys(headers).length === 0 ? {} : { headers }),
  ...(tags === '' ? {} : { tags }),
  ...(lock === undefined ? {} : { lock }),
});

/** By the print that the copy has; one that has none, of an earlier version or somebody else's, is compared as it is. */
async function isCarried(
  carried: Carried,
  copy: Readonly<Record<string, string>>,
  to: ObjectAt,
): Promise<boolean> {
  const print = copy[printHeader];
  return printOf(carried) === (print ?? printOf(await carriedOf(to, copy)));
}

type Written = Digest & { readonly carried: Carried };

const gone = (key: string): Entry => ({ key, size: 0, sha256: '', did: 'gone' });

async function prove(written: Digest, to: ObjectAt): Promise<void> {
  const copy = await digestOf(to);
  if (copy?.sha256 === written.sha256 && copy.size === written.size) return;
  throw new ActionFailure({
    code: 'COPY_DIFFERS',
    message: `${to.bucket}/${to.key} was written to ${to.s3.label} and reads back differently: ${copy === undefined ? 'it is not there' : `${copy.size} bytes with sha256 ${copy.sha256}`}, wanted ${written.size} bytes with sha256 ${written.sha256}`,
    retryable: true,
    effect: 'known',
  });
}

async function inParts(copying: Copying): Promise<Written | undefined> {
  const { onPart, ...parts } = copying;
  const written = await copyInParts({
    ...parts,
    ...(onPart === undefined ? {} : { onPart: (number, count) => onPart(copying.from.key, number, count) }),
  });
  return written === 'small' ? whole(copying) : written;
}

function whole({ from, to, token }: Copying): Promise<Written | undefined> {
  return again([from.s3, to.s3], async () => {
    const object = await unlessMissing(from.s3.get(from.bucket, from.key, undefined, from.versionId));
    if (object === undefined) return undefined;
    const size = Number(object.headers['content-length']);
    const hash = createHash('sha256');
    const carried = await carriedOf(from, object.headers);
    const stream = hashing(object.body, hash);
    await to.s3.put(to.bucket, to.key, { stream, bytes: size }, headersFor(carried, token));
    return { size, sha256: hash.digest('hex'), carried };
  });
}
