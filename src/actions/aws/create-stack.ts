/** aws:createStack: a CloudFormation stack, created under a client request token and followed to its end. */
import { Type, type Static } from 'typebox';
import type { CatalogProblem } from '../../document/catalog.ts';
import type { JsonObject } from '../../json.ts';
import { AwsFailure } from '../../transports/aws.ts';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  pending,
  type ActionContext,
  type Poll,
  type UndoInputs,
} from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { textIn } from './reply.ts';
import { restoring } from './restoring.ts';
import {
  creationToken,
  deleteStackById,
  describeStack,
  stackFailure,
  waitingForStack,
  type Stack,
} from './stacks.ts';

type Before = { readonly StackId: string | null; readonly LastUpdatedTime: string };
/** `StackId` null: another stack of the name has to go or to settle first. */
type Handle = { readonly StackId: string | null };
type Outputs = {
  readonly StackId: string;
  readonly StackStatus: string;
  readonly StackStatusReason: string;
};
const settleMs = 15_000;
const templateBytesMax = 51_200;
const capabilities = ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM', 'CAPABILITY_AUTO_EXPAND'] as const;
const onFailure = Type.Enum(['DO_NOTHING', 'ROLLBACK', 'DELETE'], { default: 'ROLLBACK' });

const inputs = strictObject({
  StackName: Type.String({ maxLength: 128, pattern: '^[A-Za-z][-A-Za-z0-9]*$' }),
  TemplateBody: Type.Optional(
    Type.String({
      minLength: 1,
      description: `At most ${templateBytesMax} bytes; larger ones by TemplateURL. One of the two.`,
    }),
  ),
  TemplateURL: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, description: 'In S3.' })),
  Parameters: Type.Optional(
    Type.Array(
      strictObject({
        ParameterKey: Type.String(),
        ParameterValue: Type.Optional(
          Type.String({
            description: 'CloudFormation keeps and shows it: no secret; use {{resolve:…}} for one.',
          }),
        ),
        UsePreviousValue: Type.Optional(Type.Boolean()),
        ResolvedValue: Type.Optional(Type.String()),
      }),
    ),
  ),
  Capabilities: Type.Optional(Type.Array(Type.Enum(capabilities))),
  ClientRequestToken: Type.Optional(
    Type.String({
      maxLength: 128,
      pattern: '^[a-zA-Z0-9][-a-zA-Z0-9]*$',
      description: "Left out: Belay's own, a new one for each attempt that is known to have failed.",
    }),
  ),
  DisableRollback: Type.Optional(Type.Boolean({ default: false, description: 'Not beside OnFailure.' })),
  OnFailure: Type.Optional(onFailure),
  onFailure: Type.Optional(onFailure),
  NotificationARNs: Type.Optional(Type.Array(Type.String(), { maxItems: 5 })),
  ResourceTypes: Type.Optional(Type.Array(Type.String())),
  RoleARN: Type.Optional(Type.String({ minLength: 20, maxLength: 2048 })),
  StackPolicyBody: Type.Optional(Type.String({ maxLength: 16_384 })),
  StackPolicyURL: Type.Optional(Type.String({ maxLength: 5120 })),
  Tags: Type.Optional(
    Type.Array(strictObject({ Key: Type.String(), Value: Type.String() }), { maxItems: 50 }),
  ),
  TimeoutInMinutes: Type.Optional(
    Type.Union([Type.Integer({ minimum: 1 }), Type.String({ pattern: '^[1-9][0-9]*$' })]),
  ),
});
type Inputs = Static<typeof inputs>;

