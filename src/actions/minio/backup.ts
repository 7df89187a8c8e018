/**
 * minio:backup: every object of every bucket copied to another S3 server, each copy read back and compared by its
 * sha256. It goes on where it was interrupted, deletes nothing at the target, and begins and goes on only while the
 * cluster is healthy: within seconds of a start an object may read as missing.
 *
 * The manifest stands at the target (bucket belay-manifests, under the step's token), written page by page.
 */
import { Type } from 'typebox';
import { HostFailure } from '../../transports/host.ts';
import { HttpFailure } from '../../transports/http/failure.ts';
import { S3Failure } from '../../transports/s3/failure.ts';
import type { S3Client, S3Object } from '../../transports/s3/client.ts';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  pending,
  type ActionContext,
  type Poll,
  type UndoInputs,
} from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { again, copyNamed } from './backup-copy.ts';
import { addTotals, Manifest, noTotals, totalsOf, type Entry, type Totals } from './backup-manifest.ts';
import { openTarget, targetSchema, type OpenedTarget, type TargetInputs } from './backup-target.ts';
import { undoBackup } from './backup-undo.ts';
import {
  clusterInputs,
  keyInputs,
  openCluster,
  type Cluster,
  type ClusterInputs,
  type KeyInputs,
} from './cluster.ts';
import { windowTrouble } from './healthy-window.ts';

/** How many objects are under way at once. */
const atOnceMax = 4;
const namesShown = 10;

type Inputs = ClusterInputs &
  KeyInputs & { readonly Target: TargetInputs; readonly Buckets?: readonly string[] };
type Outputs = {
  readonly Buckets: number;
  readonly Objects: number;
  readonly Bytes: number;
  readonly Copied: number;
  readonly Updated: number;
  readonly SameSizeOtherContent: number;
  readonly OnlyAtTarget: number;
  readonly Manifest: string;
};

/** Kept while one runner works; another one reads it from the manifest. */
interface Progress {
  totals: Totals;
  onlyAtTarget: number;
  buckets: number;
  /** Names still to do; the first is the one under way. */
  left: string[];
  after: string;
  part: number;
  /** Of the bucket under way. */
  bucketTotals: Totals;
}
const progressOf = new WeakMap<object, Progress>();

export const backup = defineAction({
  name: 'minio:backup',
  summary:
    'Copies every object of every bucket to another S3 server, and proves each copy by reading it back; deletes nothing there.',
  source: 'https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html',
  example: `
    - name: Backup
      action: minio:backup
      inputs:
        Hosts: [minio01, minio02, minio03, minio04]
        ServerName: minio.example.com
        AccessKey: '{{ AdminKey }}'
        SecretKey: '{{ AdminSecret }}'
        Target:
          Url: https://backup.example.com:9000
          AccessKey: '{{ BackupKey }}'
          SecretKey: '{{ BackupSecret }}'`,
  inputs: strictObject({
    ...clusterInputs,
    ...keyInputs,
    Target: targetSchema,
    Buckets: Type.Optional(
      Type.Array(Type.String({ minLength: 3 }), {
        minItems: 1,
        uniqueItems: true,
        description: 'Left out: all.',
      }),
    ),
  }),
  outputs: strictObject({
    Buckets: Type.Integer(),
    Objects: Type.Integer({ description: 'All have an equal copy at the target.' }),
    Bytes: Type.Integer(),
    Copied: Type.Integer({ description: 'That the target had not.' }),
    Updated: Type.Integer({ description: 'That the target had otherwise.' }),
    SameSizeOtherContent: Type.Integer({
      description: 'Of the updated: those of equal size, which no comparison by size would have found.',
    }),
    OnlyAtTarget: Type.Integer({ description: 'Objects that the cluster has not (any more). They stay.' }),
    Manifest: Type.String({
      description: 'Where at the target each object stands with its size and sha256.',
    }),
  }),
  timeoutSeconds: 7 * 24 * 3_600,
  permissions: () => [],
  targets: ({ Hosts }) => Hosts,
  hasHostTargets: true,

  effect: {
    kind: 'repeatable',
    execute: async (inputs: Inputs, _before, context): Promise<Poll<Outputs>> => {
      using cluster = await openCluster(inputs, context);
      using target = await openTarget(inputs.Target, inputs.Hosts[0] ?? '', context);
      const trouble = await windowTrouble(cluster, inputs, context);
      if (trouble !== undefined) {
        return failed(
          'UNHEALTHY_WINDOW',
          `no backup while the cluster is not healthy: ${trouble}.\nWhat was copied so far stays, and the next run goes on there.`,
          { retryable: true },
        );
      }
      const manifest = new Manifest(target.s3, context.token);
      const progress = progressOf.get(inputs) ?? (await begin(inputs, cluster, manifest, context));
      progressOf.set(inputs, progress);
      const [bucket] = progress.left;
      if (bucket === undefined) return finish(progress, manifest);
      try {
        return await copyPage(bucket, progress, {
          from: sourceOf(cluster, inputs),
          target,
          manifest,
          context,
        });
      } catch (error) {
        return stopped(error, target.s3, manifest);
      }
    },
  },

  undo: {
    kind: 'restorePoint',
    effect: {
      kind: 'repeatable',
      execute: async (
        { inputs, token }: Pick<UndoInputs<Inputs, null, null, Outputs>, 'inputs' | 'token'>,
        _,
        context,
      ) => {
        using target = await openTarget(inputs.Target, inputs.Hosts[0] ?? '', context);
        return undoBackup(target.s3, token);
      },
    },
  },
});

