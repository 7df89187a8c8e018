/** CloudFormation stacks: read with their events, told why they failed, and deleted. */
import { AwsFailure } from '../../transports/aws.ts';
import type { JsonObject } from '../../json.ts';
import { failed, pending, type ActionContext, type Failed, type Pending } from '../define-action.ts';
import { objectsIn, pages, textIn } from './reply.ts';

const pollMs = 5_000;
/** Pages of a hundred events; a stack has at most 500 resources with a handful of events each. */
const eventPagesMax = 50;
/** How much of AWS's reason is told. */
const reasonCharactersMax = 1_000;

export interface Stack {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly reason: string;
  /** Empty: it was never updated. */
  readonly lastUpdated: string;
}

/** By name only stacks that are not deleted, by id also those. Undefined: there is none. */
export async function describeStack(
  nameOrId: string,
  { aws, signal }: Pick<ActionContext, 'aws' | 'signal'>,
): Promise<Stack | undefined> {
  try {
    const params = { StackName: nameOrId };
    const reply = await aws.call({ service: 'cloudformation', operation: 'DescribeStacks', params, signal });
    const [stack] = objectsIn(reply, 'Stacks');
    if (stack === undefined) return undefined;
    return {
      id: textIn(stack, 'StackId'),
      name: textIn(stack, 'StackName'),
      status: textIn(stack, 'StackStatus'),
      reason: textIn(stack, 'StackStatusReason'),
      lastUpdated: textIn(stack, 'LastUpdatedTime'),
    };
  } catch (error) {
    if (isNoStack(error)) return undefined;
    throw error;
  }
}

/** CloudFormation has one code for everything that it refuses. */
function isNoStack(error: unknown): boolean {
  return (
    error instanceof AwsFailure && error.code === 'ValidationError' && /does not exist/.test(error.message)
  );
}

interface StackEvent {
  readonly type: string;
  readonly name: string;
  readonly physicalId: string;
  readonly status: string;
  readonly reason: string;
  /** The ClientRequestToken of the operation that it belongs to; empty: there was none. */
  readonly token: string;
}

/** Oldest first. */
async function readEvents(stackId: string, context: ActionContext): Promise<readonly StackEvent[]> {
  const events: StackEvent[] = [];
  let page = 0;
  for await (const reply of pages('cloudformation', 'DescribeStackEvents', { StackName: stackId }, context)) {
    for (const event of objectsIn(reply, 'StackEvents'))
      events.push({
        type: textIn(event, 'ResourceType'),
        name: textIn(event, 'LogicalResourceId'),
        physicalId: textIn(event, 'PhysicalResourceId'),
        status: textIn(event, 'ResourceStatus'),
        reason: textIn(event, 'ResourceStatusReason'),
        token: textIn(event, 'ClientRequestToken'),
      });
    page += 1;
    if (page >= eventPagesMax) break;
  }
  return events.toReversed();
}

/** The ClientRequestToken that the stack was created under; empty: under none. */
export async function creationToken(stackId: string, context: ActionContext): Promise<string> {
  return (await readEvents(stackId, context))[0]?.token ?? '';
}

/** CloudFormation's own reason: the first resource that failed, which is what everything else was cancelled for. */
async function firstFailure(
  stack: Stack,
  what: 'CREATE' | 'DELETE',
  context: ActionContext,
): Promise<string> {
  const events = await readEvents(stack.id, context);
  const begun = events.findLastIndex(
    ({ physicalId, status }) => physicalId === stack.id && status === `${what}_IN_PROGRESS`,
  );
  const first = events
    .slice(Math.max(begun, 0))
    .find(
      ({ status, reason, physicalId }) =>
        status === `${what}_FAILED` && physicalId !== stack.id && !/\bcancelled\b/i.test(reason),
    );
  if (first === undefined) return stack.reason || 'CloudFormation gives no reason';
  const { type, name, physicalId, status, reason } = first;
  const id = physicalId === '' ? '' : ` (${physicalId})`;
  return `${type} ${name}${id} ${status}: ${(reason || 'no reason given').slice(0, reasonCharactersMax)}`;
}

export async function stackFailure(
  stack: Stack,
  what: 'CREATE' | 'DELETE',
  context: ActionContext,
  more: Omit<Failed, 'kind' | 'code' | 'message'> = {},
): Promise<Failed> {
  const why = await firstFailure(stack, what, context);
  return failed('STACK_FAILED', `stack ${stack.name} is ${stack.status}: ${why}`, more);
}

export function waitingForStack({ name, status }: Stack): Pending {
  return pending(pollMs, `waiting for stack ${name}: ${status}`);
}

export type Deletion =
  | {
      readonly kind: 'gone';
      /** What the template keeps, for people; empty: nothing. */ readonly kept: string;
    }
  | Pending
  | Failed;

/** One round of deleting by id, under `token`; repeatable. `more`: RoleARN, RetainResources. */
export async function deleteStackById(
  stackId: string,
  token: string,
  more: JsonObject,
  context: ActionContext,
): Promise<Deletion> {
  const stack = await describeStack(stackId, context);
  if (stack === undefined || stack.status === 'DELETE_COMPLETE')
    return { kind: 'gone', kept: stack === undefined ? '' : await keptResources(stackId, context) };
  if (stack.status === 'DELETE_FAILED' && (await wasAsked(stackId, token, context)))
    return stackFailure(stack, 'DELETE', context);
  // A creation may be broken off; whatever else is under way comes to its end first.
  const isBusy = stack.status.endsWith('_IN_PROGRESS') && stack.status !== 'CREATE_IN_PROGRESS';
  if (isBusy) return waitingForStack(stack);
  const { aws, signal } = context;
  const params = { ...more, StackName: stackId, ClientRequestToken: token };
  await aws.call({ service: 'cloudformation', operation: 'DeleteStack', params, signal });
  return pending(1_000, `waiting for stack ${stack.name} to be deleted`);
}

async function wasAsked(stackId: string, token: string, context: ActionContext): Promise<boolean> {
  return (await readEvents(stackId, context)).some((event) => event.token === token);
}

/** Resources with a DeletionPolicy that keeps them. */
async function keptResources(stackId: string, context: ActionContext): Promise<string> {
  const kept = (await readEvents(stackId, context))
    .filter(({ status, physicalId }) => status === 'DELETE_SKIPPED' && physicalId !== '')
    .map(({ type, physicalId }) => `${type} ${physicalId}`);
  const named = [...new Set(kept)].slice(0, 20);
  return named.length === 0 ? '' : `its template keeps ${named.join(', ')}`;
}
