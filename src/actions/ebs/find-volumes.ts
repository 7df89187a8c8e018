/** ebs:findVolumes: which volumes lie below the mounts of a host, and whether one set of snapshots can hold and give back all of it. */
import { Type, type Static } from 'typebox';
import { defineAction, done, failed, type Poll } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { attachedTo, attachmentTo, listVolumes, rootDeviceOf } from './ec2.ts';
import { instanceIdOf, isVolume, readMounts, volumesBelow } from './mounts.ts';

type Outputs = {
  readonly VolumeIds: readonly string[];
  readonly Devices: readonly string[];
  readonly OtherMounts: readonly string[];
  readonly SizeGiB: number;
};

const inputs = strictObject({
  Host: Type.String({
    minLength: 1,
    description: 'A host of the inventory with an instanceId, or an instance id.',
  }),
  Mounts: Type.Array(Type.String({ pattern: '^/[^\\s]*$' }), { minItems: 1, uniqueItems: true }),
  Restorable: Type.Optional(
    Type.Boolean({
      default: false,
      description:
        'Fail where an ebs:restore could not exchange them: a root volume, one that is attached elsewhere too.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const findVolumes = defineAction({
  name: 'ebs:findVolumes',
  summary: 'Finds the EBS volumes below mounts of a host, before anything is stopped for a snapshot of them.',
  source: 'https://docs.aws.amazon.com/ebs/latest/userguide/identify-nvme-ebs-device.html',
  example: `
    - name: Volumes
      action: ebs:findVolumes
      inputs: { Host: db1, Mounts: [/var/lib/postgresql], Restorable: true }`,
  inputs,
  outputs: strictObject({
    VolumeIds: Type.Array(Type.String()),
    Devices: Type.Array(Type.String(), { description: 'As EC2 names the attachments, in the same order.' }),
    OtherMounts: Type.Array(Type.String(), {
      description: 'What else lies on these volumes, and goes back with them.',
    }),
    SizeGiB: Type.Number({ description: 'Of all volumes together.' }),
  }),
  timeoutSeconds: 120,
  permissions: () => ['ec2:DescribeVolumes', 'ec2:DescribeInstances'],
  targets: ({ Host }) => [Host],
  hasHostTargets: true,
  effect: {
    kind: 'read',
    poll: async ({ Host, Mounts, Restorable }: Inputs, context): Promise<Poll<Outputs>> => {
      const host = context.host(Host);
      const instanceId = instanceIdOf(host);
      const attached = await listVolumes(context, attachedTo(instanceId));
      const all = await readMounts(host, [], context);
      const asked = await readMounts(host, Mounts, context);
      const below = asked.flatMap((mounted) => volumesBelow(mounted, attached, instanceId, host.label));
      const volumes = attached.filter((volume) => below.includes(volume));
      const root = await rootDeviceOf(instanceId, context);
      const stands = volumes.flatMap((volume) => {
        if (attachmentTo(volume, instanceId)?.device === root)
          return [`${volume.id} is the root volume of ${instanceId}, which a running system cannot change`];
        return volume.multiAttach ? [`${volume.id} may be attached to several instances at once`] : [];
      });
      const OtherMounts = all
        .filter(
          ({ mount, disks }) =>
            !Mounts.includes(mount) &&
            volumes.some((volume) => disks.some((disk) => isVolume(disk, volume, instanceId))),
        )
        .map(({ mount }) => mount);
      const outputs: Outputs = {
        VolumeIds: volumes.map(({ id }) => id),
        Devices: volumes.map((volume) => attachmentTo(volume, instanceId)?.device ?? ''),
        OtherMounts,
        SizeGiB: volumes.reduce((sum, { sizeGiB }) => sum + sizeGiB, 0),
      };
      if (Restorable === true && stands.length > 0)
        return failed(
          'NOT_RESTORABLE',
          `${host.label}: ${Mounts.join(' and ')} could be put back from no snapshot in place: ${stands.join('; ')}. Nothing was changed`,
          { outputs },
        );
      const more = OtherMounts.length === 0 ? '' : `, with ${OtherMounts.join(' and ')}`;
      return done(outputs, { note: `${outputs.VolumeIds.join(', ')} (${outputs.SizeGiB} GiB)${more}` });
    },
  },
  undo: { kind: 'notNeeded' },
});
