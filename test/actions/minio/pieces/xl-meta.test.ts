/** xl.meta as a real MinIO wrote it on one drive; and whatever else may be found in its place. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { metaBytesIn, versionsIn } from '../../../../src/actions/minio/pieces/xl-meta.ts';

/** 5 bytes, kept in the file itself. */
const inline = Buffer.from(
  'WEwyIAEAAwDGAAABfgMDAcQml8QQAAAAAAAAAAAAAAAAAAAAANMY7Kmn40EVtMQEKpyIdQEGBAzFAVCDpFR5cGUBpVYyT2Jq3gARoklExBAAAAAAAAAAAAAAAAAAAAAApEREaXLEEKIGcCzgW0OsrpsxMJyd8eqmRWNBbGdvAaNFY00Mo0VjTgSnRWNCU2l6ZdIAEAAAp0VjSW5kZXgJpkVjRGlzdNwAEAkKCwwNDg8QAQIDBAUGBwioQ1N1bUFsZ28BqFBhcnROdW1zkQGpUGFydEVUYWdzwKlQYXJ0U2l6ZXORBapQYXJ0QVNpemVzkQWkU2l6ZQWlTVRpbWXTGOypp+NBFbSnTWV0YVN5c4G8eC1taW5pby1pbnRlcm5hbC1pbmxpbmUtZGF0YcQEdHJ1ZadNZXRhVXNygqxjb250ZW50LXR5cGWzYmluYXJ5L29jdGV0LXN0cmVhbaRldGFn2SA1ZDQxNDAyYWJjNGIyYTc2Yjk3MTlkOTExMDE3YzU5MqF2zmlVuQDOt8DIVwGBpG51bGzEIYJPIyKI46YqEGQEqK255kHXpgb+87DIHotOEKttSUT2AA==',
  'base64',
);
/** 3 MB, in a part of its own. */
const inParts = Buffer.from(
  'WEwyIAEAAwDGAAABZwMDAcQml8QQAAAAAAAAAAAAAAAAAAAAANMY7Kmn5rplE8QECSbiigECBAzFATmDpFR5cGUBpVYyT2Jq3gARoklExBAAAAAAAAAAAAAAAAAAAAAApEREaXLEEJ+gQ/WczE4smqVQjfLt3SimRWNBbGdvAaNFY00Mo0VjTgSnRWNCU2l6ZdIAEAAAp0VjSW5kZXgPpkVjRGlzdNwAEA8QAQIDBAUGBwgJCgsMDQ6oQ1N1bUFsZ28BqFBhcnROdW1zkQGpUGFydEVUYWdzwKlQYXJ0U2l6ZXOR0gAtxsCqUGFydEFTaXplc5HSAC3GwKRTaXpl0gAtxsClTVRpbWXTGOypp+a6ZROnTWV0YVN5c4CnTWV0YVVzcoKsY29udGVudC10eXBls2JpbmFyeS9vY3RldC1zdHJlYW2kZXRhZ9kgOTdkZGFhNjBkNjdkNmMyMWM2NmFmZjk1NjlkM2Y2Yjahds5pVbkAzkyD8LE=',
  'base64',
);
const noVersion = '0'.repeat(32);

it('reads how many drives an object needs, and where its parts are', () => {
  expect(versionsIn(inline)).toEqual([expect.objectContaining({ id: noVersion, kind: 'object', data: 12 })]);
  expect(versionsIn(inline)?.[0]).not.toHaveProperty('parts');
  expect(versionsIn(inParts)).toMatchObject([
    { data: 12, parts: { folder: '9fa043f5-9ccc-4e2c-9aa5-508df2eddd28', numbers: [1] } },
  ]);
});

it('needs no more of the file than it says itself', () => {
  const bytes = metaBytesIn(inline) ?? 0;
  expect(bytes).toBeLessThan(inline.byteLength);
  expect(versionsIn(inline.subarray(0, bytes))).toEqual(versionsIn(inline));
  expect(versionsIn(inline.subarray(0, bytes - 1))).toBeUndefined();
});

it('a file that is cut off anywhere, or empty, is damaged', () => {
  const end = metaBytesIn(inParts) ?? 0;
  for (let bytes = 0; bytes < end; bytes += 1)
    expect(versionsIn(inParts.subarray(0, bytes)), `${bytes} bytes`).toBeUndefined();
});

it('whatever the bytes are, they are read or called damaged, and nothing is thrown', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(inParts.byteLength - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      (changes) => {
        const bytes = Buffer.from(inParts);
        for (const [at, value] of changes) bytes[at] = value;
        const versions = versionsIn(bytes);
        expect(versions === undefined || Array.isArray(versions)).toBe(true);
      },
    ),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      versionsIn(Buffer.concat([inParts.subarray(0, 8), bytes]));
    }),
  );
});
