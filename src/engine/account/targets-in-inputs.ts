/** What a step acts on, as far as its inputs name it. Pure. */
import type { Json, JsonObject } from '../../json.ts';

const targetInputs = ['Host', 'Hosts', 'InstanceId', 'InstanceIds', 'VolumeId', 'VolumeIds'];

/** Names of hosts and ids; empty where one of them is a group, a range or a tag, which only belay.yaml and EC2 can tell. */
export function targetsInInputs(inputs: JsonObject): string[] {
  for (const key of targetInputs) {
    const value = inputs[key];
    if (value === undefined) continue;
    const names = Array.isArray(value) ? value : [value];
    return names.every(isName) ? names : [];
  }
  return [];
}

const isName = (value: Json): value is string => typeof value === 'string' && /^[\w.-]+$/.test(value);
