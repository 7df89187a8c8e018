/**
 * ebs:restore: volumes made from snapshots take the places of those that a host has now; the old ones are kept.
 * Whoever uses the file systems has to be stopped before; root volumes are refused.
 */
import { Type, type Static } from 'typebox';
import type { Json } from '../../json.ts';
import {
  defineAction,
  done,
  tokenTagKey,
  type ActionContext,
  type BegunEffect,
  type Poll,
  type UndoInputs,
} from '../define-action.ts';
import { keepKey } from '../scripts/keep-key.ts';
import { strictObject } from '../strict-object.ts';
import {
  attachedTo,
  attachmentTo,
  bySnapshotId,
  byTag,
  listSnapshots,
  listVolumes,
  settleMs,
} from './ec2.ts';
import { endOnHost, exchange, type Exchanging } from './exchange.ts';
import { instanceIdOf } from './mounts.ts';
import {
  planRestore,
  foundPlan,
  mountsOf,
  volumeInPlaceOf,
  type Exchange,
  type RestorePlan,
} from './restore-plan.ts';
import { forgetReplacement, leaveOld, makeVolumes, removeVolumes } from './restore-volumes.ts';

/** What is in the places of the volumes that the snapshots were taken of; null: nothing is attached for it. */
type Before = {
  readonly [snapshotId: string]: { readonly VolumeId: string; readonly Device: string } | null;
};
type Handle = RestorePlan & { readonly BegunAt: number };
type Outputs = { readonly VolumeIds: readonly string[]; readonly PreviousVolumeIds: readonly string[] };
type UndoOf = UndoInputs<Inputs, Before, Handle, Outputs>;
/** What the undo saw when it began: the new volumes that were in place, and all that it has to remove. */
type Found = {
  readonly Plan: Handle | null;
  readonly InPlace: readonly string[];
  readonly Made: readonly string[];
};