/** The request that failed may never have been sent; what was copied before it stays, and the undo knows what. Throws what is a bug. */
function stopped(error: unknown, target: S3Client, manifest: Manifest): Poll<Outputs> {
  const isOurs = error instanceof S3Failure || error instanceof HttpFailure || error instanceof ActionFailure;
  if (!isOurs && !(error instanceof HostFailure)) throw error;
  if (error.code === 'CANCELLED') throw error;
  const isBusy = error instanceof S3Failure && error.isBusy;
  return failed(
    isBusy ? 'UNHEALTHY_WINDOW' : error.code,
    `${error.message}\nWhat was copied so far stays, and the next run goes on there.`,
    {
      retryable: error.retryable,
      changes: [
        { target: target.label, subject: 'backup', from: null, to: `objects as ${manifest.place} says` },
      ],
    },
  );
}

/** The first node: one that stops in the middle fails the step, and the health check before it says why. */
function sourceOf(cluster: Cluster, inputs: Inputs): S3Client {
  const [first] = cluster.nodes;
  if (first === undefined) throw new Error('the schema wants at least one host');
  return cluster.s3(first, inputs);
}

async function begin(
  inputs: Inputs,
  cluster: Cluster,
  manifest: Manifest,
  context: ActionContext,
): Promise<Progress> {
  await manifest.make();
  const all = await sourceOf(cluster, inputs).buckets();
  const unknown = inputs.Buckets?.find((bucket) => !all.includes(bucket));
  if (unknown !== undefined) {
    throw new ActionFailure({
      code: 'NO_SUCH_BUCKET',
      message: `the cluster has no bucket ${unknown}; it has ${all.slice(0, namesShown).join(', ') || 'none'}. Nothing was copied`,
    });
  }
  const wanted = inputs.Buckets ?? all;
  const heads = await manifest.heads();
  const finished = new Set(heads.filter(({ isLast }) => isLast).map(({ bucket }) => bucket));
  const left = wanted.filter((bucket) => !finished.has(bucket));
  const last = heads.filter(({ bucket }) => bucket === left[0]).at(-1);
  if (heads.length > 0) context.notice(`${heads.length} parts of the manifest stand; going on behind them`);
  const bucketTotals = heads
    .filter(({ bucket }) => bucket === left[0])
    .reduce((sum, { totals }) => addTotals(sum, totals), noTotals);
  return {
    totals: heads.reduce((sum, { totals }) => addTotals(sum, totals), noTotals),
    onlyAtTarget: 0,
    buckets: wanted.length,
    left,
    after: last?.lastKey ?? '',
    part: (last?.part ?? 0) + 1,
    bucketTotals,
  };
}

interface Copying {
  readonly from: S3Client;
  readonly target: OpenedTarget;
  readonly manifest: Manifest;
  readonly context: ActionContext;
}