export const createStack = defineAction({
  name: 'aws:createStack',
  summary: 'Creates a CloudFormation stack and waits until all of its resources are there.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-createstack.html',
  example: `
- name: CreateHelpers
  action: aws:createStack
  inputs:
    StackName: 'helpers-{{ automation:EXECUTION_ID }}'
    Capabilities: [CAPABILITY_IAM]
    OnFailure: ROLLBACK
    TimeoutInMinutes: 30
    TemplateURL: https://s3.eu-west-1.amazonaws.com/templates/helpers.yaml
    Parameters:
      - { ParameterKey: InstanceId, ParameterValue: '{{ InstanceId }}' }
`,
  inputs,
  outputs: strictObject({
    StackId: Type.String(),
    StackStatus: Type.String(),
    StackStatusReason: Type.String(),
  }),
  timeoutSeconds: undefined,
  permissions: ({ RoleARN }) => [
    'cloudformation:CreateStack',
    'cloudformation:DescribeStacks',
    'cloudformation:DescribeStackEvents',
    'cloudformation:GetTemplate',
    'cloudformation:DeleteStack',
    ...(RoleARN === undefined ? [] : ['iam:PassRole']),
  ],
  targets: ({ StackName }) => [StackName],
  hasHostTargets: false,
  forbiddenInOnCancel: true,
  check: (inputs, tools) => checkStack(inputs, (value) => tools.isExpression(value)),

  before: ['StackId', 'LastUpdatedTime'],
  settled: ['StackId', 'LastUpdatedTime'],
  /** A stack that has the name already is nobody's to delete afterwards. */
  observe: async ({ StackName }, context): Promise<Before> => {
    const stack = await describeStack(StackName, context);
    return { StackId: stack?.id ?? null, LastUpdatedTime: stack?.lastUpdated ?? '' };
  },

  effect: {
    kind: 'begun',
    begin: async (inputs: Inputs, before, context): Promise<Handle> => {
      const made = await create(inputs, context);
      if (made !== 'taken') return { StackId: made };
      const way = await nameIsTaken(inputs, before, context);
      if (way.kind === 'failed')
        throw new ActionFailure({ code: way.code, message: way.message, effect: 'none' });
      return { StackId: way.kind === 'ours' ? way.stack.id : null };
    },
    adopt: async (inputs, before, context) => {
      const stack = await describeStack(inputs.StackName, context);
      if (stack === undefined) return { kind: 'absent' };
      switch (await whose(stack, inputs, before, context)) {
        case 'ours':
          return { kind: 'running', handle: { StackId: stack.id } };
        case 'unknown':
          return {
            kind: 'unknown',
            why: `CreateStack was called and its answer is lost; a stack ${stack.name} is there since, and nothing says whether it is that one`,
          };
        default:
          return { kind: 'absent' };
      }
    },
    poll: async ({ StackId }: Handle, inputs, before, context): Promise<Poll<Outputs>> => {
      if (StackId !== null) return follow(StackId, context);
      const way = await nameIsTaken(inputs, before, context);
      switch (way.kind) {
        case 'ours':
          return follow(way.stack.id, context);
        case 'free':
          await create(inputs, context);
          return pending(1_000, `creating stack ${inputs.StackName}`);
        default:
          return way;
      }
    },
    settleMs,
  },

  undo: {
    kind: 'restore',
    effect: restoring({
      look: async (undo: UndoInputs<Inputs, Before, Handle, Outputs>, context): Promise<Found> => {
        const { inputs, before, handle, outputs, token } = undo;
        const known = outputs?.StackId ?? handle?.StackId ?? null;
        const stack = await describeStack(known ?? inputs.StackName, context);
        if (stack === undefined || stack.id === before.StackId) return { StackId: null, Status: '' };
        const isOurs =
          known !== null || (await whose(stack, inputs, before, { ...context, token })) === 'ours';
        return isOurs ? { StackId: stack.id, Status: stack.status } : { StackId: null, Status: '' };
      },
      drive: async ({ StackId, Status }, { inputs }, context) => {
        if (StackId === null || Status === 'DELETE_COMPLETE') return done({});
        const gone = await deleteStackById(StackId, requestToken({}, context), {}, context);
        if (gone.kind !== 'gone') return gone;
        const change = { target: inputs.StackName, subject: 'stack', from: Status, to: null };
        return done({}, { changes: [change], ...(gone.kept === '' ? {} : { note: gone.kept }) });
      },
    }),
  },
});

type Found = { readonly StackId: string | null; readonly Status: string };

/** Names the operation to CloudFormation, which writes it into each event: by it the stack is known to be this step's. */
function requestToken(
  { ClientRequestToken }: JsonObject,
  { token, executionId }: Pick<ActionContext, 'token' | 'executionId'>,
): string {
  return typeof ClientRequestToken === 'string' ? ClientRequestToken : `${token}-${plain(executionId)}`;
}

const plain = (text: string): string => text.replaceAll(/[^A-Za-z0-9]/g, '-');

/** The id of the stack; `taken`: a stack has the name. */
async function create(inputs: Inputs, context: ActionContext): Promise<string> {
  const { onFailure: otherSpelling, TimeoutInMinutes, ...same } = inputs;
  const params: JsonObject = {
    ...same,
    ...(otherSpelling === undefined ? {} : { OnFailure: otherSpelling }),
    ...(TimeoutInMinutes === undefined ? {} : { TimeoutInMinutes: Number(TimeoutInMinutes) }),
    ClientRequestToken: requestToken(inputs, context),
  };
  const { aws, signal } = context;
  try {
    const reply = await aws.call({ service: 'cloudformation', operation: 'CreateStack', params, signal });
    return textIn(reply, 'StackId');
  } catch (error) {
    if (error instanceof AwsFailure && error.code === 'AlreadyExistsException') return 'taken';
    throw error;
  }
}

