/** Which targets a choice of executeAutomation means: hosts of the inventory where it knows any, else instances and members that AWS knows. */
import { allInstances, ActionFailure, targetProblem, type ActionContext } from '../../actions/index.ts';
import type { InputOf } from '../../engine/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';

/** Targets of one step. */
const targetsMax = 10_000;

/** Throws ActionFailure and what AWS throws. */
export async function findTargets(
  { key, values }: InputOf['findTargets'],
  context: ActionContext,
): Promise<readonly string[]> {
  const problem = targetProblem(key, values);
  if (problem !== undefined) throw new ActionFailure({ code: 'UNKNOWN_TARGET', message: problem });
  const found = [...new Set(await targetsOf(key, values, context))];
  if (found.length <= targetsMax) return found;
  throw new ActionFailure({
    code: 'TOO_MANY_TARGETS',
    message: `${key} means ${found.length} targets, and one step has at most ${targetsMax}`,
  });
}

async function targetsOf(key: string, values: readonly string[], context: ActionContext): Promise<string[]> {
  if (key === 'InstanceIds') return [...values];
  if (key === 'Hosts') return [...context.targets(values)];
  if (key === allInstances) return instances([], context);
  if (key === 'ResourceGroup')
    return (await Promise.all(values.map((name) => members(name, context)))).flat();
  const hosts = values.flatMap((value) => inInventory(`${key}=${value}`, context));
  return hosts.length > 0 ? hosts : instances([{ Name: key, Values: [...values] }], context);
}

function inInventory(selector: string, context: ActionContext): readonly string[] {
  try {
    return context.targets([selector]);
  } catch (error) {
    if (error instanceof ActionFailure && error.code === 'UNKNOWN_TARGET') return [];
    throw error;
  }
}

/** Those that are not gone: a terminated instance keeps its tags for an hour. */
function instances(filters: readonly JsonObject[], context: ActionContext): Promise<string[]> {
  const states = { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] };
  return pages('ec2', 'DescribeInstances', { Filters: [...filters, states] }, context, (page) =>
    objects(page['Reservations'])
      .flatMap((reservation) => objects(reservation['Instances']))
      .flatMap(({ InstanceId: id }) => (typeof id === 'string' ? [id] : [])),
  );
}

/** By the last part of their ARN, which is what runbooks take. */
function members(group: string, context: ActionContext): Promise<string[]> {
  return pages('resource-groups', 'ListGroupResources', { Group: group }, context, (page) =>
    objects(page['ResourceIdentifiers']).flatMap(({ ResourceArn: arn }) =>
      typeof arn === 'string' ? [arn.split(/[:/]/).at(-1) ?? arn] : [],
    ),
  );
}

async function pages(
  service: string,
  operation: string,
  params: JsonObject,
  { aws, signal }: ActionContext,
  read: (page: JsonObject) => string[],
): Promise<string[]> {
  const found: string[] = [];
  let token: Json = null;
  do {
    const next: JsonObject = token === null ? {} : { NextToken: token };
    const page: JsonObject = await aws.call({ service, operation, params: { ...params, ...next }, signal });
    found.push(...read(page));
    token = typeof page['NextToken'] === 'string' && page['NextToken'] !== '' ? page['NextToken'] : null;
  } while (token !== null && found.length <= targetsMax);
  return found;
}

function objects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter((item: Json): item is JsonObject => isJsonObject(item)) : [];
}
