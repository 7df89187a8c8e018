/**
 * What goes with an object besides its bytes: the headers that describe it, its user metadata and its tags. The copy has
 * them, too, and the manifest, because not every server keeps all of them; the print of them at the copy tells a later run
 * whether they have changed at the source. Its object lock goes into the manifest alone: a locked copy could not be taken back.
 */
import { createHash } from 'node:crypto';
import type { ObjectAt } from './backup-stream.ts';
import { lockIn, type ObjectLock } from '../../transports/s3/object-lock.ts';
import { tagsOf } from '../../transports/s3/tags.ts';

/** Whose object it is, so that the undo removes nothing that somebody else wrote. */
export const tokenHeader = 'x-amz-meta-belay-token';
/** A SHA-256 of what was carried. */
export const printHeader = 'x-amz-meta-belay-carried';
const carried =
  /^(?:content-type|content-encoding|content-disposition|content-language|cache-control|expires|x-amz-meta-.*)$/;

export interface Carried {
  readonly headers: Readonly<Record<string, string>>;
  /** As a query: `a=b&c=d`; empty: none. */
  readonly tags: string;
  /** For the manifest only: no copy is locked. */
  readonly lock?: ObjectLock;
}

/** `headers`: what GET or HEAD answered. Asks for the tags only where there are some. */
export async function carriedOf(
  { s3, bucket, key, versionId }: ObjectAt,
  headers: Readonly<Record<string, string>>,
): Promise<Carried> {
  const own = Object.entries(headers)
    .filter(([name]) => carried.test(name) && name !== tokenHeader && name !== printHeader)
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
  const lock = lockIn(headers);
  const hasTags = Number(headers['x-amz-tagging-count'] ?? 0) > 0;
  const tags = hasTags ? await tagsOf(s3, bucket, key, versionId) : '';
  return { headers: Object.fromEntries(own), tags, ...(lock === undefined ? {} : { lock }) };
}

export const printOf = ({ headers, tags }: Carried): string =>
  createHash('sha256')
    .update(JSON.stringify([Object.entries(headers), tags]))
    .digest('hex');

/** To be sent with the copy. */
export function headersFor(what: Carried, token: string): Readonly<Record<string, string>> {
  return {
    ...what.headers,
    ...(what.tags === '' ? {} : { 'x-amz-tagging': what.tags }),
    [tokenHeader]: token,
    [printHeader]: printOf(what),
  };
}

/** Of an object that is brought back: as it was, with nothing of Belay's. */
export const headersOf = ({ headers, tags }: Carried): Readonly<Record<string, string>> => ({
  ...headers,
  ...(tags === '' ? {} : { 'x-amz-tagging': tags }),
});
