/** aws:createTags: sets tags and waits until they are visible; undo puts the previous values back and removes new keys. */
import { Type, type Static } from 'typebox';
import type { JsonObject } from '../../json.ts';
import { defineAction, done, pending, type ActionContext, type UndoInputs } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { restoring } from './restoring.ts';
import { putTags, readTags, removeTags, tagChanges, taggedTypes, type TagValues } from './tag-values.ts';
import type { TaggedType } from './tag-values.ts';

type Before = { readonly Tags: TagValues };

const inputs = strictObject({
  ResourceType: Type.Optional(Type.Enum(taggedTypes, { default: 'EC2' })),
  ResourceIds: Type.Array(Type.String(), {
    minItems: 1,
    description: 'Several for EC2; one for the other types.',
  }),
  Tags: Type.Array(
    strictObject({
      Key: Type.String({ minLength: 1, maxLength: 128 }),
      Value: Type.String({ maxLength: 256 }),
    }),
    { minItems: 1, maxItems: 50 },
  ),
});
type Inputs = Static<typeof inputs>;

export const createTags = defineAction({
  name: 'aws:createTags',
  summary: 'Sets tags on EC2 resources, managed instances, maintenance windows or parameters.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-createtag.html',
  example: `
- name: MarkAsPatching
  action: aws:createTags
  inputs:
    ResourceType: EC2
    ResourceIds: ['{{ InstanceId }}']
    Tags:
      - { Key: Patching, Value: '{{ automation:EXECUTION_ID }}' }
`,
  inputs,
  outputs: strictObject({}),
  timeoutSeconds: undefined,
  permissions: ({ ResourceType }) =>
    (ResourceType ?? 'EC2') === 'EC2'
      ? ['ec2:DescribeTags', 'ec2:CreateTags', 'ec2:DeleteTags']
      : ['ssm:ListTagsForResource', 'ssm:AddTagsToResource', 'ssm:RemoveTagsFromResource'],
  targets: ({ ResourceIds }) => ResourceIds,
  hasHostTargets: false,
  forbiddenInOnCancel: true,
  check: ({ ResourceType, ResourceIds }, tools) => {
    if (typeof ResourceType !== 'string' || ResourceType === 'EC2' || tools.isExpression(ResourceType))
      return [];
    if (!Array.isArray(ResourceIds) || ResourceIds.length <= 1) return [];
    const message = `${ResourceType} takes one resource per step, and ResourceIds has ${ResourceIds.length}`;
    return [{ code: 'WRONG_INPUT', path: ['ResourceIds'], message }];
  },

  before: ['Tags'],
  settled: ['Tags'],
  observe: async (inputs, context): Promise<Before> => ({ Tags: await read(inputs, context) }),

  effect: {
    kind: 'repeatable',
    execute: async (inputs, { Tags: before }, context) => {
      const tags = Object.fromEntries(inputs.Tags.map(({ Key, Value }) => [Key, Value]));
      await putTags(typeOf(inputs), inputs.ResourceIds, tags, context);
      const wanted = Object.fromEntries(inputs.ResourceIds.map((resource) => [resource, tags]));
      const missing = tagChanges(await read(inputs, context), wanted);
      if (missing.length > 0) return pending(1_000, `waiting for ${missing.length} tags to become visible`);
      return done<JsonObject>({}, { changes: tagChanges(before, wanted) });
    },
  },

  undo: {
    kind: 'restore',
    effect: restoring({
      look: ({ inputs }: UndoInputs<Inputs, Before, null, JsonObject>, context) => read(inputs, context),
      drive: async (found, { inputs, before }, context) => {
        const type = typeOf(inputs);
        const present = await read(inputs, context);
        for (const [resource, previous] of Object.entries(before.Tags)) {
          const differing = Object.entries(previous).filter(
            ([key, value]) => present[resource]?.[key] !== value,
          );
          const removed = differing.filter(([, value]) => value === null).map(([key]) => key);
          const kept = differing.filter((entry): entry is [string, string] => entry[1] !== null);
          if (kept.length > 0) await putTags(type, [resource], Object.fromEntries(kept), context);
          if (removed.length > 0) await removeTags(type, resource, removed, context);
        }
        const remaining = tagChanges(await read(inputs, context), before.Tags);
        if (remaining.length > 0)
          return pending(1_000, `waiting for ${remaining.length} tags to be as before`);
        return done({}, { changes: tagChanges(found, before.Tags) });
      },
    }),
  },
});

function typeOf({ ResourceType }: Inputs): TaggedType {
  return ResourceType ?? 'EC2';
}

function read(inputs: Inputs, context: ActionContext): Promise<TagValues> {
  const keys = inputs.Tags.map(({ Key }) => Key);
  return readTags(typeOf(inputs), inputs.ResourceIds, keys, context);
}
