/** The encrypted body: its layout, and that only the right secret opens it. A real MinIO takes it in test/lab/minio-actions.test.ts. */
import { createDecipheriv, pbkdf2Sync } from 'node:crypto';
import { expect, it } from 'vitest';
import { encryptedBody } from '../../../src/actions/minio/encrypted-body.ts';

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
