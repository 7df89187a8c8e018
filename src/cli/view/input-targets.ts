/** What a step will act on, as far as its inputs name it: for the moving line and for the question before the start. */
import type { Json, JsonObject } from '../../json.ts';

const targetInputs = ['Host', 'Hosts', 'InstanceId', 'InstanceIds', 'VolumeId', 'VolumeIds'];

/** Expressions are left out; the step's end says it exactly. */
export function targetsOfInputs(inputs: JsonObject): string[] {
  const isText = (value: Json): value is string => typeof value === 'string' && !value.includes('{{');
  for (const key of targetInputs) {
    const value = inputs[key];
    if (value === undefined) continue;
    if (isText(value)) return [value];
    if (Array.isArray(value)) return value.filter(isText);
  }
  return [];
}
