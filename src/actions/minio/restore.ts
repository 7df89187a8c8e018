/**
 * minio:restore: objects of a backup brought back into the cluster, by the backup's manifest: one, a prefix, a bucket or all.
 * Each is proven by its sha256, its headers and its tags. What stood under its key is kept at the backup's server first, and
 * the undo puts it back. With `Verify: sample` nothing is written: some copies are read and proven, a drill.
 */
import { Type } from 'typebox';
import type { Change } from '../../engine/events.ts';
import type { JsonObject } from '../../json.ts';
import { S3Failure } from '../../transports/s3/failure.ts';
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
import { isBackupFailure } from './backup-failure.ts';
import type { Manifest } from './backup-manifest.ts';
import { digestOf } from './backup-stream.ts';
import { backupToken } from './backup-token.ts';
import { openTarget, targetSchema, type TargetInputs } from './backup-target.ts';
import { keyedInputs, openCluster, type Cluster, type KeyedInputs } from './cluster.ts';
import { windowTrouble } from './healthy-window.ts';
import { Kept } from './restore-kept.ts';
import { manifestFor } from './restore-manifest.ts';
import { proveEntry, restoreObject, type BackedUp } from './restore-object.ts';
import { sampleOf } from './restore-sample.ts';

/** Objects between two looks at the cluster's health. */
const batchObjects = 100;
const sampleDefault = 100;

type Inputs = KeyedInputs & {
  readonly Target: TargetInputs;
  readonly Manifest?: string;
  readonly At?: string;
  readonly Bucket?: string;
  readonly Prefix?: string;
  readonly Key?: string;
  readonly Verify?: 'all' | 'sample';
  readonly SampleSize?: number;
};
type Outputs = {
  readonly Manifest: string;
  readonly Objects: number;
  readonly Restored: number;
  readonly Same: number;
  readonly Bytes: number;
  readonly Kept: string;
};

/** Kept while one runner works; another one begins anew, and finds what was restored as it is to be. */
interface Progress {
  readonly manifest: string;
  readonly entries: AsyncGenerator<BackedUp>;
  readonly made: Set<string>;
  readonly known: Set<string>;
  restored: number;
  same: number;
  bytes: number;
}
const progressOf = new WeakMap<object, Progress>();

export const restore = defineAction({
  name: 'minio:restore',
  summary:
    'Brings objects of a backup back by its manifest: one, a prefix, a bucket or all; proves each by sha256, headers and tags, and keeps what it overwrites.',
  source: 'https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html',
  example: `
    - name: Restore
      action: minio:restore
      inputs:
        Hosts: [minio01, minio02, minio03, minio04]
        ServerName: minio.example.com
        AccessKey: '{{ AdminKey }}'
        SecretKey: '{{ AdminSecret }}'
        Target:
          Url: https://backup.example.com:9000
          AccessKey: '{{ BackupKey }}'
          SecretKey: '{{ BackupSecret }}'
        Bucket: docs
        Prefix: invoices/2026/`,
  inputs: strictObject({
    ...keyedInputs,
    Target: targetSchema,
    Manifest: Type.Optional(
      Type.String({
        pattern: '^$|^belay-manifests/[A-Za-z0-9-]+/?$',
        description: 'As the backup put it out. Left out or empty: by At.',
      }),
    ),
    At: Type.Optional(
      Type.String({
        pattern: '^$|^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d)?Z$',
        description:
          'The latest backup that had ended by then, as 2026-11-29T06:00Z. Left out or empty: the latest. An object that a later backup has updated is named, and not restored.',
      }),
    ),
    Bucket: Type.Optional(Type.String({ description: 'Left out or empty: every bucket of the manifest.' })),
    Prefix: Type.Optional(Type.String({ description: 'Of the keys.' })),
    Key: Type.Optional(Type.String({ description: 'One object.' })),
    Verify: Type.Optional(
      Type.Union([Type.Literal('all'), Type.Literal('sample')], {
        default: 'all',
        description:
          '`sample`: a drill. Some copies are read at the backup and proven; the cluster is not touched.',
      }),
    ),
    SampleSize: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100_000, default: sampleDefault, description: 'Of a drill.' }),
    ),
  }),
  outputs: strictObject({
    Manifest: Type.String(),
    Objects: Type.Integer({ description: 'That are as the manifest says; in a drill, that were proven.' }),
    Restored: Type.Integer(),
    Same: Type.Integer({ description: 'That were so already, and were not touched.' }),
    Bytes: Type.Integer(),
    Kept: Type.String({
      description: 'Where at the backup what was overwritten is kept; empty: nothing was.',
    }),
  }),
  timeoutSeconds: 7 * 24 * 3_600,
  secretInputs: ['AccessKey', 'SecretKey', 'Target.AccessKey', 'Target.SecretKey'],
  permissions: () => [],
  targets: ({ Hosts }) => Hosts,
  hasHostTargets: true,

  effect: ({ Verify }) =>
    Verify === 'sample'
      ? { kind: 'read', poll: drill }
      : { kind: 'repeatable', execute: (inputs: Inputs, _before, context) => carryOut(inputs, context) },

  undo: ({ Verify }) =>
    Verify === 'sample'
      ? { kind: 'notNeeded' }
      : {
          kind: 'restore',
          effect: {
            kind: 'repeatable',
            execute: async (
              { inputs }: Pick<UndoInputs<Inputs, null, null, Outputs>, 'inputs'>,
              _,
              context,
            ) => {
              using cluster = await openCluster(inputs, context);
              using target = await openTarget(inputs.Target, inputs.Hosts[0] ?? '', context);
              return putBack(new Kept(target.s3, backupToken(context)), firstOf(cluster, inputs), context);
            },
          },
        },
});

