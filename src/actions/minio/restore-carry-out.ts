/** A restore step carried out: object by object, or history by history, each kept before it is overwritten. */
import type { Change } from '../../engine/events.ts';
import type { S3Client } from '../../transports/s3/client.ts';
import { S3Failure } from '../../transports/s3/failure.ts';
import { done, failed, pending, type ActionContext, type Poll } from '../define-action.ts';
import { inGroups, nextGroup } from './backup-copying.ts';
import { isBackupFailure } from './backup-failure.ts';
import type { ObjectAt } from './backup-stream.ts';
import { backupToken } from './backup-token.ts';
import { openTarget, type OpenedTarget } from './backup-target.ts';
import { openCluster, type Cluster } from './cluster.ts';
import { windowTrouble } from './healthy-window.ts';
import { Buckets } from './restore-buckets.ts';
import { chosen, isGiven, versionAt, type Chosen } from './restore-choice.ts';
import { listed } from './listed.ts';
import { writtenBucketLocks } from './locks-manifest.ts';
import type { Inputs } from './restore-inputs.ts';
import { Kept } from './restore-kept.ts';
import { comesBackFree, lasting, lockAgain } from './restore-locks.ts';
import { manifestFor } from './restore-manifest.ts';
import { restoreObject } from './restore-object.ts';
import { KeptHistories } from './restore-histories.ts';
import { restoreHistory } from './restore-versions.ts';
import type { VersionEntry } from './versions-manifest.ts';

/** Objects between two looks at the cluster's health. */
const batchObjects = 100;

export type Outputs = {
  readonly Manifest: string;
  readonly Objects: number;
  readonly Restored: number;
  readonly Same: number;
  readonly Deleted: number;
  readonly VersionsRestored: number;
  readonly Bytes: number;
  readonly Kept: string;
};

/** Kept while one runner works; another one begins anew, and finds what was restored as it is to be. */
interface Progress {
  readonly manifest: string;
  readonly chosen: AsyncGenerator<Chosen>;
  readonly buckets: Buckets;
  restored: number;
  same: number;
  deleted: number;
  versions: number;
  bytes: number;
  /** Written by somebody since this restore came by them, and left alone. */
  readonly theirs: string[];
}

export function firstOf(cluster: Cluster, inputs: Inputs): S3Client {
  const [first] = cluster.nodes;
  if (first === undefined) throw new Error('the schema wants at least one host');
  return cluster.s3(first, inputs);
}

export async function carryOut(inputs: Inputs, context: ActionContext): Promise<Poll<Outputs>> {
  using cluster = await openCluster(inputs, context);
  using target = await openTarget(inputs.Target, inputs.Hosts[0] ?? '', context);
  const trouble = await windowTrouble(cluster, inputs, context);
  const token = backupToken(context);
  const memory = context.kept('restore', (): { progress: Progress | undefined } => ({ progress: undefined }));
  const work: Work = {
    target,
    here: firstOf(cluster, inputs),
    kept: new Kept(target.s3, token),
    histories: new KeptHistories(target.s3, token),
  };
  if (trouble !== undefined)
    return failed('UNHEALTHY_WINDOW', `nothing is restored while the cluster is not healthy: ${trouble}`, {
      retryable: true,
      changes: changesOf(memory.progress, work.kept),
    });
  try {
    const progress = (memory.progress ??= await begin(inputs, work, context));
    for (let count = 0; count < batchObjects;) {
      const group = await nextGroup(progress.chosen);
      if (group.length === 0) return await finish(progress, inputs, work);
      await inGroups(group, context.signal, (one, _, signal) =>
        restoreOne(one, progress, { ...work, here: work.here.until(signal) }, context.now()),
      );
      count += group.length;
    }
    const { restored, same, deleted } = progress;
    return pending(50, `${restored + same + deleted} objects are as the manifest says`);
  } catch (error) {
    if (!isBackupFailure(error) || error.code === 'CANCELLED') throw error;
    const isBusy = error instanceof S3Failure && error.isBusy;
    const changes = changesOf(memory.progress, work.kept);
    // A new attempt begins with the first object: what is restored is found as it is to be.
    memory.progress = undefined;
    const perhaps = {
      target: 'minio',
      subject: 'objects',
      from: `kept in ${work.kept.place}`,
      to: 'perhaps restored',
    };
    return failed(isBusy ? 'UNHEALTHY_WINDOW' : error.code, error.message, {
      retryable: error.retryable,
      changes: changes.length > 0 ? changes : [perhaps],
    });
  }
}

interface Work {
  readonly target: OpenedTarget;
  readonly here: S3Client;
  readonly kept: Kept;
  readonly histories: KeptHistories;
}

