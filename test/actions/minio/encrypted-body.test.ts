/** The encrypted body: its layout, and that only the right secret opens it. A real MinIO takes it in test/lab/minio-actions.test.ts. */
import {
  argon2Sync,
  createCipheriv,
  createDecipheriv,
  pbkdf2Sync,
  randomBytes,
  type CipherGCMTypes,
} from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decryptedBody, encryptedBody } from '../../../src/actions/minio/encrypted-body.ts';

/** Read as minio/madmin-go DecryptData does: salt 32, algorithm 1, nonce 8, one fragment with its tag. */
function opened(secret: string, body: Buffer): string {
  const [salt, algorithm, nonce, sealed] = [
    body.subarray(0, 32),
    body[32],
    body.subarray(33, 41),
    body.subarray(41),
  ];
  expect(algorithm).toBe(2);
  const key = pbkdf2Sync(secret, salt, 8_192, 32, 'sha256');
  const at = (counter: number) => Buffer.concat([nonce, Buffer.from([counter, 0, 0, 0])]);
  // The associated data holds the tag of an empty message, which decrypting one to nothing would check too.
  const empty = createDecipheriv('aes-256-gcm', key, at(1));
  const text = empty.update(sealed.subarray(0, -16));
  expect(body.length).toBe(32 + 1 + 8 + text.length + 16);
  return text.toString('utf8');
}

it('holds the text under a key made of the secret', () => {
  const body = encryptedBody('labsecret1', Buffer.from('{"newStatus":"off"}'));
  expect(opened('labsecret1', body)).toBe('{"newStatus":"off"}');
  expect(opened('labsecret2', body)).not.toContain('newStatus');
  expect(body.toString('latin1')).not.toContain('newStatus');
});

it('is another one each time, and refuses what does not fit one fragment', () => {
  const text = Buffer.from('x');
  expect(encryptedBody('s', text).equals(encryptedBody('s', text))).toBe(false);
  expect(() => encryptedBody('s', Buffer.alloc(16 * 1024 + 1))).toThrow(RangeError);
});

/** As minio/madmin-go EncryptData makes it where the machine is not held to FIPS: a key by Argon2id, fragments of 16 KiB. */
function sealed(secret: string, text: Buffer, algorithm: 0 | 1): Buffer {
  const [salt, nonce] = [randomBytes(32), randomBytes(8)];
  const key = argon2Sync('argon2id', {
    message: secret,
    nonce: salt,
    parallelism: 4,
    tagLength: 32,
    memory: 65_536,
    passes: 1,
  });
  // Node types ChaCha20-Poly1305 as no cipher with associated data; it is one.
  const cipher = (algorithm === 0 ? 'aes-256-gcm' : 'chacha20-poly1305') as CipherGCMTypes;
  const fragment = (counter: number, associated: Buffer, part: Buffer): Buffer => {
    const at = Buffer.concat([nonce, Buffer.from([counter, 0, 0, 0])]);
    const made = createCipheriv(cipher, key, at, { authTagLength: 16 }).setAAD(associated);
    return Buffer.concat([made.update(part), made.final(), made.getAuthTag()]);
  };
  const tag = fragment(0, Buffer.alloc(0), Buffer.alloc(0));
  const parts: Buffer[] = [];
  for (let at = 0; at < text.length; at += 16_384) {
    const isLast = at + 16_384 >= text.length;
    const associated = Buffer.concat([Buffer.from([isLast ? 0x80 : 0]), tag]);
    parts.push(fragment(parts.length + 1, associated, text.subarray(at, at + 16_384)));
  }
  return Buffer.concat([salt, Buffer.from([algorithm]), nonce, ...parts]);
}

it('opens what a server answers, of one fragment and of several, and only under the secret of who asked', () => {
  expect(decryptedBody('s', encryptedBody('s', Buffer.from('{}')))?.toString('utf8')).toBe('{}');
  for (const algorithm of [0, 1] as const) {
    const text = randomBytes(40_000);
    const body = sealed('s', text, algorithm);
    expect(decryptedBody('s', body)?.equals(text)).toBe(true);
    expect(decryptedBody('t', body)).toBeUndefined();
    // Without its last fragment it is not whole.
    expect(decryptedBody('s', body.subarray(0, 41 + 2 * 16_400))).toBeUndefined();
  }
});

it('takes no other bytes for such an answer', () => {
  const body = encryptedBody('s', Buffer.from('{"parentUser":"app1"}'));
  for (let at = 0; at < body.length; at += 1) {
    const other = Buffer.from(body);
    other[at] = (other[at] ?? 0) ^ 2;
    expect(decryptedBody('s', other)).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      // Of these none needs the slow key of Argon2id.
      const any = Buffer.from(bytes);
      if (any.length > 32) any[32] = (any[32] ?? 0) | 2;
      expect(decryptedBody('s', any)).toBeUndefined();
    }),
  );
});
