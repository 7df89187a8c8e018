/** Versions and delete markers of S3 buckets, whether a bucket keeps them, and how long it must. */
import type { S3Client } from './client.ts';
import { S3Failure } from './failure.ts';
import { bucketPath, decodedKey } from './path.ts';

/** `off`: never switched on; `suspended`: what was kept before is still there. */
export type Versioning = 'off' | 'enabled' | 'suspended';

export interface S3Version {
  readonly kind: 'object' | 'marker';
  readonly key: string;
  /** `null`: from when the bucket kept no versions. */
  readonly id: string;
  readonly isLatest: boolean;
  /** ISO 8601, by the server's clock. */
  readonly modifiedAt: string;
  /** Of a marker 0. */
  readonly size: number;
  /** Without its quotes; of a marker empty. */
  readonly etag: string;
}

export async function versioningOf(s3: S3Client, bucket: string): Promise<Versioning> {
  const send = { method: 'GET', query: { versioning: '' } } as const;
  const reply = await s3.xml(bucketPath(bucket), send, 'VersioningConfiguration');
  const status = reply.text('Status');
  return status === 'Enabled' ? 'enabled' : status === 'Suspended' ? 'suspended' : 'off';
}

/** For how many days each new version is kept from being deleted; undefined: the bucket has no such default. */
export async function lockDaysOf(s3: S3Client, bucket: string): Promise<number | undefined> {
  try {
    const send = { method: 'GET', query: { 'object-lock': '' } } as const;
    const reply = await s3.xml(bucketPath(bucket), send, 'ObjectLockConfiguration');
    const retention = reply.one('Rule')?.one('DefaultRetention');
    if (retention === undefined) return undefined;
    const years = retention.text('Years');
    return years === '' ? Number(retention.text('Days')) : Number(years) * 365;
  } catch (error) {
    if (error instanceof S3Failure && error.code === 'ObjectLockConfigurationNotFoundError') return undefined;
    throw error;
  }
}

/** Every version and marker, page by page, in the order of their keys: memory does not grow with their number. */
export async function* versionsOf(s3: S3Client, bucket: string, prefix = ''): AsyncGenerator<S3Version> {
  let after: Readonly<Record<string, string>> = {};
  for (;;) {
    const query = { versions: '', 'encoding-type': 'url', ...(prefix === '' ? {} : { prefix }), ...after };
    const reply = await s3.xml(bucketPath(bucket), { method: 'GET', query }, 'ListVersionsResult');
    const isEncoded = reply.text('EncodingType') === 'url';
    const keyIn = (text: string): string => (isEncoded ? decodedKey(text) : text);
    for (const [name, kind] of [
      ['Version', 'object'],
      ['DeleteMarker', 'marker'],
    ] as const) {
      for (const entry of reply.all(name)) {
        yield {
          kind,
          key: keyIn(entry.text('Key')),
          id: entry.text('VersionId') || 'null',
          isLatest: entry.text('IsLatest') === 'true',
          modifiedAt: entry.text('LastModified'),
          size: kind === 'marker' ? 0 : Number(entry.text('Size')),
          etag: entry.text('ETag').replaceAll('"', ''),
        };
      }
    }
    const [key, id] = [reply.text('NextKeyMarker'), reply.text('NextVersionIdMarker')];
    if (reply.text('IsTruncated') !== 'true' || key === '') return;
    after = { 'key-marker': keyIn(key), ...(id === '' ? {} : { 'version-id-marker': id }) };
  }
}
