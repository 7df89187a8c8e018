/**
 * ebs:moveVolume: one volume taken off where it is attached and attached to another instance. Each round looks at the
 * world anew and makes the next move, so a volume that was left half-way is brought to its end by whoever resumes.
 */
import { Type, type Static } from 'typebox';
import type { JsonObject } from '../../json.ts';
import { restoring } from '../aws/restoring.ts';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  pending,
  type ActionContext,
  type Failed,
  type Pending,
  type UndoInputs,
} from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { byVolumeId, call, listVolumes, nudge, type Volume } from './ec2.ts';

const lookAgainMs = 1_000;

/** Where a volume is attached; null: nowhere. */
type AttachedAt = {
  readonly InstanceId: string;
  readonly Device: string;
  readonly DeleteOnTermination: boolean;
} | null;
type Before = { readonly Place: AttachedAt };
type Outputs = {
  readonly PreviousInstanceId: string | null;
  readonly PreviousDevice: string | null;
  readonly PreviousDeleteOnTermination: boolean | null;
};
type Wanted = {
  readonly InstanceId: string;
  readonly Device: string;
  readonly DeleteOnTermination?: boolean;
};

const inputs = strictObject({
  VolumeId: Type.String({ pattern: '^vol-[0-9a-f]+$' }),
  InstanceId: Type.String({
    pattern: '^i-[0-9a-f]+$',
    description: 'Where it goes; in the same availability zone.',
  }),
  Device: Type.String({
    pattern: '^(/dev/)?(sd|xvd)[a-z]+[0-9]*$',
    description: 'The name there: /dev/sdh, or the root device name for a root volume.',
  }),
  DeleteOnTermination: Type.Optional(
    Type.Boolean({
      description:
        'Whether it goes with that instance. Left out: it stays, as AttachVolume makes it, whatever it was before.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const moveVolume = defineAction({
  name: 'ebs:moveVolume',
  summary:
    'Detaches a volume from where it is and attaches it to another instance; undo brings it back to its place. File systems on it have to be unmounted before.',
  source: 'https://docs.aws.amazon.com/ebs/latest/userguide/ebs-detaching-volume.html',
  example: `
    - name: MoveRootToHelper
      action: ebs:moveVolume
      inputs: { VolumeId: vol-0b2c4e6f81a3d5790, InstanceId: i-0b1e9d3a7c5f42680, Device: /dev/sdh }`,
  inputs,
  outputs: strictObject({
    PreviousInstanceId: Type.Union([Type.String(), Type.Null()], {
      description: 'Null: it was attached nowhere.',
    }),
    PreviousDevice: Type.Union([Type.String(), Type.Null()]),
    PreviousDeleteOnTermination: Type.Union([Type.Boolean(), Type.Null()]),
  }),
  timeoutSeconds: 900,
  permissions: () => [
    'ec2:DescribeVolumes',
    'ec2:DetachVolume',
    'ec2:AttachVolume',
    'ec2:ModifyInstanceAttribute',
  ],
  targets: ({ VolumeId, InstanceId }) => [VolumeId, InstanceId],
  hasHostTargets: false,
  replacesRootOf: ({ InstanceId, Device }, before) => {
    const places = [{ InstanceId, Device }, ...(before.Place === null ? [] : [before.Place])];
    return places.filter((place) => isRootName(place.Device)).map((place) => place.InstanceId);
  },

  putsBack: ['Place'],
  observe: async ({ VolumeId }, context): Promise<Before> => {
    const volume = await find(VolumeId, context);
    if (volume === undefined) {
      throw new ActionFailure({ code: 'VOLUME_GONE', message: `EC2 lists no volume ${VolumeId}` });
    }
    return { Place: placeOf(volume) };
  },

  effect: {
    kind: 'repeatable',
    execute: async (inputs: Inputs, { Place: from }, context) => {
      const step = await drive(inputs.VolumeId, from, inputs, context);
      if (step !== 'there') return step;
      const outputs = {
        PreviousInstanceId: from?.InstanceId ?? null,
        PreviousDevice: from?.Device ?? null,
        PreviousDeleteOnTermination: from?.DeleteOnTermination ?? null,
      };
      return done<Outputs>(outputs, { changes: changes(inputs.VolumeId, from, inputs) });
    },
  },

  undo: {
    kind: 'restore',
    effect: restoring({
      look: async ({ inputs }: UndoInputs<Inputs, Before, null, Outputs>, context) => {
        const volume = await find(inputs.VolumeId, context);
        return { Place: volume === undefined ? null : placeOf(volume) };
      },
      drive: async (found, { inputs, before }, context) => {
        const step = await drive(inputs.VolumeId, inputs, before.Place, context);
        if (step !== 'there') return step;
        return done<JsonObject>({}, { changes: changes(inputs.VolumeId, found.Place, before.Place) });
      },
    }),
  },
});

/** The next move on the way from one place to another; `there` when nothing is left to do. */
async function drive(
  id: string,
  from: { readonly InstanceId: string } | null,
  to: Wanted | null,
  context: ActionContext,
): Promise<Pending | Failed | 'there'> {
  const volume = await find(id, context);
  if (volume === undefined) return failed('VOLUME_GONE', `${id} does not exist any more`);
  if (volume.multiAttach) {
    return failed('VOLUME_IN_USE', `${id} may be attached several times and is not moved`);
  }
  const at = volume.attachments[0];
  if (at === undefined) {
    if (to === null) return 'there';
    if (volume.state !== 'available') return pending(lookAgainMs, `${id} is ${volume.state}`);
    const params = { VolumeId: id, InstanceId: to.InstanceId, Device: to.Device };
    await nudge(context, 'AttachVolume', params);
    return pending(lookAgainMs, `waiting for ${id} to be attached to ${to.InstanceId}`);
  }
  if (to !== null && at.instanceId === to.InstanceId && at.device === to.Device) {
    if (at.state !== 'attached') return pending(lookAgainMs, `${id} is ${at.state} at ${at.instanceId}`);
    const wanted = to.DeleteOnTermination;
    if (wanted === undefined || wanted === at.deleteOnTermination) return 'there';
    await call(context, 'ModifyInstanceAttribute', {
      InstanceId: to.InstanceId,
      BlockDeviceMappings: [{ DeviceName: to.Device, Ebs: { DeleteOnTermination: wanted } }],
    });
    return pending(lookAgainMs, `waiting for DeleteOnTermination of ${id}`);
  }
  if (![from?.InstanceId, to?.InstanceId].includes(at.instanceId)) {
    return failed(
      'VOLUME_IN_USE',
      `somebody has attached ${id} to ${at.instanceId} meanwhile; it is left there`,
    );
  }
  if (at.state === 'attached') {
    const params = { VolumeId: id, InstanceId: at.instanceId, Device: at.device };
    await nudge(context, 'DetachVolume', params);
  }
  const mounted = at.state === 'busy' ? '; it is still mounted there' : '';
  return pending(lookAgainMs, `waiting for ${id} to be detached from ${at.instanceId}${mounted}`);
}

const find = async (id: string, context: ActionContext): Promise<Volume | undefined> =>
  (await listVolumes(context, byVolumeId([id])))[0];

function placeOf({ attachments: [at] }: Volume): AttachedAt {
  if (at === undefined) return null;
  return {
    InstanceId: at.instanceId,
    Device: at.device,
    DeleteOnTermination: at.deleteOnTermination,
  };
}

function changes(id: string, from: Wanted | null, to: Wanted | null) {
  const spoken = (place: Wanted | null) => (place === null ? null : `${place.InstanceId} ${place.Device}`);
  const [was, is] = [spoken(from), spoken(to)];
  return was === is ? [] : [{ target: id, subject: 'attachment', from: was, to: is }];
}

/** The names that images give their root: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html. */
function isRootName(device: string): boolean {
  return /^(?:\/dev\/)?(?:sda1?|xvda1?)$/.test(device);
}