async function copyPage(bucket: string, progress: Progress, copying: Copying): Promise<Poll<Outputs>> {
  const { from, target, manifest, context } = copying;
  const { objects, isLast } = await from.page(bucket, { after: progress.after });
  const there = target.bucket(bucket);
  const { part } = progress;
  const madeBucket = !(await target.s3.hasBucket(there));
  if (madeBucket) await manifest.writeIntent({ bucket, part }, { bucket: there, madeBucket, keys: [] });
  if (madeBucket) await target.s3.makeBucket(there);
  const found = await inGroups(objects, (object) => again(() => target.s3.head(there, object.key)));
  const absent = objects.filter((_, index) => found[index] === undefined).map(({ key }) => key);
  await manifest.writeIntent({ bucket, part }, { bucket: there, madeBucket, keys: absent });

  let bytes = 0;
  const entries = await inGroups(objects, async (object, index) => {
    const headers = found[index];
    const isThere = headers === undefined ? undefined : { bytes: Number(headers['content-length']) };
    const to = { s3: target.s3, bucket: there, isThere };
    const entry = await copyNamed(object, { s3: from, bucket }, to, context.token);
    bytes += entry.size;
    context.notice(
      `${bucket}: ${progress.bucketTotals.objects + index + 1} objects, ${megabytes(progress.totals.bytes + bytes)} in all`,
    );
    return entry;
  });
  const lost = await reallyLost(entries, from, bucket);
  if (lost !== undefined) return lost;
  const totals = totalsOf(entries);
  const lastKey = objects.at(-1)?.key ?? progress.after;
  await manifest.writePart({ bucket, part, lastKey, isLast, totals }, entries);
  progress.totals = addTotals(progress.totals, totals);
  progress.bucketTotals = addTotals(progress.bucketTotals, totals);
  progress.after = lastKey;
  progress.part += 1;
  return isLast
    ? endBucket(bucket, there, progress, target.s3)
    : pending(50, `${bucket}: page ${part} is copied`);
}

/** An object that was listed and could not be read was deleted meanwhile, unless it is still listed: then nobody knows. */
async function reallyLost(
  entries: readonly Entry[],
  from: S3Client,
  bucket: string,
): Promise<Poll<Outputs> | undefined> {
  for (const { key } of entries.filter(({ did }) => did === 'gone')) {
    const { objects } = await from.page(bucket, { prefix: key });
    if (!objects.some((object) => object.key === key)) continue;
    return failed(
      'UNDETERMINED',
      `${bucket}/${key} is listed and cannot be read: it is incomplete, or lost. Nothing was deleted at the target.\nHeal the cluster (minio:heal) and begin again.`,
      { retryable: true },
    );
  }
  return undefined;
}

/** By count: as many objects as were proven must be listed there. */
async function endBucket(
  bucket: string,
  there: string,
  progress: Progress,
  target: S3Client,
): Promise<Poll<Outputs>> {
  let count = 0;
  for await (const _ of target.objects(there)) count += 1;
  const { objects } = progress.bucketTotals;
  if (count < objects) {
    return failed(
      'COUNT_MISMATCH',
      `${there} lists ${count} objects at the target, and ${objects} of ${bucket} were proven there`,
      { retryable: true },
    );
  }
  progress.onlyAtTarget += count - objects;
  progress.left.shift();
  progress.after = '';
  progress.part = 1;
  progress.bucketTotals = noTotals;
  return pending(50, `${bucket}: all ${objects} objects are copied`);
}

function finish({ totals, buckets, onlyAtTarget }: Progress, manifest: Manifest): Poll<Outputs> {
  const outputs: Outputs = {
    Buckets: buckets,
    Objects: totals.objects,
    Bytes: totals.bytes,
    Copied: totals.copied,
    Updated: totals.updated,
    SameSizeOtherContent: totals.damaged,
    OnlyAtTarget: onlyAtTarget,
    Manifest: manifest.place,
  };
  const damaged = totals.damaged === 0 ? '' : `, ${totals.damaged} of them of equal size`;
  const updated = totals.updated === 0 ? '' : `, ${totals.updated} updated${damaged}`;
  return done(outputs, {
    restorePoints: [{ id: manifest.place, of: `${buckets} buckets` }],
    note: `${totals.objects} objects (${megabytes(totals.bytes)}) in ${buckets} buckets proven by sha256: ${totals.copied} copied${updated}`,
  });
}

async function inGroups<T>(
  objects: readonly S3Object[],
  work: (object: S3Object, index: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  for (let from = 0; from < objects.length; from += atOnceMax) {
    const group = objects.slice(from, from + atOnceMax);
    results.push(...(await Promise.all(group.map((object, index) => work(object, from + index)))));
  }
  return results;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