type Way =
  | { readonly kind: 'ours'; readonly stack: Stack }
  | { readonly kind: 'free' }
  | Extract<Poll<Outputs>, { kind: 'pending' | 'failed' }>;

/** What to do about the stack that has the name. What an earlier attempt of this execution left broken is deleted. */
async function nameIsTaken(inputs: Inputs, before: Before, context: ActionContext): Promise<Way> {
  const stack = await describeStack(inputs.StackName, context);
  if (stack === undefined) return { kind: 'free' };
  const owner = await whose(stack, inputs, before, context);
  if (owner === 'ours') return { kind: 'ours', stack };
  if (stack.status.endsWith('_IN_PROGRESS')) return waitingForStack(stack);
  if (owner === 'earlier' && broken.test(stack.status)) {
    const gone = await deleteStackById(stack.id, requestToken({}, context), {}, context);
    return gone.kind === 'gone' ? { kind: 'free' } : gone;
  }
  return failed(
    'STACK_EXISTS',
    `there is a stack ${stack.name} already, ${stack.status}, which this step did not create; delete it (aws:deleteStack) or take another StackName`,
  );
}

const broken = /^(?:CREATE_FAILED|ROLLBACK_COMPLETE|ROLLBACK_FAILED|DELETE_FAILED)$/;

/**
 * `earlier`: of an attempt of this execution that is known to have ended. A stand-in for AWS may keep no token in its events:
 * then a stack that appeared since the step looked, with the step's own template, is taken for the step's.
 */
async function whose(
  stack: Stack,
  inputs: Inputs,
  before: Before,
  context: ActionContext,
): Promise<'ours' | 'earlier' | 'other' | 'unknown'> {
  if (stack.id === before.StackId) return 'other';
  const token = await creationToken(stack.id, context);
  if (token === requestToken(inputs, context)) return 'ours';
  if (token !== '') return token.endsWith(`-${plain(context.executionId)}`) ? 'earlier' : 'other';
  const { TemplateBody } = inputs;
  if (typeof TemplateBody !== 'string') return 'unknown';
  const { aws, signal } = context;
  const params = { StackName: stack.id };
  const reply = await aws.call({ service: 'cloudformation', operation: 'GetTemplate', params, signal });
  return textIn(reply, 'TemplateBody').trim() === TemplateBody.trim() ? 'ours' : 'other';
}

async function follow(stackId: string, context: ActionContext): Promise<Poll<Outputs>> {
  const stack = await describeStack(stackId, context);
  if (stack === undefined)
    return failed('STACK_GONE', `stack ${stackId} was begun and does not exist any more`);
  const outputs = { StackId: stack.id, StackStatus: stack.status, StackStatusReason: stack.reason };
  const changes = [{ target: stack.name, subject: 'stack', from: null, to: stack.status }];
  if (stack.status === 'CREATE_COMPLETE') return done(outputs, { changes, note: stack.id });
  if (stack.status.endsWith('_IN_PROGRESS')) return waitingForStack(stack);
  const isThere = stack.status !== 'DELETE_COMPLETE';
  return stackFailure(stack, 'CREATE', context, { outputs, ...(isThere ? { changes } : {}) });
}

function checkStack(
  inputs: JsonObject,
  isExpression: (value: unknown) => boolean,
): readonly CatalogProblem[] {
  const problems: CatalogProblem[] = [];
  const wrong = (path: readonly string[], message: string, hint?: string): void => {
    problems.push({ code: 'WRONG_INPUT', path, message, ...(hint === undefined ? {} : { hint }) });
  };
  const has = (name: string): boolean => inputs[name] !== undefined;
  const notBoth = (one: string, other: string): void => {
    if (has(one) && has(other)) wrong([other], `${one} and ${other} exclude each other`, 'Keep one of them.');
  };
  if (!has('TemplateBody') && !has('TemplateURL'))
    wrong([], 'a stack needs a template', 'Add TemplateBody or TemplateURL.');
  notBoth('TemplateBody', 'TemplateURL');
  notBoth('DisableRollback', 'OnFailure');
  notBoth('DisableRollback', 'onFailure');
  notBoth('OnFailure', 'onFailure');
  notBoth('StackPolicyBody', 'StackPolicyURL');
  const { TemplateBody } = inputs;
  if (typeof TemplateBody === 'string' && !isExpression(TemplateBody)) {
    const bytes = new TextEncoder().encode(TemplateBody).length;
    if (bytes > templateBytesMax)
      wrong(
        ['TemplateBody'],
        `the template has ${bytes} bytes, and CloudFormation takes at most ${templateBytesMax} here`,
        'Put it into S3 and give its TemplateURL.',
      );
  }
  return problems;
}
