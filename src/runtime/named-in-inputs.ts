/** What a step's inputs name without any step having run: hosts, selectors of hosts and URLs, also inside lists. */
import type { AnyAction } from '../actions/index.ts';
import { isExpression, resolveInputs, type Step } from '../document/index.ts';
import type { Json, JsonObject } from '../json.ts';
import { canNameHost } from '../transports/host.ts';
import { parameterScope } from './parameter-scope.ts';

export interface NamedInInputs {
  readonly hosts: readonly string[];
  readonly selectors: readonly string[];
  readonly urls: readonly string[];
}

export function namedInInputs(step: Step, action: AnyAction, parameters: JsonObject): NamedInInputs {
  const { Host, Hosts, Targets, InstanceIds, Url, Target } = step.inputs;
  const known = (value: Json | undefined) => textsOf(value, parameters);
  const declared = Object.keys(propertiesOf(action));
  const of = (name: string, value: Json | undefined) => (declared.includes(name) ? known(value) : []);
  // A target of its own with a Host and a Url, as a backup has.
  const inner = isObject(Target) && declared.includes('Target') ? Target : {};
  return {
    hosts: [
      ...of('Host', Host),
      ...(action.overHosts === true ? [] : of('Hosts', Hosts)),
      ...(action.hasHostTargets ? of('InstanceIds', InstanceIds).filter(canNameHost) : []),
      ...known(inner['Host']),
    ],
    selectors: action.flow === 'rolling' ? known(Targets) : action.overHosts === true ? known(Hosts) : [],
    urls: [...of('Url', Url), ...known(inner['Url'])],
  };
}

/** Those that are known before any step has run; an empty one is a parameter that was left empty. */
function textsOf(value: Json | undefined, parameters: JsonObject): string[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((item: Json) => textsOf(item, parameters));
  const resolved = resolveInputs(value, parameterScope(parameters));
  if (!resolved.ok) return [];
  if (Array.isArray(resolved.value)) {
    return resolved.value.filter(
      (item: Json) => typeof item === 'string' && item !== '' && !isExpression(item),
    ) as string[];
  }
  const text = resolved.value;
  return typeof text === 'string' && text !== '' && !isExpression(text) ? [text] : [];
}

function propertiesOf({ inputs }: AnyAction): object {
  return 'properties' in inputs && typeof inputs.properties === 'object' && inputs.properties !== null
    ? inputs.properties
    : {};
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
