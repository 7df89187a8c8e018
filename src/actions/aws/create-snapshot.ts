/** aws:createSnapshot: one volume, one snapshot, found again by the token in its tags. */
import { Type } from 'typebox';
import type { JsonObject } from '../../json.ts';
import { AwsFailure } from '../../transports/aws.ts';
import {
  defineAction,
  done,
  failed,
  pending,
  tokenTagKey,
  type ActionContext,
  type UndoInputs,
} from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { numberIn, objectsIn, pages, textIn } from './reply.ts';
import { restoring } from './restoring.ts';
import { callAws } from '../../transports/aws-calls.ts';

/** How long a new snapshot or its tags may be invisible to DescribeSnapshots. */
const settleMs = 30_000;

/** The first snapshot of a volume of several TiB takes hours. */
const snapshotSecondsMax = 6 * 3600;

/** `FoundAt`, in ms since 1970: when the id became known, for how long NotFound means "not yet". */
type Handle = { readonly SnapshotId: string; readonly FoundAt: number };

type UndoOf = Pick<
  UndoInputs<{ readonly VolumeId: string }, null, Handle, { SnapshotId: string }>,
  'inputs' | 'outputs' | 'handle' | 'token'
>;

export const createSnapshot = defineAction({
  name: 'aws:createSnapshot',
  summary: 'Takes a snapshot of one EBS volume and waits until it is completed.',
  source: 'https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSnapshot.html',
  example: `
- name: SnapshotDataVolume
  action: aws:createSnapshot
  inputs:
    VolumeId: '{{ DataVolumeId }}'
    Description: before the patch
`,
  inputs: strictObject({
    VolumeId: Type.String({ description: 'The volume, as vol-0b2c….' }),
    Description: Type.Optional(Type.String({ maxLength: 255 })),
  }),
  outputs: strictObject({
    SnapshotId: Type.String(),
    StartTime: Type.String({ description: 'The instant whose data the snapshot holds.' }),
  }),
  timeoutSeconds: snapshotSecondsMax,
  permissions: () => ['ec2:CreateSnapshot', 'ec2:CreateTags', 'ec2:DescribeSnapshots', 'ec2:DeleteSnapshot'],
  targets: ({ VolumeId }) => [VolumeId],
  inSsm: (inputs) => [
    {
      action: 'aws:executeAwsApi',
      inputs: { Service: 'ec2', Api: 'CreateSnapshot', ...inputs },
      outputs: [
        { Name: 'SnapshotId', Selector: '$.SnapshotId', Type: 'String' },
        { Name: 'StartTime', Selector: '$.StartTime', Type: 'String' },
      ],
    },
    {
      action: 'aws:waitForAwsResourceProperty',
      inputs: {
        Service: 'ec2',
        Api: 'DescribeSnapshots',
        SnapshotIds: ['{{ outputs.SnapshotId }}'],
        PropertySelector: '$.Snapshots[0].State',
        DesiredValues: ['completed'],
      },
    },
  ],
  hasHostTargets: false,

  effect: {
    kind: 'begun',
    /** CreateSnapshot takes no client token, so ours travels as a tag. */
    begin: async ({ VolumeId, Description }, _before, context) => {
      const { aws, token, executionId, step, signal } = context;
      const tags = [
        { Key: tokenTagKey, Value: token },
        { Key: 'belay:execution', Value: executionId },
        { Key: 'belay:step', Value: step },
      ];
      const reply = await callAws(aws, {
        service: 'ec2',
        operation: 'CreateSnapshot',
        params: {
          VolumeId,
          Description: Description ?? `Belay ${executionId} ${step}`,
          TagSpecifications: [{ ResourceType: 'snapshot', Tags: tags }],
        },
        token,
        signal,
      });
      return { SnapshotId: textIn(reply, 'SnapshotId'), FoundAt: context.now() };
    },
    adopt: async (_inputs, _before, context) => {
      const id = await snapshotWithToken(context.token, context);
      if (id === undefined) return { kind: 'absent' };
      return { kind: 'running', handle: { SnapshotId: id, FoundAt: context.now() } };
    },
    poll: async ({ SnapshotId, FoundAt }: Handle, { VolumeId }, _before, context) => {
      const snapshot = await describe(SnapshotId, context);
      if (snapshot === undefined) {
        if (context.now() - FoundAt < settleMs) return pending(1_000, `${SnapshotId} is not listed yet`);
        return failed('SNAPSHOT_GONE', `${SnapshotId} of ${VolumeId} was begun and does not exist any more`);
      }
      const outputs = { SnapshotId, StartTime: textIn(snapshot, 'StartTime') };
      const progress = textIn(snapshot, 'Progress') || '0%';
      switch (textIn(snapshot, 'State')) {
        case 'completed':
          return done(outputs, {
            restorePoints: [{ id: SnapshotId, of: VolumeId }],
            note: `${SnapshotId} of ${VolumeId} (${numberIn(snapshot, 'VolumeSize') ?? '?'} GiB)`,
          });
        case 'error': {
          const why = textIn(snapshot, 'StateMessage') || 'EC2 gives no reason';
          return failed('SNAPSHOT_ERROR', `${SnapshotId} of ${VolumeId} ended in error: ${why}`, {
            outputs,
            changes: [{ target: VolumeId, subject: 'snapshot', from: null, to: SnapshotId }],
          });
        }
        default:
          return pending(3_000, `waiting for ${SnapshotId} of ${VolumeId}: ${progress}`);
      }
    },
    settleMs,
  },

  undo: {
    kind: 'restorePoint',
    effect: restoring({
      look: async ({ outputs, handle, token }: UndoOf, context) => {
        const id = outputs?.SnapshotId ?? handle?.SnapshotId ?? (await snapshotWithToken(token, context));
        if (id === undefined) return { SnapshotId: null, Existed: false };
        return { SnapshotId: id, Existed: (await describe(id, context)) !== undefined };
      },
      /** Asked to delete even what was not listed: a listing may be older than the snapshot. */
      drive: async ({ SnapshotId, Existed }, { inputs }, context) => {
        if (SnapshotId === null) return done({});
        const isDeleted = (await deleteSnapshot(SnapshotId, context)) || Existed;
        if (!isDeleted) return done({});
        const change = { target: inputs.VolumeId, subject: 'snapshot', from: SnapshotId, to: null };
        return done({}, { changes: [change] });
      },
    }),
  },
});

