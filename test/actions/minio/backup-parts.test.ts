/** Into how many parts src/actions/minio/backup-parts.ts cuts an object, by S3's own limits. */
import { expect, test } from 'vitest';
import { partBytesFor, shippedCut } from '../../../src/actions/minio/backup-parts.ts';
import { partBytesMax, partBytesMin, partsMax } from '../../../src/transports/s3/multipart.ts';

const [mebibyte, gibibyte, tebibyte] = [1024 ** 2, 1024 ** 3, 1024 ** 4];

test.each([
  ['512 MiB', 512 * mebibyte, 64],
  ['600 GiB, in nearly 10,000 of the usual ones', 600 * gibibyte, 64],
  ['5 TiB, MinIO’s largest', 5 * tebibyte, 525],
  ['48 TiB, nearly S3’s largest', 48 * tebibyte, 5034],
])('%s has parts that S3 takes, at most ten thousand', (_, bytes, mebibytes) => {
  const partBytes = partBytesFor(bytes, shippedCut);
  expect(partBytes).toBe(mebibytes * mebibyte);
  expect(Math.ceil(bytes / partBytes)).toBeLessThanOrEqual(partsMax);
  expect(partBytes).toBeGreaterThanOrEqual(partBytesMin);
  expect(partBytes).toBeLessThanOrEqual(partBytesMax);
});

test('what goes in one piece is far below what S3 takes in one', () => {
  expect(shippedCut.fromBytes).toBeLessThan(partBytesMax);
  expect(shippedCut.fromBytes).toBeGreaterThan(shippedCut.partBytes);
});
