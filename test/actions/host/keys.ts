/** Public keys for tests: well formed, and of nobody. */
import { parsePublicKey, type PublicKey } from '../../../src/actions/public-key.ts';

/** An ed25519 key of 32 equal bytes. */
export function blankKey(byte: number, comment = `key-${byte}`): PublicKey {
  const name = Buffer.from('ssh-ed25519');
  const length = (bytes: Buffer) => Buffer.from([0, 0, 0, bytes.length]);
  const bytes = Buffer.alloc(32, byte);
  const body = Buffer.concat([length(name), name, length(bytes), bytes]).toString('base64');
  const key = parsePublicKey(`ssh-ed25519 ${body} ${comment}`);
  if (key === undefined) throw new Error('a blank key is a key');
  return key;
}
