/** Versions and delete markers of S3 buckets, and whether a bucket keeps them. */
import type { S3Client } from './client.ts';
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

/** Where a listing of versions goes on: behind this one. */
export interface VersionCursor {
  readonly key: string;
  /** Empty: behind all versions of the key. */
  readonly id: string;
}

export interface VersionPage {
  /** In the order of their keys; of one key the newest first. */
  readonly versions: readonly S3Version[];
  /** Undefined: there are no more. */
  readonly next: VersionCursor | undefined;
}

/** At most a thousand versions and markers. */
export async function versionPage(
  s3: S3Client,
  bucket: string,
  { prefix = '', after }: { readonly prefix?: string; readonly after?: VersionCursor | undefined } = {},
): Promise<VersionPage> {
  const query = {
    versions: '',
    'encoding-type': 'url',
    ...(prefix === '' ? {} : { prefix }),
    ...(after === undefined ? {} : { 'key-marker': after.key }),
    ...(after === undefined || after.id === '' ? {} : { 'version-id-marker': after.id }),
  };
  const reply = await s3.xml(bucketPath(bucket), { method: 'GET', query }, 'ListVersionsResult');
  const isEncoded = reply.text('EncodingType') === 'url';
  const keyIn = (text: string): string => (isEncoded ? decodedKey(text) : text);
  const entries = (name: string, kind: S3Version['kind']): S3Version[] =>
    reply.all(name).map((entry) => ({
      kind,
      key: keyIn(entry.text('Key')),
      id: entry.text('VersionId') || 'null',
      isLatest: entry.text('IsLatest') === 'true',
      modifiedAt: entry.text('LastModified'),
      size: kind === 'marker' ? 0 : Number(entry.text('Size')),
      etag: entry.text('ETag').replaceAll('"', ''),
    }));
  // The XML has them mixed; by name they come apart, and are put together again.
  const versions = [...entries('Version', 'object'), ...entries('DeleteMarker', 'marker')];
  const [key, id] = [reply.text('NextKeyMarker'), reply.text('NextVersionIdMarker')];
  const isLast = reply.text('IsTruncated') !== 'true' || key === '';
  return { versions: versions.toSorted(byKeyAndAge), next: isLast ? undefined : { key: keyIn(key), id } };
}

function byKeyAndAge(left: S3Version, right: S3Version): number {
  const byKey = Buffer.compare(Buffer.from(left.key), Buffer.from(right.key));
  if (byKey !== 0) return byKey;
  if (left.isLatest !== right.isLatest) return left.isLatest ? -1 : 1;
  return Date.parse(right.modifiedAt) - Date.parse(left.modifiedAt);
}

/** Every version and marker, page by page, in the order of their keys: memory does not grow with their number. */
export async function* versionsOf(s3: S3Client, bucket: string, prefix = ''): AsyncGenerator<S3Version> {
  let after: VersionCursor | undefined;
  do {
    const page: VersionPage = await versionPage(s3, bucket, { prefix, after });
    yield* page.versions;
    after = page.next;
  } while (after !== undefined);
}

/** Of one key, the newest first. */
export async function versionsOfKey(s3: S3Client, bucket: string, key: string): Promise<S3Version[]> {
  const found: S3Version[] = [];
  let after: VersionCursor | undefined;
  do {
    const page: VersionPage = await versionPage(s3, bucket, { prefix: key, after });
    found.push(...page.versions.filter((version) => version.key === key));
    // The key itself comes before all that are longer.
    after = page.next?.key === key ? page.next : undefined;
  } while (after !== undefined);
  return found;
}

export async function putVersioning(
  s3: S3Client,
  bucket: string,
  versioning: Exclude<Versioning, 'off'>,
): Promise<void> {
  const status = versioning === 'enabled' ? 'Enabled' : 'Suspended';
  const body = Buffer.from(
    `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>${status}</Status></VersioningConfiguration>`,
  );
  await s3.ask(bucketPath(bucket), { method: 'PUT', query: { versioning: '' }, body });
}
