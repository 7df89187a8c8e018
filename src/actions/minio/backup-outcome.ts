/** What a backup says in the end: its outputs, what it left out, and what no rollback brings back. */
import type { Change } from '../../engine/events.ts';
import type { S3Client } from '../../transports/s3/client.ts';
import { done, type Poll } from '../define-action.ts';
import { megabytes } from './backup-copying.ts';
import { aboutLocks } from './backup-locks.ts';
import type { Manifest, Totals } from './backup-manifest.ts';
import type { Progress } from './backup-progress.ts';
import type { Versioned } from './backup-versions.ts';
import { listed } from './listed.ts';

type Asked = { readonly Versions?: boolean };
export type Outputs = {
  readonly Buckets: number;
  readonly Objects: number;
  readonly Bytes: number;
  readonly Copied: number;
  readonly Updated: number;
  readonly SameSizeOtherContent: number;
  readonly OnlyAtTarget: number;
  readonly Versioned: number;
  readonly Versions: number;
  readonly Markers: number;
  readonly VersionsCopied: number;
  readonly Manifest: string;
};

/** Said before anything is copied, and again at the end: what is not there afterwards, or only in the manifest. */
export function restrictions(
  { versioned, locks, mayMissBuckets }: Progress,
  { Versions = false }: Asked,
): readonly string[] {
  const about = aboutLocks(locks);
  return [
    ...(mayMissBuckets ? [notListed] : []),
    ...(versioned.length > 0 && !Versions ? [onlyLatest(versioned)] : []),
    ...(about === undefined ? [] : [about]),
  ];
}

const notListed =
  'buckets that the policy of the access key does not cover are not backed up: the cluster does not list them to it, and nobody can tell whether there are some (allow s3:ListAllMyBuckets, and s3:ListBucket on every bucket)';

const onlyLatest = (versioned: readonly Versioned[]): string =>
  `only the latest version of each object is copied from ${listed(versioned.map(({ bucket }) => bucket))} (Versions: true copies all)`;

/** The undo of a backup removes what it created; what it wrote over nobody has. */
export const overwritten = ({ updated }: Totals, target: S3Client): readonly Change[] =>
  updated === 0
    ? []
    : [
        {
          target: target.label,
          subject: `older state of ${updated} copies`,
          from: 'there',
          to: null,
          isForGood: true,
        },
      ];

export function outcomeOf(
  progress: Progress,
  inputs: Asked,
  manifest: Manifest,
  target: S3Client,
): Poll<Outputs> {
  const { Versions = false } = inputs;
  const { totals, buckets, onlyAtTarget, versioned, versions } = progress;
  const { versions: count = 0, markers = 0, copied = 0 } = versions?.totals ?? {};
  const outputs: Outputs = {
    Buckets: buckets,
    Objects: totals.objects,
    Bytes: totals.bytes,
    Copied: totals.copied,
    Updated: totals.updated,
    SameSizeOtherContent: totals.damaged,
    OnlyAtTarget: onlyAtTarget,
    Versioned: versioned.length,
    Versions: count,
    Markers: markers,
    VersionsCopied: copied,
    Manifest: manifest.place,
  };
  const damaged = totals.damaged === 0 ? '' : `, ${totals.damaged} of them of equal size`;
  const updated =
    totals.updated === 0 ? '' : `, ${totals.updated} updated${damaged} (their older copies are gone)`;
  const kept = [
    ...(Versions
      ? [`${count} versions and ${markers} delete markers of ${versioned.length} buckets, ${copied} copied`]
      : []),
    ...restrictions(progress, inputs),
  ]
    .map((text) => `; ${text}`)
    .join('');
  return done(outputs, {
    changes: overwritten(totals, target),
    restorePoints: [{ id: manifest.place, of: `${buckets} buckets` }],
    note: `${totals.objects} objects (${megabytes(totals.bytes)}) in ${buckets} buckets proven by sha256: ${totals.copied} copied${updated}${kept}`,
  });
}
