/**
 * The second half of a backup with Versions: every version and delete marker of the buckets that keep them, a page at a
 * time. Each version is copied once, whatever backup comes by it, and proven by its sha256 in every backup.
 */
import type { S3Client } from '../../transports/s3/client.ts';
import {
  versioningOf,
  versionPage,
  versionsOfKey,
  type S3Version,
  type VersionCursor,
  type Versioning,
} from '../../transports/s3/versions.ts';
import { failed, pending, type Failed, type Pending } from '../define-action.ts';
import { copyObject } from './backup-copy.ts';
import { again } from './backup-failure.ts';
import { inGroups, megabytes, type PageCopying } from './backup-copying.ts';
import { UploadRecords } from './backup-uploads.ts';
import {
  placeOf,
  versionsBucket,
  VersionsManifest,
  type VersionEntry,
  type VersionTotals,
} from './versions-manifest.ts';

export interface Versioned {
  readonly bucket: string;
  readonly versioning: Exclude<Versioning, 'off'>;
}

export interface VersionsProgress {
  /** Still to do; the first is the one under way. */
  readonly left: Versioned[];
  after: VersionCursor | undefined;
  part: number;
  totals: VersionTotals;
}

const noTotals: VersionTotals = { versions: 0, markers: 0, bytes: 0, copied: 0 };

function add(one: VersionTotals, other: VersionTotals): VersionTotals {
  return {
    versions: one.versions + other.versions,
    markers: one.markers + other.markers,
    bytes: one.bytes + other.bytes,
    copied: one.copied + other.copied,
  };
}

/** Those of the buckets that keep versions, or did. */
export async function versionedOf(source: S3Client, buckets: readonly string[]): Promise<Versioned[]> {
  const found: Versioned[] = [];
  for (const bucket of buckets) {
    const versioning = await again(source, () => versioningOf(source, bucket));
    if (versioning !== 'off') found.push({ bucket, versioning });
  }
  return found;
}

/** Goes on where an earlier attempt was. */
export async function beginVersions(
  versioned: readonly Versioned[],
  manifest: VersionsManifest,
): Promise<VersionsProgress> {
  const heads = await manifest.heads();
  const through = new Set(heads.filter(({ next }) => next === null).map(({ bucket }) => bucket));
  const left = versioned.filter(({ bucket }) => !through.has(bucket));
  const last = heads.filter(({ bucket }) => bucket === left[0]?.bucket).at(-1);
  return {
    left,
    after: last?.next ?? undefined,
    part: (last?.part ?? 0) + 1,
    totals: heads.reduce((sum, { totals }) => add(sum, totals), noTotals),
  };
}

export async function copyVersionsPage(
  { bucket, versioning }: Versioned,
  progress: VersionsProgress,
  copying: PageCopying,
): Promise<Pending | Failed> {
  const { from, target, manifest, token, cut, context } = copying;
  const { after, part } = progress;
  await new UploadRecords(target.s3, token).sweep();
  const { versions, next } = await again(from, () => versionPage(from, bucket, { after }));
  const there = target.bucket(versionsBucket);
  const page = { bucket, part, of: 'versions' } as const;
  const madeBucket = !(await target.s3.hasBucket(there));
  if (madeBucket) await manifest.writeIntent(page, { bucket: there, madeBucket, keys: [] });
  if (madeBucket) await target.s3.makeBucket(there);
  const objects = versions.filter(({ kind }) => kind === 'object');
  const found = await inGroups(objects, context.signal, (version, _, signal) =>
    again(target.s3.until(signal), () => target.s3.until(signal).head(there, placeOf(bucket, version))),
  );
  const absent = objects.filter((_, index) => found[index] === undefined);
  const keys = absent.map((version) => placeOf(bucket, version));
  await manifest.writeIntent(page, { bucket: there, madeBucket, keys });

  const copied = await inGroups(objects, context.signal, async (version, index, signal) => {
    const s3 = target.s3.until(signal);
    const place = placeOf(bucket, version);
    const headers = found[index];
    const bytesThere = headers === undefined ? undefined : Number(headers['content-length']);
    const entry = await copyObject(version.size, bytesThere, {
      from: { s3: from.until(signal), bucket, key: version.key, versionId: version.id },
      to: { s3, bucket: there, key: place },
      token,
      cut,
      uploads: new UploadRecords(s3, token),
      onPart: (key, number, count) => context.notice(`${bucket}/${key}: part ${number} of ${count}`),
    });
    context.notice(
      `${bucket}: ${progress.totals.versions + index + 1} versions, ${megabytes(progress.totals.bytes)} before this page`,
    );
    return { ...entry, ...factsOf(version), place };
  });
  const lost = await reallyLost(copied, from, bucket);
  if (lost !== undefined) return lost;
  const byPlace = new Map(copied.map((entry) => [entry.place, entry]));
  const entries = versions.map(
    (version): VersionEntry => byPlace.get(placeOf(bucket, version)) ?? markerEntry(version),
  );
  const kept = copied.filter(({ did }) => did !== 'gone');
  const totals: VersionTotals = {
    versions: kept.length,
    markers: versions.length - objects.length,
    bytes: kept.reduce((sum, { size }) => sum + size, 0),
    copied: kept.filter(({ did }) => did !== 'same').length,
  };
  const head = { bucket, part, versioning, totals, next: next ?? null };
  await new VersionsManifest(target.s3, token).write(head, entries);
  progress.totals = add(progress.totals, totals);
  progress.after = next;
  progress.part = next === undefined ? 1 : part + 1;
  if (next === undefined) progress.left.shift();
  return pending(50, `${bucket}: page ${part} of its versions is copied`);
}

const factsOf = ({ kind, id, modifiedAt }: S3Version): Pick<VersionEntry, 'kind' | 'id' | 'modifiedAt'> => ({
  kind,
  id,
  modifiedAt,
});

const markerEntry = (version: S3Version): VersionEntry => ({
  key: version.key,
  ...factsOf(version),
  place: '',
  size: 0,
  sha256: '',
  did: 'same',
});

/** A version that was listed and could not be read was removed meanwhile, unless it is still listed: then nobody knows. */
async function reallyLost(
  copied: readonly VersionEntry[],
  from: S3Client,
  bucket: string,
): Promise<Failed | undefined> {
  for (const { key, id } of copied.filter(({ did }) => did === 'gone')) {
    const standing = await versionsOfKey(from, bucket, key);
    if (!standing.some((version) => version.id === id && version.kind === 'object')) continue;
    return failed(
      'UNDETERMINED',
      `version ${id} of ${bucket}/${key} is listed and cannot be read: it is incomplete, or lost. Nothing was deleted at the target.\nHeal the cluster (minio:heal) and begin again.`,
      { retryable: true },
    );
  }
  return undefined;
}
