/**
 * The bodies of MinIO's admin API that hold secrets: encrypted under a key made of the asker's own secret. The format is
 * MinIO's, its parts are Node's: a key of 32 bytes (PBKDF2-SHA256 of 8192 rounds, or Argon2id of one pass over 64 MiB in four
 * lanes) and fragments of at most 16 KiB under AES-256-GCM or ChaCha20-Poly1305. Sources: minio/madmin-go encrypt.go (salt, a byte
 * for the algorithm, nonce, then the stream), secure-io/sio-go (DARE-like fragments: nonce with a counter, associated data of
 * 0x80 for the last one, else 0, and the tag of an empty message).
 */
import {
  argon2Sync,
  createCipheriv,
  createDecipheriv,
  pbkdf2Sync,
  randomBytes,
  type CipherGCMTypes,
} from 'node:crypto';

const fragmentBytesMax = 16 * 1024;
const pbkdf2AesGcm = 0x02;
const saltBytes = 32;
const nonceBytes = 8;
const headBytes = saltBytes + 1 + nonceBytes;
const tagBytes = 16;

type Cipher = CipherGCMTypes | 'chacha20-poly1305';

/** Throws RangeError for more than one fragment. */
export function encryptedBody(secretKey: string, body: Uint8Array): Buffer {
  if (body.byteLength > fragmentBytesMax)
    throw new RangeError(`${body.byteLength} bytes are more than a fragment`);
  const [salt, nonce] = [randomBytes(saltBytes), randomBytes(nonceBytes)];
  const key = slowKey(secretKey, salt);
  const seal = (counter: number, text: Uint8Array, associated: Uint8Array): Buffer => {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(nonce, counter)).setAAD(associated);
    return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  };
  const nothing = new Uint8Array();
  const associated = Buffer.concat([Buffer.from([0x80]), seal(0, nothing, nothing)]);
  return Buffer.concat([salt, Buffer.from([pbkdf2AesGcm]), nonce, seal(1, body, associated)]);
}

/** What the server's own answer holds. Undefined: it is no such body, or was made under another secret. */
export function decryptedBody(secretKey: string, body: Buffer): Buffer | undefined {
  const [salt, nonce] = [body.subarray(0, saltBytes), body.subarray(saltBytes + 1, headBytes)];
  const made = body.length < headBytes + tagBytes ? undefined : keyOf(body[saltBytes], secretKey, salt);
  if (made === undefined) return undefined;
  const { cipher, key } = made;
  const options = { authTagLength: tagBytes };
  const empty = createCipheriv(cipher as CipherGCMTypes, key, nonceOf(nonce, 0), options);
  empty.final();
  const emptyTag = empty.getAuthTag();
  const texts: Buffer[] = [];
  for (let at = headBytes, counter = 1; at < body.length; counter += 1) {
    const sealed = body.subarray(at, at + fragmentBytesMax + tagBytes);
    at += sealed.length;
    if (sealed.length < tagBytes) return undefined;
    const isLast = at >= body.length;
    const associated = Buffer.concat([Buffer.from([isLast ? 0x80 : 0]), emptyTag]);
    const text = sealed.length - tagBytes;
    const opening = createDecipheriv(cipher as CipherGCMTypes, key, nonceOf(nonce, counter), options)
      .setAAD(associated)
      .setAuthTag(sealed.subarray(text));
    texts.push(opening.update(sealed.subarray(0, text)));
    try {
      opening.final();
    } catch {
      return undefined;
    }
  }
  return Buffer.concat(texts);
}

const slowKey = (secretKey: string, salt: Uint8Array): Buffer =>
  pbkdf2Sync(secretKey, salt, 8_192, 32, 'sha256');

function keyOf(
  algorithm: number | undefined,
  secretKey: string,
  salt: Buffer,
): { readonly cipher: Cipher; readonly key: Buffer } | undefined {
  if (algorithm === pbkdf2AesGcm) return { cipher: 'aes-256-gcm', key: slowKey(secretKey, salt) };
  if (algorithm !== 0x00 && algorithm !== 0x01) return undefined;
  const cost = { parallelism: 4, tagLength: 32, memory: 64 * 1024, passes: 1 };
  const key = argon2Sync('argon2id', { message: secretKey, nonce: salt, ...cost });
  return { cipher: algorithm === 0x00 ? 'aes-256-gcm' : 'chacha20-poly1305', key };
}

function nonceOf(nonce: Uint8Array, counter: number): Buffer {
  const suffix = Buffer.alloc(4);
  suffix.writeUInt32LE(counter);
  return Buffer.concat([nonce, suffix]);
}
