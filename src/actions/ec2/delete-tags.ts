/** ec2:deleteTags: takes tags off EC2 resources, whatever their values; undo puts the values back. */
import { Type, type Static } from 'typebox';
import type { Json, JsonObject } from '../../json.ts';
import { putTags, readTags, removeTags, tagChanges, type TagValues } from '../aws/tag-values.ts';
import { restoring } from '../aws/restoring.ts';
import { defineAction, done, pending, type ActionContext, type UndoInputs } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';

const lookAgainMs = 1_000;

type Before = { readonly Tags: TagValues };

const inputs = strictObject({
  ResourceIds: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 1000 }),
  Keys: Type.Array(Type.String({ minLength: 1, maxLength: 128 }), {
    minItems: 1,
    maxItems: 50,
    description: 'A resource that has no such tag is left as it is.',
  }),
});
type Inputs = Static<typeof inputs>;

export const deleteTags = defineAction({
  name: 'ec2:deleteTags',
  summary: 'Takes tags off EC2 resources and waits until they are gone; undo puts their values back.',
  source: 'https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html',
  example: `
    - name: TakeMarkOff
      action: ec2:deleteTags
      inputs: { ResourceIds: [vol-0b2c4e6f81a3d5790], Keys: [Patching] }`,
  inputs,
  outputs: strictObject({}),
  timeoutSeconds: 300,
  permissions: () => ['ec2:DescribeTags', 'ec2:DeleteTags', 'ec2:CreateTags'],
  targets: ({ ResourceIds }) => ResourceIds,
  hasHostTargets: false,

  inSsm: ({ ResourceIds, Keys }) =>
    Array.isArray(Keys)
      ? [
          {
            action: 'aws:executeAwsApi',
            inputs: {
              Service: 'ec2',
              Api: 'DeleteTags',
              Resources: ResourceIds ?? [],
              Tags: (Keys as readonly Json[]).map((Key) => ({ Key })),
            },
          },
        ]
      : [],

  putsBack: ['Tags'],
  observe: async (inputs: Inputs, context): Promise<Before> => ({ Tags: await read(inputs, context) }),

  effect: {
    kind: 'repeatable',
    execute: async (inputs: Inputs, { Tags: before }, context) => {
      const present = await read(inputs, context);
      for (const [resource, tags] of Object.entries(present)) {
        const keys = Object.keys(tags).filter((key) => tags[key] !== null);
        if (keys.length > 0) await removeTags('EC2', resource, keys, context);
      }
      const left = tagChanges(await read(inputs, context), without(before));
      if (left.length > 0) return pending(lookAgainMs, `waiting for ${left.length} tags to be gone`);
      return done<JsonObject>({}, { changes: tagChanges(before, without(before)) });
    },
  },

  undo: {
    kind: 'restore',
    effect: restoring({
      look: ({ inputs }: UndoInputs<Inputs, Before, null, JsonObject>, context) => read(inputs, context),
      drive: async (found, { inputs, before }, context) => {
        // A tag that somebody has put there since stays as it is.
        const wanted = overlaid(found, before.Tags);
        const missing = tagChanges(await read(inputs, context), wanted);
        if (missing.length === 0) return done({}, { changes: tagChanges(found, wanted) });
        for (const [resource, tags] of Object.entries(wanted)) {
          const present = Object.entries(tags).filter((tag): tag is [string, string] => tag[1] !== null);
          if (present.length > 0) await putTags('EC2', [resource], Object.fromEntries(present), context);
        }
        return pending(lookAgainMs, `waiting for ${missing.length} tags to be as before`);
      },
    }),
  },
});

const read = ({ ResourceIds, Keys }: Inputs, context: ActionContext): Promise<TagValues> =>
  readTags('EC2', ResourceIds, Keys, context);

const mapped = (
  values: TagValues,
  change: (resource: string, key: string, value: string | null) => string | null,
): TagValues =>
  Object.fromEntries(
    Object.entries(values).map(([resource, tags]) => [
      resource,
      Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, change(resource, key, value)])),
    ]),
  );

const without = (values: TagValues): TagValues => mapped(values, () => null);

const overlaid = (above: TagValues, below: TagValues): TagValues =>
  mapped(below, (resource, key, value) => above[resource]?.[key] ?? value);
