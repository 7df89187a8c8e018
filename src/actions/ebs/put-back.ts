/**
 * ebs:putBack: the volumes that an ebs:restore took out take their places again, and those that it made are removed. For
 * undo lists, where a restore that turns out not to start has to be left again.
 */
import { Type, type Static } from 'typebox';
import { defineAction, done, type ActionContext, type BegunEffect, type Poll } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { endOnHost, exchange } from './exchange.ts';
import { instanceIdOf } from './mounts.ts';
import { planInPlace, type RestorePlan } from './restore-plan.ts';
import { exchanging } from './restore.ts';
import { forgetReplacement, removeVolumes } from './restore-volumes.ts';

type Handle = { readonly Plan: (RestorePlan & { readonly BegunAt: number }) | null };
type Outputs = { readonly VolumeIds: readonly string[]; readonly Removed: readonly string[] };

const inputs = strictObject({
  Host: Type.String({
    minLength: 1,
    description: 'A host of the inventory with an instanceId, or an instance id.',
  }),
  SnapshotIds: Type.Array(Type.String({ pattern: '^snap-[0-9a-f]+$' }), {
    minItems: 1,
    uniqueItems: true,
    description: 'Those that were restored. Where no volume of them is in place there is nothing to do.',
  }),
});
type Inputs = Static<typeof inputs>;

export const putBack = defineAction({
  name: 'ebs:putBack',
  summary:
    'Leaves a restore again: the volumes that it took out take their places, and those that it made are removed.',
  source: 'https://docs.aws.amazon.com/ebs/latest/userguide/ebs-restoring-volume.html',
  example: `
    - name: PutBack
      action: ebs:putBack
      inputs: { Host: db1, SnapshotIds: ['snap-0a17c2e4d6f801234'] }`,
  inputs,
  outputs: strictObject({
    VolumeIds: Type.Array(Type.String(), { description: 'What is in place again.' }),
    Removed: Type.Array(Type.String(), { description: 'What the restore had made.' }),
  }),
  timeoutSeconds: 3_600,
  permissions: () => [
    'ec2:DescribeVolumes',
    'ec2:DetachVolume',
    'ec2:AttachVolume',
    'ec2:ModifyInstanceAttribute',
    'ec2:DeleteVolume',
    'ec2:DeleteTags',
  ],
  targets: ({ Host }) => [Host],
  hasHostTargets: true,
  effect: {
    kind: 'begun',
    settleMs: 0,
    /** Only looks; from then on the journal holds the plan. */
    begin: async ({ Host, SnapshotIds }: Inputs, _before, context): Promise<Handle> => {
      const plan = await planInPlace(instanceIdOf(context.host(Host)), SnapshotIds, context);
      return { Plan: plan === null ? null : { ...plan, BegunAt: context.now() } };
    },
    adopt: () => Promise.resolve({ kind: 'absent' }),
    poll: async ({ Plan }: Handle, inputs: Inputs, _before, context): Promise<Poll<Outputs>> => {
      if (Plan === null)
        return done({ VolumeIds: [], Removed: [] }, { note: 'no volume of these snapshots is in place' });
      const step = await exchange(exchanging(Plan, 'back', inputs, context), context);
      if (step !== 'settled') return step;
      const made = Plan.Exchanges.map(({ New }) => New);
      const left = await removeVolumes(made, context);
      if (left !== undefined) return left;
      await forgetReplacement(Plan, context);
      const changes = Plan.Exchanges.map(({ Device, Old, New }) => ({
        target: inputs.Host,
        subject: Device,
        from: New,
        to: Old,
      }));
      return done({ VolumeIds: Plan.Exchanges.map(({ Old }) => Old), Removed: made }, { changes });
    },
    stop: (_handle: Handle, { Host }: Inputs, context: ActionContext) =>
      endOnHost(context.host(Host), context, 'stop'),
    release: (_handle: Handle, { Host }: Inputs, context: ActionContext) =>
      endOnHost(context.host(Host), context, 'forget'),
  } satisfies BegunEffect<Inputs, null, Handle, Outputs>,
  undo: { kind: 'none', reason: 'the volumes that a restore had made are gone', leavesChange: true },
});