const inputs = strictObject({
  Host: Type.String({
    minLength: 1,
    description: 'A host of the inventory with an instanceId, or an instance id.',
  }),
  SnapshotIds: Type.Array(Type.String({ pattern: '^snap-[0-9a-f]+$' }), { minItems: 1, uniqueItems: true }),
  KeepBroken: Type.Optional(
    Type.Boolean({
      default: true,
      description: 'Keep the old volumes, detached and tagged. Without them the step cannot be undone.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const restore = defineAction({
  name: 'ebs:restore',
  summary:
    'Puts volumes made from snapshots into the places of the volumes they were taken of, with their file systems mounted again; keeps the old volumes.',
  source: 'https://docs.aws.amazon.com/ebs/latest/userguide/ebs-restoring-volume.html',
  example: `
    - name: Restore
      action: ebs:restore
      inputs: { Host: db1, SnapshotIds: ['snap-0a17c2e4d6f801234'] }`,
  inputs,
  outputs: strictObject({
    VolumeIds: Type.Array(Type.String(), { description: 'The new ones, in the order of SnapshotIds.' }),
    PreviousVolumeIds: Type.Array(Type.String(), { description: 'The old ones, in the same order.' }),
  }),
  timeoutSeconds: 3_600,
  permissions: ({ KeepBroken }) => [
    'ec2:DescribeVolumes',
    'ec2:DescribeSnapshots',
    'ec2:DescribeInstances',
    'ec2:CreateVolume',
    'ec2:CreateTags',
    'ec2:DetachVolume',
    'ec2:AttachVolume',
    'ec2:ModifyInstanceAttribute',
    'ec2:DeleteVolume',
    ...(KeepBroken === false ? [] : ['ec2:DeleteTags']),
  ],
  targets: ({ Host }) => [Host],
  hasHostTargets: true,
  usesRestorePoints: 'SnapshotIds',

  observe: async ({ Host, SnapshotIds }, context): Promise<Before> => {
    const instanceId = instanceIdOf(context.host(Host));
    const attached = await listVolumes(context, attachedTo(instanceId));
    const snapshots = await listSnapshots(context, bySnapshotId(SnapshotIds));
    const inPlace = snapshots.map(({ id, volumeId }) => {
      const volume = volumeInPlaceOf(volumeId, attached);
      const device = attachmentTo(volume, instanceId)?.device;
      return [id, volume && device !== undefined ? { VolumeId: volume.id, Device: device } : null] as const;
    });
    return Object.fromEntries(inPlace.toSorted(([a], [b]) => a.localeCompare(b)));
  },

  effect: {
    kind: 'begun',
    settleMs,
    /** Makes the new volumes, which nobody uses yet. From then on their tags tell the plan. */
    begin: async (inputs: Inputs, _before, context): Promise<Handle> => {
      const key = keyOf(inputs, context);
      // One that has ended is not asked for again by a new try: then somebody wants the snapshots back once more.
      const earlier = await foundPlan(key, inputs.SnapshotIds, context, ({ isEnded }) => !isEnded);
      if (earlier !== null) return { ...earlier, BegunAt: context.now() };
      const { instanceId, pending } = await planRestore(
        context.host(inputs.Host),
        inputs.SnapshotIds,
        context,
      );
      return { ...(await makeVolumes(pending, instanceId, key, context)), BegunAt: context.now() };
    },
    adopt: async (inputs, _before, context) => {
      const plan = await foundPlan(
        keyOf(inputs, context),
        inputs.SnapshotIds,
        context,
        ({ attempt, isEnded }) => attempt === context.token || (attempt === '' ? true : !isEnded),
      );
      return plan === null
        ? { kind: 'absent' }
        : { kind: 'running', handle: { ...plan, BegunAt: context.now() } };
    },
    poll: async (handle: Handle, inputs, _before, context): Promise<Poll<Outputs>> => {
      const step = await exchange(exchanging(handle, 'forth', inputs, context), context);
      if (step !== 'settled') return step;
      return (await leaveOld(handle, inputs.KeepBroken !== false, context)) ?? finished(handle, inputs);
    },
    stop: (_handle, { Host }, context) => endOnHost(context.host(Host), context, 'stop'),
    release: (_handle, { Host }, context) => endOnHost(context.host(Host), context, 'forget'),
  } satisfies BegunEffect<Inputs, Before, Handle, Outputs>,

  undo: ({ KeepBroken }: Inputs) =>
    KeepBroken === false
      ? {
          kind: 'none',
          reason: 'KeepBroken: false gave up the volumes that were there before',
          leavesChange: true,
        }
      : { kind: 'restore', effect: undoing },
});

const undoing: BegunEffect<UndoOf, null, Found, Record<string, Json>> = {
  kind: 'begun',
  settleMs: 0,
  /** Only looks; what it found is journaled, so that a later runner knows what the undo has changed. */
  begin: async ({ inputs, handle }, _before, context): Promise<Found> => {
    const key = keyOf(inputs, context);
    const plan = handle ?? (await foundPlan(key, null, context));
    const made = await listVolumes(context, byTag(tokenTagKey, key));
    return {
      Plan: plan === null ? null : { ...plan, BegunAt: context.now() },
      InPlace: made
        .filter((volume) => plan !== null && attachmentTo(volume, plan.InstanceId) !== undefined)
        .map(({ id }) => id),
      Made: [...new Set([...made.map(({ id }) => id), ...(plan?.Exchanges.map(({ New }) => New) ?? [])])],
    };
  },
  adopt: () => Promise.resolve({ kind: 'absent' }),
  poll: async ({ Plan, InPlace, Made }, { inputs }, _before, context) => {
    if (Plan === null && Made.length === 0) return done({});
    if (Plan !== null) {
      const step = await exchange(exchanging(Plan, 'back', inputs, context), context);
      if (step !== 'settled') return step;
    }
    const left = await removeVolumes(Made, context);
    if (left !== undefined) return left;
    if (Plan === null) return done({});
    await forgetReplacement(Plan, context);
    const changes = Plan.Exchanges.filter(({ New }) => InPlace.includes(New)).map(({ Device, Old, New }) => ({
      target: inputs.Host,
      subject: Device,
      from: New,
      to: Old,
    }));
    return done({}, { changes });
  },
  stop: (_found, { inputs }, context) => endOnHost(context.host(inputs.Host), context, 'stop'),
  release: (_found, { inputs }, context) => endOnHost(context.host(inputs.Host), context, 'forget'),
};

/** The same for every attempt of the step and for its undo, whose path is the step's with /undo. */
const keyOf = ({ Host, SnapshotIds }: Inputs, { executionId, step }: ActionContext) =>
  keepKey(executionId, step.replace(/\/undo$/, ''), Host, ...SnapshotIds);

export function exchanging(
  plan: Handle,
  way: 'forth' | 'back',
  { Host }: { readonly Host: string },
  context: ActionContext,
): Exchanging {
  const moves = context.kept('moves', () => new Map<string, number>());
  const goingIn = ({ Old, New }: Exchange) => (way === 'forth' ? New : Old);
  return {
    instanceId: plan.InstanceId,
    swaps: plan.Exchanges.map((each) => ({
      out: way === 'forth' ? each.Old : each.New,
      in: goingIn(each),
      device: each.Device,
      deleteOnTermination: each.DeleteOnTermination,
    })),
    mounts: mountsOf(plan.Exchanges).map(({ mount, exchange }) => ({ mount, volumeId: goingIn(exchange) })),
    host: context.host(Host),
    begunAt: plan.BegunAt,
    moves,
  };
}

function finished({ Exchanges }: RestorePlan, { Host }: Inputs) {
  const where = ({ Device, Mounts }: Exchange) => [Device, ...Mounts.map(({ Mount }) => Mount)].join(', ');
  return done(
    {
      VolumeIds: Exchanges.map(({ New }) => New),
      PreviousVolumeIds: Exchanges.map(({ Old }) => Old),
    },
    {
      changes: Exchanges.map(({ Device, Old, New }) => ({
        target: Host,
        subject: Device,
        from: Old,
        to: New,
      })),
      note: Exchanges.map((each) => `${each.New} from ${each.SnapshotId} at ${where(each)}`).join('; '),
    },
  );
}