function changesOf(progress: Progress | undefined, kept: Kept): readonly Change[] {
  const { restored = 0, deleted = 0 } = progress ?? {};
  if (restored + deleted === 0) return [];
  const to = `${restored} restored${deleted === 0 ? '' : `, ${deleted} deleted`}`;
  return [{ target: 'minio', subject: 'objects', from: `kept in ${kept.place}`, to }];
}

async function begin(
  inputs: Inputs,
  { here, target, kept }: Work,
  context: ActionContext,
): Promise<Progress> {
  const manifest = await manifestFor(target.s3, inputs);
  const only = isGiven(inputs.Bucket) ? inputs.Bucket : undefined;
  const buckets = new Buckets(here, kept, await writtenBucketLocks(target.s3, manifest.token, only));
  await buckets.findFree();
  if (buckets.free.length > 0) context.notice(comesBackFree(buckets.free));
  await kept.make();
  return {
    manifest: manifest.place,
    chosen: chosen(inputs, manifest, target),
    buckets,
    restored: 0,
    same: 0,
    deleted: 0,
    versions: 0,
    bytes: 0,
    theirs: [],
  };
}

async function restoreOne(one: Chosen, progress: Progress, work: Work, now: number): Promise<void> {
  const { here, kept, histories, target } = work;
  switch (one.kind) {
    case 'object': {
      const { entry, from, versioning } = one;
      const madeBucket = await progress.buckets.ready(entry.bucket, versioning);
      const to = { s3: here, bucket: entry.bucket, key: entry.key };
      const end = await restoreObject(entry, { from, to, kept, madeBucket });
      if (end === 'theirs') {
        progress.theirs.push(`${entry.bucket}/${entry.key}`);
        return;
      }
      progress[end] += 1;
      const lock = lasting(entry.lock, now);
      if (lock !== undefined && (await progress.buckets.canLock(entry.bucket))) await lockAgain(lock, to);
      progress.bytes += entry.size;
      return;
    }
    case 'deleted': {
      const { bucket, key } = one;
      if ((await here.head(bucket, key)) === undefined) {
        progress.same += 1;
        return;
      }
      if (!(await kept.keep(here, { bucket, key, sha256: '', wrote: null, madeBucket: false }))) {
        progress.theirs.push(`${bucket}/${key}`);
        return;
      }
      await here.remove(bucket, key);
      progress.deleted += 1;
      return;
    }
    case 'history': {
      const { bucket, key, versioning, wanted } = one;
      await progress.buckets.ready(bucket, versioning, { needsVersions: true });
      const placeOf = (entry: VersionEntry): ObjectAt => versionAt(target, entry);
      const hasLock = wanted.some((entry) => lasting(entry.lock, now) !== undefined);
      const locks = hasLock && (await progress.buckets.canLock(bucket));
      const count = await restoreHistory(
        { bucket, key, wanted, locks },
        { here, placeOf, kept: histories, now },
      );
      progress.versions += count;
      if (count === 0) progress.same += 1;
      else progress.restored += 1;
      progress.bytes += wanted.reduce((sum, { size }) => sum + size, 0);
      return;
    }
    default:
      one satisfies never;
  }
}

async function finish(progress: Progress, inputs: Inputs, { kept }: Work): Promise<Poll<Outputs>> {
  const { manifest, restored, same, deleted, versions, bytes, buckets, theirs } = progress;
  const count = restored + same + deleted;
  if (count + theirs.length === 0) {
    const where = [inputs.Bucket, isGiven(inputs.Key) ? inputs.Key : inputs.Prefix].filter(isGiven).join('/');
    return failed(
      'NOT_IN_MANIFEST',
      `${manifest} holds no object${where === '' ? '' : ` ${where}`}; nothing was restored`,
    );
  }
  await buckets.finish();
  if (theirs.length > 0) {
    const what = theirs.length === 1 ? '1 object was' : `${theirs.length} objects were`;
    return failed(
      'CHANGED_MEANWHILE',
      `${what} written by somebody since this restore came by, and left as it is now: ${listed(theirs)}. The ${count} others are as the manifest says. A new run keeps what is there now, and restores over it`,
      { changes: changesOf(progress, kept) },
    );
  }
  const outputs: Outputs = {
    Manifest: manifest,
    Objects: count,
    Restored: restored,
    Same: same,
    Deleted: deleted,
    VersionsRestored: versions,
    Bytes: bytes,
    Kept: restored + deleted === 0 ? '' : kept.place,
  };
  const more = [
    ...(versions === 0 ? [] : [` with ${versions} versions and delete markers`]),
    ...(deleted === 0 ? [] : [`, ${deleted} deleted again`]),
  ].join('');
  return done(outputs, {
    changes: changesOf(progress, kept),
    note: `${restored} restored${more}, ${same} were so already, each proven by sha256, headers and tags; what was overwritten is kept in ${kept.place}${buckets.free.length === 0 ? '' : `; ${comesBackFree(buckets.free)}`}`,
  });
}
