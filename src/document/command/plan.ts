/**
 * A Command document with values → the plugins that are to run, in order, values in their place. What decides on the host
 * (its platform) is left to the host.
 *
 * A text that is one parameter takes its value; inside a longer text it is written as it is, lists and maps as JSON. A value
 * that is put in is never looked at again.
 */
import { isJsonObject, own, type Json, type JsonObject } from '../../json.ts';
import { checkArgument } from '../parameters.ts';
import { plugins } from './plugins.ts';
import { referencePattern } from './references.ts';
import type { CommandDocument, CommandStep, Precondition } from './types.ts';

export interface PlannedPlugin {
  readonly name: string;
  readonly action: string;
  readonly inputs: JsonObject;
  /** Only on a host of this platform: `Linux`, `MacOS`, `Windows`; null: on every one that the plugin is for. */
  readonly platform: string | null;
  /** A precondition of parameters does not hold, wherever it is. */
  readonly isSkipped: boolean;
  /** On a platform that the plugin is not for, it is skipped (2.2) or fails (1.2, 2.0). */
  readonly skipsOtherPlatforms: boolean;
  readonly onFailure: CommandStep['onFailure'];
  readonly onSuccess: CommandStep['onSuccess'];
  readonly finallyStep: boolean;
}

export type CommandPlan =
  | {
      readonly ok: true;
      readonly plugins: readonly PlannedPlugin[];
      /** SSM_<name> of the parameters that are given so. */
      readonly env: Readonly<Record<string, string>>;
    }
  | { readonly ok: false; readonly problems: readonly string[] };

/** `given`: values as they come, text also for numbers and lists of one. */
export function commandPlan(document: CommandDocument, given: JsonObject): CommandPlan {
  const problems: string[] = [];
  const values = new Map<string, Json>();
  for (const name of Object.keys(given)) {
    if (own(document.parameters, name) === undefined) {
      const known = Object.keys(document.parameters).join(', ') || 'none';
      problems.push(`there is no parameter ${name}; the document has ${known}`);
    }
  }
  for (const [name, parameter] of Object.entries(document.parameters)) {
    const value = own(given, name) ?? parameter.default;
    if (value === undefined) {
      problems.push(`the parameter ${name} has no default and is not given`);
      continue;
    }
    const shaped = shapedAs(value, parameter.type);
    if (own(given, name) !== undefined)
      problems.push(...checkArgument(name, parameter, shaped).map(({ message }) => message));
    values.set(name, shaped);
  }
  for (const [name, value] of values)
    if (storeReference(value))
      problems.push(`the parameter ${name} is {{ssm:…}}, which only SSM itself resolves`);
  if (problems.length > 0) return { ok: false, problems };
  const inEnvironment = new Set(
    Object.entries(document.parameters).flatMap(([name, { interpolationType }]) =>
      interpolationType === 'ENV_VAR' ? [name] : [],
    ),
  );
  return {
    ok: true,
    plugins: document.steps.map((step) => planned(step, document, values, inEnvironment)),
    env: Object.fromEntries(
      [...inEnvironment].map((name) => [`SSM_${name}`, textOf(values.get(name) ?? '')]),
    ),
  };
}

function planned(
  step: CommandStep,
  { schemaVersion }: CommandDocument,
  values: ReadonlyMap<string, Json>,
  inEnvironment: ReadonlySet<string>,
): PlannedPlugin {
  const variable =
    step.action === 'aws:runPowerShellScript'
      ? (name: string) => `\${env:SSM_${name}}`
      : (name: string) => `\${SSM_${name}}`;
  const lookup = (name: string): Json | undefined =>
    inEnvironment.has(name) ? variable(name) : values.get(name);
  const condition = schemaVersion === '2.2' ? step.precondition : null;
  const platform = condition === null ? null : platformOf(condition);
  return {
    name: step.name,
    action: step.action,
    inputs: fillMap(step.inputs, lookup),
    platform,
    isSkipped: condition !== null && platform === null && !holds(condition, (name) => values.get(name)),
    skipsOtherPlatforms: schemaVersion === '2.2',
    onFailure: step.onFailure,
    onSuccess: step.onSuccess,
    finallyStep: step.finallyStep,
  };
}

type Lookup = (name: string) => Json | undefined;

function platformOf({ left, right }: Precondition): string | null {
  if (left === 'platformType') return right;
  return right === 'platformType' ? left : null;
}

function holds({ left, right }: Precondition, lookup: Lookup): boolean {
  return textOf(fillText(left, lookup)) === textOf(fillText(right, lookup));
}

function fill(value: Json, lookup: Lookup): Json {
  if (typeof value === 'string') return fillText(value, lookup);
  if (Array.isArray(value)) {
    return (value as readonly Json[]).flatMap((item) => {
      const filled = fill(item, lookup);
      return typeof item === 'string' && Array.isArray(filled) ? (filled as readonly Json[]) : [filled];
    });
  }
  return isJsonObject(value) ? fillMap(value, lookup) : value;
}

function fillMap(map: JsonObject, lookup: Lookup): JsonObject {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, fill(value, lookup)]));
}

function fillText(text: string, lookup: Lookup): Json {
  const whole = /^\{\{\s*([A-Za-z0-9_]+)\s*\}\}$/.exec(text)?.[1];
  const value = whole === undefined ? undefined : lookup(whole);
  if (value !== undefined) return value;
  return text.replace(referencePattern, (written, name: string) => {
    const found = lookup(name);
    return found === undefined ? written : textOf(found);
  });
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function storeReference(value: Json): boolean {
  return typeof value === 'string' && /\{\{\s*ssm(-secure)?:/.test(value);
}

/** SendCommand gives lists of texts: one text for a String, and one for a list that has one. */
function shapedAs(value: Json, type: string): Json {
  const isList = type === 'StringList' || type.startsWith('List<');
  if (isList) return Array.isArray(value) ? (value as readonly Json[]).map(textOf) : [textOf(value)];
  const [only] = Array.isArray(value) && value.length === 1 ? (value as readonly Json[]) : [value];
  if (type === 'String' && only !== undefined && (typeof only === 'number' || typeof only === 'boolean'))
    return textOf(only);
  if (type === 'Boolean' && (only === 'true' || only === 'false')) return only === 'true';
  return only ?? value;
}

/** Whether Belay carries the plugin on hosts; else why not. */
export function whyAgentOnly(action: string): string | undefined {
  return own(plugins, action)?.agentOnly;
}