async function snapshotWithToken(token: string, context: ActionContext): Promise<string | undefined> {
  const params = { OwnerIds: ['self'], Filters: [{ Name: `tag:${tokenTagKey}`, Values: [token] }] };
  for await (const page of pages('ec2', 'DescribeSnapshots', params, context)) {
    const [first] = objectsIn(page, 'Snapshots');
    if (first !== undefined) return textIn(first, 'SnapshotId');
  }
  return undefined;
}

/** Undefined: EC2 does not know the id (yet). */
async function describe(id: string, { aws, signal }: ActionContext): Promise<JsonObject | undefined> {
  try {
    const reply = await callAws(aws, {
      service: 'ec2',
      operation: 'DescribeSnapshots',
      params: { SnapshotIds: [id] },
      signal,
    });
    return objectsIn(reply, 'Snapshots')[0];
  } catch (error) {
    if (error instanceof AwsFailure && error.code === 'InvalidSnapshot.NotFound') return undefined;
    throw error;
  }
}

/** False: it was not there any more. */
async function deleteSnapshot(id: string, { aws, signal }: ActionContext): Promise<boolean> {
  try {
    await callAws(aws, { service: 'ec2', operation: 'DeleteSnapshot', params: { SnapshotId: id }, signal });
    return true;
  } catch (error) {
    if (error instanceof AwsFailure && error.code === 'InvalidSnapshot.NotFound') return false;
    throw error;
  }
}
