/** ebs:snapshot: all volumes below the mounts of a host, at one moment, as one set of snapshots. */
import { Type } from 'typebox';
import type { JsonObject } from '../../json.ts';
import { objectsIn, textIn } from '../aws/reply.ts';
import { restoring } from '../aws/restoring.ts';
import {
  defineAction,
  done,
  failed,
  pending,
  tokenTagKey,
  type ActionContext,
  type Poll,
  type UndoInputs,
} from '../define-action.ts';
import { readFields } from '../scripts/fields.ts';
import { syncMounts } from '../scripts/volume.ts';
import { HostFailure } from '../../transports/host.ts';
import { strictObject } from '../strict-object.ts';
import { bySnapshotId, byTag, call, deleteSnapshot, listSnapshots, settleMs, type Snapshot } from './ec2.ts';
import { quiesced, thaw } from './quiesce.ts';
import {
  planSnapshot,
  snapshotInputs,
  type SnapshotInputs,
  type SnapshotPlan,
  type VolumeFacts,
} from './snapshot-plan.ts';

/** The first snapshot of a volume of several TiB takes hours. */
const snapshotSecondsMax = 6 * 3_600;

type Handle = {
  readonly SnapshotIds: readonly string[];
  readonly Volumes: readonly VolumeFacts[];
  /** Mounts that stood still; null: nobody asked for it, or it is not known any more. */
  readonly Frozen: readonly string[] | null;
  /** In ms since 1970: for how long "not listed" means "not yet". */
  readonly FoundAt: number;
};
type Outputs = {
  readonly SnapshotIds: readonly string[];
  readonly VolumeIds: readonly string[];
  readonly StartTime: string;
  readonly Snapshots: readonly ({ readonly SnapshotId: string } & VolumeFacts)[];
};
type UndoOf = UndoInputs<SnapshotInputs, null, Handle, Outputs>;
type Found = { readonly Snapshots: readonly { readonly SnapshotId: string; readonly VolumeId: string }[] };

const nullable = <T extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Number>>(type: T) =>
  Type.Union([type, Type.Null()]);

