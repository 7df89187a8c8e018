/** aws:createImage: an image of an instance and its volumes, found again by the token in its tags. */
import { Type } from 'typebox';
import { AwsFailure } from '../../transports/aws.ts';
import type { JsonObject } from '../../json.ts';
import { defineAction } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { followImage, imageMadeUnder, imageSettleMs, withoutImage, type ImageHandle } from './images.ts';
import { imageDescription, imageName, imageOutputs } from './image-inputs.ts';
import { textIn } from './reply.ts';
import { withTokenTags } from './token-tags.ts';
import { callAws } from '../../transports/aws-calls.ts';

const BlockDevice = Type.Unsafe<JsonObject>(Type.Object({}, { additionalProperties: true }));

export const createImage = defineAction({
  name: 'aws:createImage',
  summary: 'Makes an image of an instance and its volumes, and waits until it is available.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-create.html',
  example: `
- name: ImageBeforePatch
  action: aws:createImage
  inputs:
    InstanceId: '{{ InstanceId }}'
    ImageName: '{{ InstanceId }}-before-{{ automation:EXECUTION_ID }}'
    NoReboot: true
`,
  inputs: strictObject({
    InstanceId: Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1, maxItems: 1 })], {
      description: 'The instance, as i-0b1e…; or a list of one, as another step puts it out.',
    }),
    ImageName: imageName,
    ImageDescription: Type.Optional(imageDescription),
    NoReboot: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'EC2 restarts a running instance for its image unless this is true; then what it has not written yet is missing in the image.',
      }),
    ),
    BlockDeviceMappings: Type.Optional(
      Type.Union([Type.Array(BlockDevice), BlockDevice], {
        description: 'As EC2 takes them: other sizes and kinds of the devices, or NoDevice.',
      }),
    ),
  }),
  outputs: imageOutputs,
  timeoutSeconds: undefined,
  permissions: () => [
    'ec2:CreateImage',
    'ec2:CreateTags',
    'ec2:DescribeImages',
    'ec2:DescribeSnapshots',
    'ec2:DeregisterImage',
    'ec2:DeleteSnapshot',
  ],
  targets: ({ InstanceId }) => [instanceOf(InstanceId)],
  hasHostTargets: false,
  forbiddenInOnCancel: true,
  check: ({ NoReboot }) =>
    NoReboot !== undefined
      ? []
      : [
          {
            code: 'WRONG_INPUT',
            path: [],
            message: 'without NoReboot, EC2 restarts the instance for its image',
            hint: 'Write NoReboot: true, or NoReboot: false to say that it may restart.',
            isWarning: true,
          },
        ],

  effect: {
    kind: 'begun',
    /** CreateImage takes no client token, so ours travels as a tag. */
    begin: async (inputs, _before, context): Promise<ImageHandle> => {
      const { InstanceId, ImageName, ImageDescription, NoReboot, BlockDeviceMappings } = inputs;
      const params = {
        InstanceId: instanceOf(InstanceId),
        Name: ImageName,
        ...(ImageDescription === undefined ? {} : { Description: ImageDescription }),
        ...(NoReboot === undefined ? {} : { NoReboot }),
        ...(BlockDeviceMappings === undefined ? {} : { BlockDeviceMappings: [BlockDeviceMappings].flat() }),
        TagSpecifications: withTokenTags([], ['image'], context),
      };
      const { aws, token, signal } = context;
      try {
        const reply = await callAws(aws, { service: 'ec2', operation: 'CreateImage', params, token, signal });
        return { ImageId: textIn(reply, 'ImageId'), FoundAt: context.now() };
      } catch (error) {
        // An earlier call under this token, whose answer was lost, may be who has the name.
        if (!(error instanceof AwsFailure) || error.code !== 'InvalidAMIName.Duplicate') throw error;
        const ours = await imageMadeUnder(token, context);
        if (ours === undefined) throw error;
        return { ImageId: ours, FoundAt: context.now() };
      }
    },
    adopt: async (_inputs, _before, context) => {
      const ImageId = await imageMadeUnder(context.token, context);
      if (ImageId === undefined) return { kind: 'absent' };
      return { kind: 'running', handle: { ImageId, FoundAt: context.now() } };
    },
    poll: (handle: ImageHandle, { InstanceId }, _before, context) =>
      followImage(handle, instanceOf(InstanceId), context),
    settleMs: imageSettleMs,
  },

  undo: {
    kind: 'restorePoint',
    effect: withoutImage<{ readonly InstanceId: string | readonly string[] }>(({ InstanceId }) =>
      instanceOf(InstanceId),
    ),
  },
});

function instanceOf(written: string | readonly string[]): string {
  return typeof written === 'string' ? written : (written[0] ?? '');
}