const isGiven = (text: string | undefined): text is string => text !== undefined && text !== '';

function isChosen({ Prefix, Key }: Inputs, { key, did }: BackedUp): boolean {
  return did !== 'gone' && (!isGiven(Key) || key === Key) && (!isGiven(Prefix) || key.startsWith(Prefix));
}

async function* chosen(inputs: Inputs, manifest: Manifest): AsyncGenerator<BackedUp> {
  for await (const entry of manifest.entries(isGiven(inputs.Bucket) ? inputs.Bucket : undefined)) {
    if (isChosen(inputs, entry)) yield entry;
  }
}

function firstOf(cluster: Cluster, inputs: Inputs) {
  const [first] = cluster.nodes;
  if (first === undefined) throw new Error('the schema wants at least one host');
  return cluster.s3(first, inputs);
}

function nothingChosen({ Bucket, Prefix, Key }: Inputs, manifest: Manifest): ActionFailure {
  const where = [Bucket, Key ?? Prefix].filter(isGiven).join('/');
  return new ActionFailure({
    code: 'NOT_IN_MANIFEST',
    message: `${manifest.place} holds no object${where === '' ? '' : ` ${where}`}; nothing was restored`,
  });
}

async function drill(inputs: Inputs, context: ActionContext): Promise<Poll<Outputs>> {
  using target = await openTarget(inputs.Target, inputs.Hosts[0] ?? '', context);
  const manifest = await manifestFor(target.s3, inputs);
  const sample = await sampleOf(chosen(inputs, manifest), inputs.SampleSize ?? sampleDefault);
  if (sample.length === 0) throw nothingChosen(inputs, manifest);
  let bytes = 0;
  for (const [index, entry] of sample.entries()) {
    await proveEntry(entry, { s3: target.s3, bucket: target.bucket(entry.bucket) });
    bytes += entry.size;
    context.notice(`${index + 1} of ${sample.length} copies are proven`);
  }
  const outputs = {
    Manifest: manifest.place,
    Objects: sample.length,
    Restored: 0,
    Same: 0,
    Bytes: bytes,
    Kept: '',
  };
  return done(outputs, { note: `${sample.length} copies of ${manifest.place} can be restored, by sha256` });
}