export const snapshot = defineAction({
  name: 'ebs:snapshot',
  summary:
    'Takes snapshots of all volumes below the mounts of a host, or of an instance, at one moment, and waits for them.',
  source: 'https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSnapshots.html',
  example: `
    - name: SnapshotData
      action: ebs:snapshot
      inputs: { Host: db1, Mounts: [/var/lib/postgresql] }`,
  inputs: snapshotInputs,
  outputs: strictObject({
    SnapshotIds: Type.Array(Type.String()),
    VolumeIds: Type.Array(Type.String(), { description: 'In the order of SnapshotIds.' }),
    StartTime: Type.String({ description: 'The instant whose data the set holds.' }),
    Snapshots: Type.Array(
      strictObject({
        SnapshotId: Type.String(),
        VolumeId: Type.String(),
        InstanceId: nullable(Type.String()),
        Device: nullable(Type.String()),
        DeleteOnTermination: Type.Union([Type.Boolean(), Type.Null()]),
        Mounts: Type.Array(Type.String()),
        SizeGiB: Type.Number(),
        VolumeType: Type.String(),
        Iops: nullable(Type.Number()),
        Throughput: nullable(Type.Number()),
        Encrypted: Type.Boolean(),
        KmsKeyId: nullable(Type.String()),
        AvailabilityZone: Type.String(),
      }),
      { description: 'What each is of, and all that a restore has to know of the volume.' },
    ),
  }),
  timeoutSeconds: snapshotSecondsMax,
  permissions: () => [
    'ec2:DescribeVolumes',
    'ec2:DescribeInstances',
    'ec2:CreateSnapshot',
    'ec2:CreateSnapshots',
    'ec2:CreateTags',
    'ec2:DescribeSnapshots',
    'ec2:DeleteSnapshot',
  ],
  targets: ({ Host, InstanceId, VolumeIds }) =>
    (Host ?? InstanceId) ? [Host ?? InstanceId ?? ''] : (VolumeIds ?? []),
  hasHostTargets: false,
  check: (inputs) => {
    const given = (key: string) => inputs[key] !== undefined;
    const wrong = (path: readonly string[], message: string) => [{ code: 'SNAPSHOT_OF_WHAT', path, message }];
    if (!given('Host') && !given('InstanceId') && !given('VolumeIds')) {
      return wrong([], 'ebs:snapshot needs a Host, an InstanceId or VolumeIds');
    }
    if (given('Host') && given('InstanceId'))
      return wrong(['InstanceId'], 'a Host says its instance id itself');
    if (given('Mounts') && given('VolumeIds')) return wrong(['VolumeIds'], 'give either Mounts or VolumeIds');
    if (given('Mounts') && !given('Host')) return wrong(['Mounts'], 'Mounts are those of a Host; give it');
    if (inputs['Quiesce'] === true && !given('Host')) return wrong(['Quiesce'], 'freezing needs a Host');
    return [];
  },

  effect: {
    kind: 'begun',
    settleMs,
    begin: async (inputs: SnapshotInputs, _before, context): Promise<Handle> => {
      const plan = await planSnapshot(inputs, context);
      const host = inputs.Host === undefined ? undefined : context.host(inputs.Host);
      const take = () => createSet(plan, inputs, context);
      if (host === undefined || plan.mounts.length === 0)
        return handleOf(await take(), plan.volumes, null, context);
      if (inputs.Quiesce !== true) {
        await readFields(host, syncMounts(plan.mounts), context, 120_000);
        return handleOf(await take(), plan.volumes, null, context);
      }
      const { value, frozen } = await quiesced(
        host,
        plan.mounts,
        inputs.QuiesceSecondsMax ?? 30,
        context,
        take,
      );
      return handleOf(value, plan.volumes, frozen, context);
    },
    /** CreateSnapshots makes all or none, so any that carry the token are the set. */
    adopt: async (inputs, _before, context) => {
      // Whoever froze the file systems for it may be gone, and nothing waits for them to stand still any more.
      if (inputs.Host !== undefined && inputs.Quiesce === true)
        await thaw(context.host(inputs.Host), context).catch((error: unknown) => {
          if (!(error instanceof HostFailure)) throw error;
          context.notice(`the thaw is not confirmed: ${error.message}`);
        });
      const found = await listSnapshots(context, byTag(tokenTagKey, context.token));
      if (found.length === 0) return { kind: 'absent' };
      const { volumes } = await planSnapshot(inputs, context);
      return { kind: 'running', handle: handleOf(found, volumes, null, context) };
    },
    poll: async (handle: Handle, _inputs, _before, context): Promise<Poll<Outputs>> =>
      standing(handle, await listSnapshots(context, bySnapshotId(handle.SnapshotIds)), context.now()),
  },

  undo: {
    kind: 'restorePoint',
    effect: restoring({
      look: async ({ outputs, handle, token }: UndoOf, context): Promise<Found> => {
        const known = outputs?.SnapshotIds ?? handle?.SnapshotIds;
        const filter = known === undefined ? byTag(tokenTagKey, token) : bySnapshotId(known);
        const listed = await listSnapshots(context, filter);
        return { Snapshots: listed.map(({ id, volumeId }) => ({ SnapshotId: id, VolumeId: volumeId })) };
      },
      /** Asked to delete even what was not listed: a listing may be older than the snapshot. */
      drive: async ({ Snapshots }: Found, { outputs, handle }: UndoOf, context) => {
        const unlisted = (outputs?.SnapshotIds ?? handle?.SnapshotIds ?? []).filter(
          (id) => !Snapshots.some(({ SnapshotId }) => SnapshotId === id),
        );
        const alsoDeleted: Found['Snapshots'][number][] = [];
        for (const { SnapshotId } of Snapshots) await deleteSnapshot(SnapshotId, context);
        for (const [index, id] of unlisted.entries()) {
          if (!(await deleteSnapshot(id, context))) continue;
          alsoDeleted.push({ SnapshotId: id, VolumeId: handle?.Volumes[index]?.VolumeId ?? 'volume' });
        }
        const deleted = [...Snapshots, ...alsoDeleted];
        return done(
          {},
          {
            changes: deleted.map(({ SnapshotId, VolumeId }) => ({
              target: VolumeId,
              subject: 'snapshot',
              from: SnapshotId,
              to: null,
            })),
          },
        );
      },
    }),
  },
});

