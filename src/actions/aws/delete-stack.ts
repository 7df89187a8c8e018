/** aws:deleteStack: a CloudFormation stack goes with its resources. */
import { Type } from 'typebox';
import type { JsonObject } from '../../json.ts';
import { defineAction, done } from '../define-action.ts';
import { deleteStackById, describeStack } from './stacks.ts';

/** `StackId` null: there was no such stack. Its id is needed: the name of a deleted stack finds nothing. */
type Before = { readonly StackId: string | null; readonly StackStatus: string };

const numbered = /^RetainResources\.member\.(\d+)$/;

export const deleteStack = defineAction({
  name: 'aws:deleteStack',
  summary: 'Deletes a CloudFormation stack with its resources, and waits until it is gone.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-deletestack.html',
  example: `
- name: DropHelpers
  action: aws:deleteStack
  inputs:
    StackName: '{{ CreateHelpers.StackId }}'
`,
  inputs: Type.Object(
    {
      StackName: Type.String({ minLength: 1, description: 'The name, or the id.' }),
      RoleARN: Type.Optional(Type.String({ minLength: 20, maxLength: 2048 })),
      ClientRequestToken: Type.Optional(
        Type.String({ maxLength: 128, pattern: '^[a-zA-Z0-9][-a-zA-Z0-9]*$' }),
      ),
      RetainResources: Type.Optional(
        Type.Array(Type.String(), {
          description: 'Logical ids of resources that stay. Only of a stack that is DELETE_FAILED.',
        }),
      ),
    },
    {
      additionalProperties: false,
      patternProperties: {
        [numbered.source]: Type.String({
          description: 'The same, as AWS writes it: RetainResources.member.1.',
        }),
      },
    },
  ),
  outputs: Type.Object({}, { additionalProperties: false }),
  timeoutSeconds: undefined,
  permissions: ({ RoleARN }) => [
    'cloudformation:DescribeStacks',
    'cloudformation:DescribeStackEvents',
    'cloudformation:DeleteStack',
    ...(RoleARN === undefined ? [] : ['iam:PassRole']),
  ],
  targets: ({ StackName }) => [StackName],
  hasHostTargets: false,

  before: ['StackId', 'StackStatus'],
  observe: async ({ StackName }, context): Promise<Before> => {
    const stack = await describeStack(StackName, context);
    return { StackId: stack?.id ?? null, StackStatus: stack?.status ?? '' };
  },

  effect: {
    kind: 'repeatable',
    execute: async (inputs: JsonObject & { readonly StackName: string }, before, context) => {
      const { StackId, StackStatus } = before;
      // CloudFormation takes the deletion of what is not there for done.
      if (StackId === null || StackStatus === 'DELETE_COMPLETE')
        return done<JsonObject>({}, { note: `there is no stack ${inputs.StackName}` });
      const { ClientRequestToken, RoleARN } = inputs;
      const token = typeof ClientRequestToken === 'string' ? ClientRequestToken : context.token;
      const kept = retained(inputs);
      const more = {
        ...(RoleARN === undefined ? {} : { RoleARN }),
        ...(kept.length === 0 ? {} : { RetainResources: kept }),
      };
      const gone = await deleteStackById(StackId, token, more, context);
      if (gone.kind !== 'gone') return gone;
      const change = { target: inputs.StackName, subject: 'stack', from: StackStatus, to: null };
      return done<JsonObject>({}, { changes: [change], ...(gone.kept === '' ? {} : { note: gone.kept }) });
    },
  },
  undo: {
    kind: 'none',
    reason: 'a deleted stack and its resources cannot be brought back',
    leavesChange: true,
  },
});

function retained(inputs: JsonObject): readonly string[] {
  const listed = inputs['RetainResources'];
  const numberedOnes = Object.entries(inputs)
    .flatMap(([name, value]) => {
      const place = numbered.exec(name)?.[1];
      return place === undefined || typeof value !== 'string' ? [] : [{ place: Number(place), value }];
    })
    .sort((a, b) => a.place - b.place)
    .map(({ value }) => value);
  const plainOnes = Array.isArray(listed) ? listed.filter((each) => typeof each === 'string') : [];
  return [...plainOnes, ...numberedOnes];
}
