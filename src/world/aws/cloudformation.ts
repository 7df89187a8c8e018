/** cloudformation: stacks with their states and their own events. The resources of a template are not made. */
import { own, type JsonObject } from '../../json.ts';
import { durationsMs } from '../durations.ts';
import { newUuid } from '../ids.ts';
import type { StackState, WorldState } from '../state.ts';
import { changes, iso, reads, type Operations } from './operation.ts';
import { page } from './page.ts';
import type { Params } from './params.ts';
import { AwsRefusal } from './refusal.ts';

export const cloudFormationOperations: Operations = {
  CreateStack: changes(
    [
      'StackName',
      'TemplateBody',
      'Parameters',
      'Capabilities',
      'ClientRequestToken',
      'DisableRollback',
      'OnFailure',
      'TimeoutInMinutes',
      'Tags',
    ],
    ({ state, params, now }) => {
      const name = params.needText('StackName');
      const standing = standingStack(state, name);
      if (standing) throw new AwsRefusal('AlreadyExistsException', `Stack [${name}] already exists`);
      const template = params.text('TemplateBody') ?? '';
      if (!/Resources/.test(template))
        throw new AwsRefusal(
          'ValidationError',
          'Template format error: At least one Resources member must be defined.',
        );
      const id = `arn:${state.partition}:cloudformation:${state.region}:${state.account}:stack/${name}/${newUuid(state, 'stack')}`;
      const token = params.text('ClientRequestToken') ?? '';
      state.stacks[id] = {
        id,
        name,
        status: 'CREATE_IN_PROGRESS',
        settlesAt: now + durationsMs.stack,
        createdAt: now,
        template,
        parameters: pairs(params, 'Parameters', 'ParameterKey', 'ParameterValue'),
        tags: pairs(params, 'Tags', 'Key', 'Value'),
        events: [{ at: now, status: 'CREATE_IN_PROGRESS', token }],
      };
      return { StackId: id };
    },
  ),

  DeleteStack: changes(['StackName', 'ClientRequestToken'], ({ state, params, now }) => {
    const stack = find(state, params.needText('StackName'));
    if (stack === undefined || stack.status.startsWith('DELETE_')) return {};
    stack.status = 'DELETE_IN_PROGRESS';
    stack.settlesAt = now + durationsMs.stack;
    const token = params.text('ClientRequestToken') ?? '';
    stack.events.push({ at: now, status: 'DELETE_IN_PROGRESS', token });
    return {};
  }),

  DescribeStacks: reads(['StackName', 'NextToken'], ({ state, params }) => {
    const name = params.text('StackName');
    if (name === undefined) {
      const there = Object.values(state.stacks).filter(({ status }) => status !== 'DELETE_COMPLETE');
      return page(params, 'Stacks', there.map(replyOf));
    }
    return page(params, 'Stacks', [replyOf(need(state, name))]);
  }),

  DescribeStackEvents: reads(['StackName', 'NextToken'], ({ state, params }) => {
    const stack = need(state, params.needText('StackName'));
    const events = stack.events.toReversed().map(({ at, status, token }, index) => ({
      StackId: stack.id,
      StackName: stack.name,
      EventId: String(stack.events.length - index),
      LogicalResourceId: stack.name,
      PhysicalResourceId: stack.id,
      ResourceType: 'AWS::CloudFormation::Stack',
      Timestamp: iso(at),
      ResourceStatus: status,
      ...(token === '' ? {} : { ClientRequestToken: token }),
    }));
    return page(params, 'StackEvents', events);
  }),

  GetTemplate: reads(['StackName'], ({ state, params }) => ({
    TemplateBody: need(state, params.needText('StackName')).template,
    StagesAvailable: ['Original', 'Processed'],
  })),
};

/** By name only what is not deleted, by id everything. */
function find(state: WorldState, nameOrId: string): StackState | undefined {
  return own(state.stacks, nameOrId) ?? standingStack(state, nameOrId);
}

function standingStack(state: WorldState, name: string): StackState | undefined {
  return Object.values(state.stacks).find(
    (stack) => stack.name === name && stack.status !== 'DELETE_COMPLETE',
  );
}

function need(state: WorldState, nameOrId: string): StackState {
  const stack = find(state, nameOrId);
  if (stack === undefined)
    throw new AwsRefusal('ValidationError', `Stack with id ${nameOrId} does not exist`);
  return stack;
}

function replyOf(stack: StackState): JsonObject {
  return {
    StackId: stack.id,
    StackName: stack.name,
    CreationTime: iso(stack.createdAt),
    StackStatus: stack.status,
    Parameters: Object.entries(stack.parameters).map(([ParameterKey, ParameterValue]) => ({
      ParameterKey,
      ParameterValue,
    })),
    Tags: Object.entries(stack.tags).map(([Key, Value]) => ({ Key, Value })),
    Outputs: [],
  };
}

function pairs(params: Params, member: string, key: string, value: string): Record<string, string> {
  return Object.fromEntries(
    params.objects(member).map((each) => [each.needText(key), each.text(value) ?? '']),
  );
}