/** One call. There is no client token for it, so ours travels as a tag. */
async function createSet(
  plan: SnapshotPlan,
  { Description }: SnapshotInputs,
  context: ActionContext,
): Promise<readonly Pick<Snapshot, 'id' | 'volumeId'>[]> {
  const { executionId, step, token } = context;
  const params: JsonObject = {
    ...plan.params,
    Description: Description ?? `Belay ${executionId} ${step}`,
    TagSpecifications: [
      {
        ResourceType: 'snapshot',
        Tags: [
          { Key: tokenTagKey, Value: token },
          { Key: 'belay:execution', Value: executionId },
          { Key: 'belay:step', Value: step },
        ],
      },
    ],
  };
  // Which of the two it is, and with which params, is what the plan says.
  const operation: string = plan.operation;
  const reply = await call(context, operation, params);
  const made = plan.operation === 'CreateSnapshot' ? [reply] : objectsIn(reply, 'Snapshots');
  return made.map((each) => ({ id: textIn(each, 'SnapshotId'), volumeId: textIn(each, 'VolumeId') }));
}

/** Ids and volumes in one order: that of the volumes. */
function handleOf(
  made: readonly Pick<Snapshot, 'id' | 'volumeId'>[],
  volumes: readonly VolumeFacts[],
  frozen: readonly string[] | null,
  context: ActionContext,
): Handle {
  const pairs = volumes.flatMap((facts) =>
    made.filter(({ volumeId }) => volumeId === facts.VolumeId).map(({ id }) => ({ id, facts })),
  );
  return {
    SnapshotIds: pairs.map(({ id }) => id),
    Volumes: pairs.map(({ facts }) => facts),
    Frozen: frozen,
    FoundAt: context.now(),
  };
}

function standing(
  { SnapshotIds, Volumes, Frozen, FoundAt }: Handle,
  listed: readonly Snapshot[],
  now: number,
): Poll<Outputs> {
  const missing = SnapshotIds.filter((id) => !listed.some((each) => each.id === id));
  if (missing.length > 0) {
    if (now - FoundAt < settleMs) return pending(1_000, `${missing.join(', ')} not listed yet`);
    return failed('SNAPSHOT_GONE', `${missing.join(', ')} was begun and does not exist any more`);
  }
  const outputs: Outputs = {
    SnapshotIds,
    VolumeIds: Volumes.map(({ VolumeId }) => VolumeId),
    StartTime: listed.map(({ startTime }) => startTime).sort()[0] ?? '',
    Snapshots: Volumes.map((facts, index) => ({ SnapshotId: SnapshotIds[index] ?? '', ...facts })),
  };
  const broken = listed.find(({ state }) => state === 'error');
  if (broken) {
    return failed('SNAPSHOT_ERROR', `${broken.id} of ${broken.volumeId} ended in error: ${broken.problem}`, {
      outputs,
      changes: outputs.Snapshots.map(({ SnapshotId, VolumeId }) => ({
        target: VolumeId,
        subject: 'snapshot',
        from: null,
        to: SnapshotId,
      })),
    });
  }
  const open = listed.filter(({ state }) => state !== 'completed');
  if (open.length > 0) {
    return pending(
      3_000,
      `waiting for ${open.map(({ id, volumeId, progress }) => `${id} of ${volumeId}: ${progress}`).join(', ')}`,
    );
  }
  const sets = outputs.Snapshots.map(
    (each) => `${each.SnapshotId} of ${each.VolumeId} (${each.SizeGiB} GiB)`,
  );
  const quiet =
    Frozen === null
      ? ''
      : Frozen.length > 0
        ? `, ${Frozen.join(' and ')} frozen`
        : ', not frozen all the while';
  return done(outputs, {
    restorePoints: outputs.Snapshots.map(({ SnapshotId, VolumeId }) => ({ id: SnapshotId, of: VolumeId })),
    note: `${sets.join(', ')}${quiet}`,
  });
}
