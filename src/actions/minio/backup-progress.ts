/** Where a backup stands: kept while one runner works, read from the manifest by the next one. */
import type { S3Client } from '../../transports/s3/client.ts';
import { ActionFailure, type ActionContext } from '../define-action.ts';
import { addTotals, noTotals, type Manifest, type Totals } from './backup-manifest.ts';
import { seesEveryBucket } from './sees-every-bucket.ts';
import { carryLocks, type Locks } from './backup-locks.ts';
import { versionedOf, type Versioned, type VersionsProgress } from './backup-versions.ts';

export interface Progress {
  totals: Totals;
  onlyAtTarget: number;
  buckets: number;
  /** Names still to do; the first is the one under way. */
  left: string[];
  after: string;
  part: number;
  /** Of the bucket under way. */
  bucketTotals: Totals;
  /** Buckets that keep versions, or did. */
  readonly versioned: readonly Versioned[];
  readonly locks: Locks;
  /** There may be buckets that the cluster does not list to this key. */
  readonly mayMissBuckets: boolean;
  /** Undefined: not begun. */
  versions: VersionsProgress | undefined;
}

const namesShown = 10;

/** `target` holds the manifest. `wanted`: undefined: every bucket of the source. Rejects with ActionFailure NO_SUCH_BUCKET. */
export async function begin(
  source: S3Client,
  target: S3Client,
  wanted: readonly string[] | undefined,
  manifest: Manifest,
  context: ActionContext,
): Promise<Progress> {
  await manifest.make();
  const all = await source.buckets();
  const unknown = wanted?.find((bucket) => !all.includes(bucket));
  if (unknown !== undefined) {
    throw new ActionFailure({
      code: 'NO_SUCH_BUCKET',
      message: `the cluster has no bucket ${unknown}; it has ${all.slice(0, namesShown).join(', ') || 'none'}. Nothing was copied`,
    });
  }
  const buckets = wanted ?? all;
  const mayMissBuckets = wanted === undefined && !(await seesEveryBucket(source));
  const versioned = await versionedOf(source, buckets);
  const names = versioned.map(({ bucket }) => bucket);
  const locks = await carryLocks(source, names, { target, token: manifest.token });
  const heads = await manifest.heads();
  const finished = new Set(heads.filter(({ isLast }) => isLast).map(({ bucket }) => bucket));
  const left = buckets.filter((bucket) => !finished.has(bucket));
  const underWay = heads.filter(({ bucket }) => bucket === left[0]);
  const last = underWay.at(-1);
  if (heads.length > 0) context.notice(`${heads.length} parts of the manifest stand; going on behind them`);
  return {
    totals: heads.reduce((sum, { totals }) => addTotals(sum, totals), noTotals),
    onlyAtTarget: 0,
    buckets: buckets.length,
    left,
    after: last?.lastKey ?? '',
    part: (last?.part ?? 0) + 1,
    bucketTotals: underWay.reduce((sum, { totals }) => addTotals(sum, totals), noTotals),
    versioned,
    locks,
    mayMissBuckets,
    versions: undefined,
  };
}

export function endPage(progress: Progress, lastKey: string, totals: Totals): void {
  progress.totals = addTotals(progress.totals, totals);
  progress.bucketTotals = addTotals(progress.bucketTotals, totals);
  progress.after = lastKey;
  progress.part += 1;
}

export function endBucket(progress: Progress, onlyAtTarget: number): void {
  progress.onlyAtTarget += onlyAtTarget;
  progress.left.shift();
  progress.after = '';
  progress.part = 1;
  progress.bucketTotals = noTotals;
}
