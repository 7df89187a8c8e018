/** aws:deleteImage: an image goes, and the snapshots that it is made of. */
import { Type } from 'typebox';
import type { JsonObject } from '../../json.ts';
import { ActionFailure, defineAction, done } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { describeImage, removed, removeImage } from './images.ts';

type Before = { readonly Name: string; readonly State: string; readonly Snapshots: readonly string[] };

export const deleteImage = defineAction({
  name: 'aws:deleteImage',
  summary: 'Deregisters an image and deletes the snapshots that it is made of.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-delete.html',
  example: `
- name: DropOldImage
  action: aws:deleteImage
  inputs:
    ImageId: '{{ ImageId }}'
`,
  inputs: strictObject({
    ImageId: Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
      description: 'The image, as ami-0c4e…. Null, as of a step that did not happen: nothing to delete.',
    }),
  }),
  outputs: strictObject({}),
  timeoutSeconds: undefined,
  permissions: () => ['ec2:DescribeImages', 'ec2:DeregisterImage', 'ec2:DeleteSnapshot'],
  targets: ({ ImageId }) => (ImageId === null ? [] : [ImageId]),
  hasHostTargets: false,
  removesRestorePoints: 'ImageId',

  before: ['Name', 'State', 'Snapshots'],
  /** An image that is gone cannot say any more what it stood on, so that is journaled first. */
  observe: async ({ ImageId }, context): Promise<Before> => {
    if (ImageId === null) return { Name: '', State: '', Snapshots: [] };
    const image = await describeImage(ImageId, context);
    if (image === undefined)
      throw new ActionFailure({ code: 'NO_SUCH_IMAGE', message: `EC2 lists no image ${ImageId}` });
    return { Name: image.name, State: image.state, Snapshots: image.snapshots };
  },

  effect: {
    kind: 'repeatable',
    execute: async ({ ImageId }: { readonly ImageId: string | null }, before, context) => {
      if (ImageId === null) return done<JsonObject>({});
      const removal = { ImageId, Snapshots: before.Snapshots };
      const unfinished = await removeImage(removal, context);
      return unfinished ?? done<JsonObject>({}, removed(ImageId, removal));
    },
  },
  undo: {
    kind: 'none',
    reason: 'a deregistered image and its deleted snapshots cannot be brought back',
    leavesChange: true,
  },
});
