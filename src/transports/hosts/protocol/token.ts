/** Names on the host: the folder of a token, and the nonce of one request. */
import { createHash, randomBytes } from 'node:crypto';

/** A name that cannot be a path, an option, a hidden file or one of the protocol's own folders. */
const plainName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$/;

/** A plain token is its own folder, which helps whoever looks on the host; any other is represented by its digest. */
export function folderOf(token: string): string {
  return plainName.test(token) ? token : `sha256.${createHash('sha256').update(token).digest('hex')}`;
}

export function newNonce(): string {
  return `belay-${randomBytes(12).toString('hex')}`;
}
