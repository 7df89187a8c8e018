/**
 * ebs:findRoot: which volume is the root of an instance, also while it is away from it. Before a runbook moves a root volume it
 * puts the tags of `Mark` on it; when that run is lost, journal and all, the next one knows by them whose root it is and how it was.
 */
import { Type, type Static } from 'typebox';
import type { JsonObject } from '../../json.ts';
import { objectsIn, textIn } from '../aws/reply.ts';
import { ActionFailure, defineAction, done, failed } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { attachedTo, byTag, call, listVolumes, type Ec2Context, type Volume } from './ec2.ts';

/** The instance whose root the volume is. */
const rootOfKey = 'belay:root-of';
/** How both were before: `running DeleteOnTermination=true`. */
const wasKey = 'belay:root-was';
/** The instance to which it is taken meanwhile. */
const helperKey = 'belay:root-helper';
const wasPattern = /^(running|stopped) DeleteOnTermination=(true|false)$/;

type State = 'running' | 'stopped';
/** How instance and volume are, or were before a run that did not end. */
type Was = { readonly State: State; readonly DeleteOnTermination: boolean };

const inputs = strictObject({
  InstanceId: Type.String({ pattern: '^i-[0-9a-f]+$' }),
  HelperInstanceId: Type.String({
    pattern: '^i-[0-9a-f]+$',
    description: 'Where the root may be meanwhile; at another instance it is not touched.',
  }),
});
type Inputs = Static<typeof inputs>;

export const findRoot = defineAction({
  name: 'ebs:findRoot',
  summary:
    'Finds the root volume of an instance, also where an earlier run has taken it away and was lost, and says how both were before that.',
  source: 'https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/TroubleshootingInstances.html',
  example: `
    - name: FindRoot
      action: ebs:findRoot
      inputs: { InstanceId: i-0a7c3e5d9b1f48260, HelperInstanceId: i-0b1e9d3a7c5f42680 }`,
  inputs,
  outputs: strictObject({
    VolumeId: Type.String(),
    Device: Type.String({ description: 'Its name at the instance.' }),
    State: Type.Union([Type.Literal('running'), Type.Literal('stopped')], {
      description: 'Of the instance; of an unfinished recovery, before it.',
    }),
    DeleteOnTermination: Type.Boolean({
      description: 'Of the volume; of an unfinished recovery, before it.',
    }),
    IsUnfinished: Type.Boolean({
      description: 'It bears the mark of a run that has neither ended nor climbed down.',
    }),
    Mark: Type.Array(strictObject({ Key: Type.String(), Value: Type.String() }), {
      description: 'What to put on the volume by aws:createTags before it is moved.',
    }),
    MarkKeys: Type.Array(Type.String(), {
      description: 'What to take off by ec2:deleteTags when it is back.',
    }),
  }),
  timeoutSeconds: 120,
  permissions: () => ['ec2:DescribeInstances', 'ec2:DescribeVolumes'],
  targets: ({ InstanceId }) => [InstanceId],
  hasHostTargets: false,

  effect: {
    kind: 'read',
    poll: async (inputs: Inputs, context) => {
      const { InstanceId, HelperInstanceId } = inputs;
      const { device, state } = await instanceOf(InstanceId, context);
      const attached = await listVolumes(context, attachedTo(InstanceId));
      const home = attached.find((volume) => attachmentAs(volume, InstanceId, device) !== undefined);
      const marked = home === undefined ? await listVolumes(context, byTag(rootOfKey, InstanceId)) : [home];
      const [volume, other] = marked;
      if (volume === undefined) return failed('ROOT_MISSING', missing(InstanceId, device));
      if (other !== undefined) {
        const ids = marked.map(({ id }) => id).join(', ');
        return failed(
          'ROOT_AMBIGUOUS',
          `${InstanceId} has no volume at ${device}, and ${ids} all say by the tag ${rootOfKey} that they are its root. Take the tag off those that are not, and run again. Nothing was changed`,
        );
      }
      const isUnfinished = volume.tags[rootOfKey] === InstanceId;
      const elsewhere = isUnfinished ? placeBut(volume, inputs) : undefined;
      if (elsewhere !== undefined) {
        const byHand =
          home === undefined
            ? `unmount and detach ${volume.id}, and ${attachBy(volume.id, InstanceId, device)}`
            : `take its mark off: aws ec2 delete-tags --resources ${volume.id} --tags Key=${rootOfKey}`;
        return failed(
          'ROOT_ELSEWHERE',
          `the root of ${InstanceId}, ${volume.id}, is in a recovery that has not ended, and ${elsewhere}. ` +
            `Run again with that instance as the helper: its lock tells whether the other run lives. If it is gone: ${byHand}. Nothing was changed`,
        );
      }
      const at = home === undefined ? undefined : attachmentAs(home, InstanceId, device);
      const is = { State: state, DeleteOnTermination: at?.deleteOnTermination ?? false };
      const was = (isUnfinished ? told(volume) : undefined) ?? is;
      const outputs = {
        VolumeId: volume.id,
        Device: device,
        ...was,
        IsUnfinished: isUnfinished,
        Mark: [
          { Key: rootOfKey, Value: InstanceId },
          { Key: wasKey, Value: `${was.State} DeleteOnTermination=${was.DeleteOnTermination}` },
          { Key: helperKey, Value: HelperInstanceId },
        ],
        MarkKeys: [rootOfKey, wasKey, helperKey],
      };
      return done(outputs, isUnfinished ? { note: unfinished(volume, InstanceId) } : {});
    },
  },
  undo: { kind: 'notNeeded' },
});

