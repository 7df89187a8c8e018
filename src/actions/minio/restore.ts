/**
 * minio:restore: objects of a backup brought back into the cluster, by the backup's manifest: one, a prefix, a bucket or all.
 * Each is proven by its sha256, its headers and its tags. What stood under its key is kept at the backup's server first, and
 * the undo puts it back. With `Verify: sample` nothing is written: some copies are read and proven, a drill.
 */
import { Type } from 'typebox';
import {
  ActionFailure,
  defineAction,
  done,
  type ActionContext,
  type Poll,
  type UndoInputs,
} from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import type { Manifest } from './backup-manifest.ts';
import { backupToken } from './backup-token.ts';
import { openTarget } from './backup-target.ts';
import { openCluster } from './cluster.ts';
import { putBack } from './restore-back.ts';
import { carryOut, firstOf, type Outputs } from './restore-carry-out.ts';
import { copies, isGiven } from './restore-choice.ts';
import { restoreInputs, sampleDefault, type Inputs } from './restore-inputs.ts';
import { Kept } from './restore-kept.ts';
import { manifestFor } from './restore-manifest.ts';
import { proveEntry } from './restore-object.ts';
import { sampleOf } from './restore-sample.ts';
import { KeptHistories } from './restore-histories.ts';

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
  inputs: restoreInputs,
  outputs: strictObject({
    Manifest: Type.String(),
    Objects: Type.Integer({ description: 'That are as the manifest says; in a drill, that were proven.' }),
    Restored: Type.Integer(),
    Same: Type.Integer({ description: 'That were so already, and were not touched.' }),
    Deleted: Type.Integer({ description: 'By AsOf: that were deleted at that time, and are deleted again.' }),
    VersionsRestored: Type.Integer({ description: 'With Versions: versions and delete markers.' }),
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
              const token = backupToken(context);
              const keeping = {
                kept: new Kept(target.s3, token),
                histories: new KeptHistories(target.s3, token),
              };
              return putBack(keeping, firstOf(cluster, inputs), context);
            },
          },
        },
});

function nothingChosen({ Bucket, Prefix, Key }: Inputs, manifest: Manifest): ActionFailure {
  const where = [Bucket, isGiven(Key) ? Key : Prefix].filter(isGiven).join('/');
  return new ActionFailure({
    code: 'NOT_IN_MANIFEST',
    message: `${manifest.place} holds no object${where === '' ? '' : ` ${where}`}; nothing was restored`,
  });
}

async function drill(inputs: Inputs, context: ActionContext): Promise<Poll<Outputs>> {
  using target = await openTarget(inputs.Target, inputs.Hosts[0] ?? '', context);
  const manifest = await manifestFor(target.s3, inputs);
  const sample = await sampleOf(copies(inputs, manifest, target), inputs.SampleSize ?? sampleDefault);
  if (sample.length === 0) throw nothingChosen(inputs, manifest);
  let bytes = 0;
  for (const [index, { entry, from }] of sample.entries()) {
    await proveEntry(entry, from);
    bytes += entry.size;
    context.notice(`${index + 1} of ${sample.length} copies are proven`);
  }
  const outputs = {
    Manifest: manifest.place,
    Objects: sample.length,
    Restored: 0,
    Same: 0,
    Deleted: 0,
    VersionsRestored: 0,
    Bytes: bytes,
    Kept: '',
  };
  return done(outputs, { note: `${sample.length} copies of ${manifest.place} can be restored, by sha256` });
}
