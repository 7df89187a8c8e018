/**
 * The body that MinIO's admin API wants for what holds secrets: encrypted under a key made of the asker's own secret.
 * The format is MinIO's, its parts are Node's: PBKDF2-SHA256 (8192 rounds, 32 bytes) and one AES-256-GCM fragment of
 * at most 16 KiB. Sources: minio/madmin-go encrypt.go (salt, 0x02, nonce, then the stream), secure-io/sio-go (DARE-like
 * fragments: nonce with a counter, associated data 0x80 for the last one and the tag of an empty message).
 */
import { createCipheriv, pbkdf2Sync, randomBytes } from 'node:crypto';

const fragmentBytesMax = 16 * 1024;
const pbkdf2AesGcm = 0x02;

/** Throws RangeError for more than one fragment. */
export function encryptedBody(secretKey: string, body: Uint8Array): Buffer {
  if (body.byteLength > fragmentBytesMax)
    throw new RangeError(`${body.byteLength} bytes are more than a fragment`);
  const [salt, nonce] = [randomBytes(32), randomBytes(8)];
  const key = pbkdf2Sync(secretKey, salt, 8_192, 32, 'sha256');
  const seal = (counter: number, text: Uint8Array, associated: Uint8Array): Buffer => {
    const suffix = Buffer.alloc(4);
    suffix.writeUInt32LE(counter);
    const cipher = createCipheriv('aes-256-gcm', key, Buffer.concat([nonce, suffix])).setAAD(associated);
    return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  };
  const nothing = new Uint8Array();
  const associated = Buffer.concat([Buffer.from([0x80]), seal(0, nothing, nothing)]);
  return Buffer.concat([salt, Buffer.from([pbkdf2AesGcm]), nonce, seal(1, body, associated)]);
}
