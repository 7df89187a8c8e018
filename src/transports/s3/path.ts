/** Where buckets and objects stand on an S3 server, and keys as its listings write them. */
import { encoded } from '../http/encoded.ts';

export const bucketPath = (bucket: string): string => `/${encodeURIComponent(bucket)}`;

/** S3 signs what is sent, and encodes all but the unreserved characters of RFC 3986. */
export function objectPath(bucket: string, key: string): string {
  return `${bucketPath(bucket)}/${key.split('/').map(encoded).join('/')}`;
}

/** Of a listing with encoding-type=url, without which XML could not hold every key. */
export const decodedKey = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));
