/** What of a backup a restore is about: the objects as their buckets had them, or as their versions had them at a time. */
import type { S3Client } from '../../transports/s3/client.ts';
import type { Versioning } from '../../transports/s3/versions.ts';
import { ActionFailure } from '../define-action.ts';
import type { Manifest } from './backup-manifest.ts';
import type { OpenedTarget } from './backup-target.ts';
import type { ObjectAt } from './backup-stream.ts';
import type { BackedUp } from './restore-object.ts';
import { versionsBucket, VersionsManifest, type VersionEntry } from './versions-manifest.ts';

export interface Choice {
  readonly Bucket?: string;
  readonly Prefix?: string;
  readonly Key?: string;
  readonly AsOf?: string;
  readonly Versions?: boolean;
}

export type Chosen =
  /** One object, or one version, as it is to be. */
  | {
      readonly kind: 'object';
      readonly entry: BackedUp;
      readonly from: ObjectAt;
      readonly versioning: Versioning;
    }
  /** It was deleted at that time. */
  | { readonly kind: 'deleted'; readonly bucket: string; readonly key: string }
  | {
      readonly kind: 'history';
      readonly bucket: string;
      readonly key: string;
      readonly versioning: Versioning;
      /** The oldest first. */
      readonly wanted: readonly VersionEntry[];
    };

export const isGiven = (text: string | undefined): text is string => text !== undefined && text !== '';

export const isByVersions = ({ AsOf, Versions }: Choice): boolean => isGiven(AsOf) || Versions === true;

const isChosen = ({ Prefix, Key }: Choice, key: string): boolean =>
  (!isGiven(Key) || key === Key) && (!isGiven(Prefix) || key.startsWith(Prefix));

/** Rejects with ActionFailure NO_VERSIONS. */
export async function* chosen(
  choice: Choice,
  manifest: Manifest,
  target: OpenedTarget,
): AsyncGenerator<Chosen> {
  const bucket = isGiven(choice.Bucket) ? choice.Bucket : undefined;
  if (isByVersions(choice)) {
    yield* byVersions(choice, bucket, new VersionsManifest(target.s3, manifest.token), target, manifest);
    return;
  }
  for await (const entry of manifest.entries(bucket)) {
    if (entry.did === 'gone' || !isChosen(choice, entry.key)) continue;
    const from = { s3: target.s3, bucket: target.bucket(entry.bucket), key: entry.key };
    yield { kind: 'object', entry, from, versioning: entry.versioning };
  }
}

/** Where the backup's server has a version. */
export const versionAt = (target: OpenedTarget, entry: Pick<VersionEntry, 'place'>): ObjectAt => ({
  s3: target.s3,
  bucket: target.bucket(versionsBucket),
  key: entry.place,
});

async function* byVersions(
  choice: Choice,
  bucket: string | undefined,
  versions: VersionsManifest,
  target: OpenedTarget,
  manifest: Manifest,
): AsyncGenerator<Chosen> {
  if (!(await versions.stands(bucket))) {
    throw new ActionFailure({
      code: 'NO_VERSIONS',
      message: `${manifest.place} holds no versions${bucket === undefined ? '' : ` of ${bucket}`}: it was made without Versions, or the bucket keeps none. Nothing was restored`,
    });
  }
  const until = isGiven(choice.AsOf) ? Date.parse(choice.AsOf) : Infinity;
  for await (const { bucket: of, versioning, key, versions: all } of versions.keys(bucket)) {
    if (!isChosen(choice, key)) continue;
    const then = all.filter(({ modifiedAt, did }) => Date.parse(modifiedAt) <= until && did !== 'gone');
    const [latest] = then;
    // Not written yet at that time.
    if (latest === undefined) continue;
    if (choice.Versions === true)
      yield { kind: 'history', bucket: of, key, versioning, wanted: then.toReversed() };
    else if (latest.kind === 'marker') yield { kind: 'deleted', bucket: of, key };
    else
      yield {
        kind: 'object',
        entry: { ...latest, bucket: of },
        from: versionAt(target, latest),
        versioning,
      };
  }
}

/** For a drill: each copy that a restore would read. */
export async function* copies(
  choice: Choice,
  manifest: Manifest,
  target: OpenedTarget,
): AsyncGenerator<{ readonly entry: BackedUp; readonly from: ObjectAt }> {
  for await (const one of chosen(choice, manifest, target)) {
    if (one.kind === 'object') yield one;
    if (one.kind !== 'history') continue;
    for (const entry of one.wanted)
      if (entry.kind === 'object')
        yield { entry: { ...entry, bucket: one.bucket }, from: versionAt(target, entry) };
  }
}

/** Whether a bucket that is there can take a history. Rejects with ActionFailure KEEPS_NO_VERSIONS. */
export function refuseUnversioned(bucket: string, now: Versioning, s3: S3Client): void {
  if (now === 'enabled') return;
  throw new ActionFailure({
    code: 'KEEPS_NO_VERSIONS',
    message: `${s3.label}: ${bucket} keeps no versions now (${now}), so its history cannot be brought back into it. Switch versioning on for it, or restore without Versions`,
  });
}
