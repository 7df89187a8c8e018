/** aws:copyImage: an image of another region, or of this one, copied into the region of the run. */
import { Type } from 'typebox';
import { defineAction } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { followImage, imageMadeUnder, imageSettleMs, withoutImage, type ImageHandle } from './images.ts';
import { imageDescription, imageName, imageOutputs } from './image-inputs.ts';
import { textIn } from './reply.ts';
import { withTokenTags } from './token-tags.ts';
import { callAws } from '../../transports/aws-calls.ts';

export const copyImage = defineAction({
  name: 'aws:copyImage',
  summary: 'Copies an image into the current region, and waits until the copy is available.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-copyimage.html',
  example: `
- name: CopyToThisRegion
  action: aws:copyImage
  inputs:
    SourceRegion: eu-west-1
    SourceImageId: '{{ ImageId }}'
    ImageName: base-{{ global:DATE }}
    Encrypted: true
`,
  inputs: strictObject({
    SourceRegion: Type.String({ minLength: 1 }),
    SourceImageId: Type.String({ minLength: 1, description: 'The image, as ami-0c4e….' }),
    ImageName: imageName,
    ImageDescription: Type.Optional(imageDescription),
    Encrypted: Type.Optional(
      Type.Boolean({ default: false, description: 'Encrypts the snapshots of the copy.' }),
    ),
    KmsKeyId: Type.Optional(
      Type.String({ description: 'Needs Encrypted: true; left out: the key of the account.' }),
    ),
    ClientToken: Type.Optional(
      Type.String({
        maxLength: 64,
        description: "Left out: Belay's own, a new one for each attempt that is known to have failed.",
      }),
    ),
  }),
  outputs: imageOutputs,
  timeoutSeconds: undefined,
  permissions: () => [
    'ec2:CopyImage',
    'ec2:CreateTags',
    'ec2:DescribeImages',
    'ec2:DescribeSnapshots',
    'ec2:DeregisterImage',
    'ec2:DeleteSnapshot',
  ],
  targets: ({ SourceImageId }) => [SourceImageId],
  hasHostTargets: false,
  forbiddenInOnCancel: true,
  check: ({ KmsKeyId, Encrypted }, tools) =>
    KmsKeyId === undefined || Encrypted === true || tools.isExpression(Encrypted)
      ? []
      : [
          {
            code: 'WRONG_INPUT',
            path: ['KmsKeyId'],
            message: 'a key is given, but the copy is not to be encrypted',
            hint: 'Add Encrypted: true.',
          },
        ],

  effect: {
    kind: 'begun',
    begin: async (inputs, _before, context): Promise<ImageHandle> => {
      const { ImageName, ImageDescription, ...same } = inputs;
      const params = {
        ...same,
        Name: ImageName,
        ...(ImageDescription === undefined ? {} : { Description: ImageDescription }),
        TagSpecifications: withTokenTags([], ['image'], context),
      };
      const { aws, token, signal } = context;
      const reply = await callAws(aws, { service: 'ec2', operation: 'CopyImage', params, token, signal });
      return { ImageId: textIn(reply, 'ImageId'), FoundAt: context.now() };
    },
    /** By the tag; and what is not listed yet is given again under its client token. */
    adopt: async (_inputs, _before, context) => {
      const ImageId = await imageMadeUnder(context.token, context);
      if (ImageId === undefined) return { kind: 'absent' };
      return { kind: 'running', handle: { ImageId, FoundAt: context.now() } };
    },
    poll: (handle: ImageHandle, { SourceImageId }, _before, context) =>
      followImage(handle, SourceImageId, context),
    settleMs: imageSettleMs,
  },

  undo: {
    kind: 'restorePoint',
    effect: withoutImage<{ readonly SourceImageId: string }>(({ SourceImageId }) => SourceImageId),
  },
});