async function carryOut(inputs: Inputs, context: ActionContext): Promise<Poll<Outputs>> {
  using cluster = await openCluster(inputs, context);
  using target = await openTarget(inputs.Target, inputs.Hosts[0] ?? '', context);
  const trouble = await windowTrouble(cluster, inputs, context);
  const kept = new Kept(target.s3, backupToken(context));
  const told = (): readonly Change[] => {
    const { restored = 0 } = progressOf.get(inputs) ?? {};
    return restored === 0
      ? []
      : [{ target: 'minio', subject: 'objects', from: `kept in ${kept.place}`, to: `${restored} restored` }];
  };
  if (trouble !== undefined)
    return failed('UNHEALTHY_WINDOW', `nothing is restored while the cluster is not healthy: ${trouble}`, {
      retryable: true,
      changes: told(),
    });
  const here = firstOf(cluster, inputs);
  try {
    const progress = progressOf.get(inputs) ?? (await begin(inputs, target.s3, kept));
    progressOf.set(inputs, progress);
    for (let count = 0; count < batchObjects; count += 1) {
      const next = await progress.entries.next();
      if (next.done === true) return finish(progress, inputs, kept, told());
      const entry: BackedUp = next.value;
      if (!progress.known.has(entry.bucket)) {
        if (!(await here.hasBucket(entry.bucket))) {
          await here.makeBucket(entry.bucket);
          progress.made.add(entry.bucket);
        }
        progress.known.add(entry.bucket);
      }
      const did = await restoreObject(entry, {
        from: { s3: target.s3, bucket: target.bucket(entry.bucket) },
        to: { s3: here, bucket: entry.bucket },
        kept,
        madeBucket: progress.made.has(entry.bucket),
      });
      if (did === 'restored') progress.restored += 1;
      else progress.same += 1;
      progress.bytes += entry.size;
    }
    return pending(50, `${progress.restored + progress.same} objects are as the manifest says`);
  } catch (error) {
    if (!isBackupFailure(error) || error.code === 'CANCELLED') throw error;
    const isBusy = error instanceof S3Failure && error.isBusy;
    // A new attempt begins with the first object: what is restored is found as it is to be.
    progressOf.delete(inputs);
    return failed(isBusy ? 'UNHEALTHY_WINDOW' : error.code, error.message, {
      retryable: error.retryable,
      changes: [
        ...(told().length > 0
          ? told()
          : [{ target: 'minio', subject: 'objects', from: `kept in ${kept.place}`, to: 'perhaps restored' }]),
      ],
    });
  }
}

async function begin(
  inputs: Inputs,
  there: Parameters<typeof manifestFor>[0],
  kept: Kept,
): Promise<Progress> {
  const manifest = await manifestFor(there, inputs);
  await kept.make();
  return {
    manifest: manifest.place,
    entries: chosen(inputs, manifest),
    made: new Set(),
    known: new Set(),
    restored: 0,
    same: 0,
    bytes: 0,
  };
}

function finish(progress: Progress, inputs: Inputs, kept: Kept, changes: readonly Change[]): Poll<Outputs> {
  const { manifest, restored, same, bytes } = progress;
  if (restored + same === 0) {
    const where = [inputs.Bucket, isGiven(inputs.Key) ? inputs.Key : inputs.Prefix].filter(isGiven).join('/');
    return failed(
      'NOT_IN_MANIFEST',
      `${manifest} holds no object${where === '' ? '' : ` ${where}`}; nothing was restored`,
    );
  }
  return done(
    {
      Manifest: manifest,
      Objects: restored + same,
      Restored: restored,
      Same: same,
      Bytes: bytes,
      Kept: restored === 0 ? '' : kept.place,
    },
    {
      changes,
      note: `${restored} restored, ${same} were so already, each proven by sha256, headers and tags; what was overwritten is kept in ${kept.place}`,
    },
  );
}

/** Only what still is what the restore put there. May be told again after a crash: what is kept goes last. */
async function putBack(
  kept: Kept,
  here: ReturnType<typeof firstOf>,
  context: ActionContext,
): Promise<Poll<JsonObject>> {
  let [back, removed] = [0, 0];
  const others: string[] = [];
  const made = new Set<string>();
  for await (const record of kept.records()) {
    const { bucket, key, sha256, was, madeBucket } = record;
    if (madeBucket) made.add(bucket);
    const now = await digestOf({ s3: here, bucket }, key);
    if (now?.sha256 !== sha256) {
      if (now !== undefined) others.push(`${bucket}/${key}`);
      continue;
    }
    if (was === 'kept') {
      await kept.putBack(here, record);
      back += 1;
    } else {
      await here.remove(bucket, key);
      removed += 1;
    }
    context.notice(`${back + removed} objects are as before`);
  }
  for (const bucket of made) {
    if ((await here.hasBucket(bucket)) && (await here.page(bucket)).objects.length === 0)
      await here.removeBucket(bucket);
  }
  await kept.remove();
  const changes: Change[] =
    back + removed === 0
      ? []
      : [
          {
            target: 'minio',
            subject: 'objects',
            from: 'restored',
            to: `${back} as before, ${removed} removed`,
          },
        ];
  return done(
    {},
    {
      changes,
      ...(others.length === 0
        ? {}
        : {
            note: `${others.length} were left as they are, because somebody has written them since: ${others.slice(0, 5).join(', ')}`,
          }),
    },
  );
}
