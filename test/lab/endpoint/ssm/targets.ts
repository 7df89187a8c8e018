/** Which instances a command goes to: the ids it names, or those whose tags match in moto's EC2. */
import type { JsonObject } from '../../../../src/json.ts';
import { listParam, objectsParam, textParam, type ApiCall } from '../api-call.ts';
import type { Cell } from '../cell.ts';
import { ApiError } from '../reply.ts';
import { items, textAt } from '../xml.ts';

/** The ids named. Throws InvalidInstanceId unless each is a running instance whose agent has registered. */
export function namedInstances(call: ApiCall, cell: Cell): string[] {
  const ids = listParam(call.params, 'InstanceIds');
  if (new Set(ids).size < ids.length)
    throw new ApiError('DuplicateInstanceId', 'Duplicate instance IDs are not allowed.');
  const invalid = ids.filter((id) => {
    const instance = cell.state.instances[id];
    return instance === undefined || instance.power !== 'running' || instance.agentSeenAt === 0;
  });
  if (invalid.length > 0)
    throw new ApiError(
      'InvalidInstanceId',
      `Instances [[${invalid.join(', ')}]] not in a valid state for account 123456789012`,
    );
  return ids;
}

/** Targets: keys are AND-ed, values OR-ed. Only managed instances that are not terminated count. */
export async function targetedInstances(call: ApiCall, cell: Cell): Promise<string[]> {
  const targets = objectsParam(call.params, 'Targets');
  if (targets.length > 5) throw new ApiError('ValidationException', 'at most 5 targets are allowed');
  let chosen: string[] | undefined;
  for (const target of targets) {
    const matching = await matchingInstances(target, call, cell);
    chosen = chosen === undefined ? matching : chosen.filter((id) => matching.includes(id));
  }
  return (chosen ?? []).filter((id) => {
    const instance = cell.state.instances[id];
    return (
      instance !== undefined &&
      instance.agentSeenAt > 0 &&
      !['shutting-down', 'terminated'].includes(instance.power)
    );
  });
}

/** The instances that one target or filter of the form `{ Key: 'tag:Name', Values: [...] }` names. */
export async function matchingInstances(target: JsonObject, call: ApiCall, cell: Cell): Promise<string[]> {
  const key = textParam(target, 'Key') ?? '';
  const values = listParam(target, 'Values');
  if (key === 'InstanceIds') return values;
  if (!key.startsWith('tag:') && key !== 'tag-key')
    throw new ApiError('InvalidTarget', `the lab has no targets by ${key}`);
  const form: Record<string, string> = { 'Filter.1.Name': key };
  values.forEach((value, index) => {
    form[`Filter.1.Value.${index + 1}`] = value;
  });
  const described = await cell.moto.ec2(call.caller, 'DescribeInstances', form);
  return items(described, 'reservationSet')
    .flatMap((reservation) => items(reservation, 'instancesSet'))
    .map((instance) => textAt(instance, 'instanceId'));
}