async function instanceOf(
  id: string,
  context: Ec2Context,
): Promise<{ readonly device: string; readonly state: State }> {
  const reply = await call(context, 'DescribeInstances', { InstanceIds: [id] });
  const instance = objectsIn(reply, 'Reservations').flatMap((each) => objectsIn(each, 'Instances'))[0];
  if (instance === undefined)
    throw new ActionFailure({ code: 'NO_SUCH_INSTANCE', message: `EC2 lists no instance ${id}` });
  const state = textIn((instance['State'] ?? {}) as JsonObject, 'Name');
  if (state !== 'running' && state !== 'pending' && state !== 'stopped' && state !== 'stopping') {
    const message = `${id} is ${state}; only a running or a stopped instance has a root to be moved. Nothing was changed`;
    throw new ActionFailure({ code: 'INSTANCE_STATE', message });
  }
  const device = textIn(instance, 'RootDeviceName');
  return { device, state: state === 'running' || state === 'pending' ? 'running' : 'stopped' };
}

const attachmentAs = ({ attachments }: Volume, instanceId: string, device: string) =>
  attachments.find((each) => each.instanceId === instanceId && each.device === device);

/** What ties a marked volume to another instance than this helper; there a run may be at work of which nothing is known here. */
function placeBut(
  { attachments: [at], tags }: Volume,
  { InstanceId, HelperInstanceId }: Inputs,
): string | undefined {
  if (at?.instanceId === HelperInstanceId) return undefined;
  if (at !== undefined && at.instanceId !== InstanceId)
    return `is attached to ${at.instanceId} as ${at.device}`;
  const helper = tags[helperKey];
  if (helper === undefined || helper === InstanceId || helper === HelperInstanceId) return undefined;
  return `goes by way of ${helper} (tag ${helperKey})`;
}

/** What the mark says; undefined where somebody has put only a part of it there. */
function told({ tags }: Volume): Was | undefined {
  const [, state, deletes] = wasPattern.exec(tags[wasKey] ?? '') ?? [];
  if (state === undefined) return undefined;
  return { State: state === 'running' ? 'running' : 'stopped', DeleteOnTermination: deletes === 'true' };
}

function unfinished({ id, attachments: [at] }: Volume, instanceId: string): string {
  const place = at === undefined ? 'attached nowhere' : `at ${at.instanceId} as ${at.device}`;
  return `${id} bears the mark of a recovery of ${instanceId} that did not end, and is ${place}`;
}

const attachBy = (volumeId: string, instanceId: string, device: string): string =>
  `attach it where it belongs: aws ec2 attach-volume --volume-id ${volumeId} --instance-id ${instanceId} --device ${device}`;

const missing = (instanceId: string, device: string): string =>
  `${instanceId} has no volume at ${device}, and no volume bears the tag ${rootOfKey}=${instanceId} by which an earlier run would have marked its root. ` +
  `Find the volume (its snapshots and CloudTrail know), then ${attachBy('VOLUME', instanceId, device)}; then run again. Nothing was changed`;
