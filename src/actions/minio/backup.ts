/**
 * minio:backup: every object of every bucket copied to another S3 server, each copy read back and compared by its
 * sha256. It goes on where it was interrupted, deletes nothing at the target, and begins and goes on only while the
 * cluster is healthy: within seconds of a start an object may read as missing. Large objects go in parts, and no upload of
 * parts is left at the target once the backup was resumed or undone.
 *
 * The manifest stands at the target (bucket belay-manifests, under one token for all attempts of the step), written page by
 * page.
 */
import { Type, type Static } from 'typebox';
import { S3Failure } from '../../transports/s3/failure.ts';
import type { S3Client } from '../../transports/s3/client.ts';
import {
  defineAction,
  failed,
  type AnyAction,
  type Failed,
  type Pending,
  type Poll,
  type UndoInputs,
} from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { isBackupFailure } from './backup-failure.ts';
import type { PageCopying } from './backup-copying.ts';
import { Manifest, noTotals, type Totals } from './backup-manifest.ts';
import { outcomeOf, overwritten, restrictions, type Outputs } from './backup-outcome.ts';
import { copyPage } from './backup-page.ts';
import { shippedCut, type Cut } from './backup-parts.ts';
import { begin, type Progress } from './backup-progress.ts';
import { backupToken } from './backup-token.ts';
import { openTarget, targetSchema } from './backup-target.ts';
import { undoBackup } from './backup-undo.ts';
import { beginVersions, copyVersionsPage } from './backup-versions.ts';
import { keyedInputs, openCluster, type Cluster } from './cluster.ts';
import { windowTrouble } from './healthy-window.ts';
import { VersionsManifest } from './versions-manifest.ts';

const inputs = strictObject({
  ...keyedInputs,
  Target: targetSchema,
  Buckets: Type.Optional(
    Type.Array(Type.String({ minLength: 3 }), {
      minItems: 1,
      uniqueItems: true,
      description: 'Left out: all.',
    }),
  ),
  Versions: Type.Optional(
    Type.Boolean({
      default: false,
      description:
        'Also every version and delete marker of buckets that keep them, in the bucket belay-versions at the target; an object that is not deleted stands there once more. What a later backup updates can then still be restored as it was.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

/** With objects cut as given: the tests have none of the size from which it is done. */
export const backupCutting = (cut: Cut): AnyAction =>
  defineAction({
    name: 'minio:backup',
    summary:
      'Copies every object of every bucket to another S3 server, those of 512 MiB and more in parts, and proves each copy by reading it back; deletes nothing there.',
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
    inputs,
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
      Versioned: Type.Integer({
        description:
          'Buckets that keep versions, or did. Without Versions only the latest of each object was copied.',
      }),
      Versions: Type.Integer({ description: 'With Versions: all of them have an equal copy at the target.' }),
      Markers: Type.Integer({ description: 'With Versions: delete markers that were written down.' }),
      VersionsCopied: Type.Integer({ description: 'That the target had not, or had otherwise.' }),
      Manifest: Type.String({
        description: 'Where at the target each object stands with its size and sha256.',
      }),
    }),
    secretInputs: ['AccessKey', 'SecretKey', 'Target.AccessKey', 'Target.SecretKey'],
    timeoutSeconds: 7 * 24 * 3_600,
    permissions: () => [],
    targets: ({ Hosts }) => Hosts,
    hasHostTargets: true,

    effect: {
      kind: 'repeatable',
      execute: async (inputs: Inputs, _before, context): Promise<Poll<Outputs>> => {
        using cluster = await openCluster(inputs, context);
        using target = await openTarget(inputs.Target, inputs.Hosts[0] ?? '', context);
        const token = backupToken(context);
        const manifest = new Manifest(target.s3, token);
        // Another runner reads it from the manifest.
        const memory = context.kept('backup', (): { progress: Progress | undefined } => ({
          progress: undefined,
        }));
        const trouble = await windowTrouble(cluster, inputs, context);
        if (trouble !== undefined) {
          return accounted(
            failed('UNHEALTHY_WINDOW', `no backup while the cluster is not healthy: ${trouble}.`, {
              retryable: true,
            }),
            target.s3,
            manifest,
            memory.progress?.totals,
          );
        }
        const from = sourceOf(cluster, inputs);
        const known = memory.progress;
        const progress = known ?? (await begin(from, target.s3, inputs.Buckets, manifest, context));
        const said = restrictions(progress, inputs);
        if (known === undefined && said.length > 0) context.notice(said.join('; '));
        memory.progress = progress;
        const copying = { from, target, manifest, token, cut, context };
        try {
          const answer = await nextPage(inputs, progress, copying);
          if (answer === undefined) return outcomeOf(progress, inputs, manifest, target.s3);
          return answer.kind === 'failed'
            ? await accounted(answer, target.s3, manifest, progress.totals)
            : answer;
        } catch (error) {
          return await accounted(stopped(error), target.s3, manifest, progress.totals);
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
          return undoBackup(target.s3, [...new Set([backupToken(context), token])]);
        },
      },
    },
  });

export const backup = backupCutting(shippedCut);

/** The objects of each bucket, then, where asked for, the versions. Undefined: all is done. */
async function nextPage(
  { Versions = false }: Inputs,
  progress: Progress,
  copying: PageCopying,
): Promise<Pending | Failed | undefined> {
  const [bucket] = progress.left;
  if (bucket !== undefined) return copyPage(bucket, progress, copying);
  if (!Versions) return undefined;
  const { target, token } = copying;
  progress.versions ??= await beginVersions(progress.versioned, new VersionsManifest(target.s3, token));
  const [versioned] = progress.versions.left;
  return versioned === undefined ? undefined : copyVersionsPage(versioned, progress.versions, copying);
}

/** Throws what is a bug. */
function stopped(error: unknown): Failed {
  if (!isBackupFailure(error) || error.code === 'CANCELLED') throw error;
  const isBusy = error instanceof S3Failure && error.isBusy;
  return failed(isBusy ? 'UNHEALTHY_WINDOW' : error.code, error.message, { retryable: error.retryable });
}

/**
 * What stands at the target by this run, of this attempt or an earlier one, is told with the failure, and the undo knows it. A
 * target that cannot be asked may hold something, so it is told, too.
 */
async function accounted(
  failure: Failed,
  target: S3Client,
  manifest: Manifest,
  totals: Totals = noTotals,
): Promise<Failed> {
  let stands: boolean;
  try {
    stands = !(await target.answers()) || (await manifest.stands());
  } catch (error) {
    if (!isBackupFailure(error)) throw error;
    stands = true;
  }
  if (!stands) return failure;
  return {
    ...failure,
    message: `${failure.message}\nWhat was copied so far stays, and the next attempt goes on there.`,
    changes: [
      { target: target.label, subject: 'backup', from: null, to: `objects as ${manifest.place} says` },
      ...overwritten(totals, target),
    ],
  };
}

/** The first node: one that stops in the middle fails the step, and the health check before it says why. */
function sourceOf(cluster: Cluster, inputs: Inputs): S3Client {
  const [first] = cluster.nodes;
  if (first === undefined) throw new Error('the schema wants at least one host');
  return cluster.s3(first, inputs);
}
