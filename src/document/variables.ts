/** Variables of a document: values that steps change with aws:updateVariable and read as `{{ variable:name }}`. */
import { isJsonObject, type Json } from '../json.ts';
import { baseType, coerceArgument, type BaseType } from './argument.ts';
import { checkArgument } from './parameters.ts';
import type { Parameter } from './types.ts';

/** The variable that aws:updateVariable names: `variable:count`, and `variable:{{count}}` as AWS's page prints it. */
export function variableNamed(text: Json | undefined): string | undefined {
  if (typeof text !== 'string') return undefined;
  const [, plain, braced] =
    /^\s*variable:\s*(?:([A-Za-z0-9_]+)|\{\{\s*([A-Za-z0-9_]+)\s*\}\})\s*$/.exec(text) ?? [];
  return plain ?? braced;
}

/** Why the variable cannot take the value; undefined: it can. As AWS has it, nothing is converted. */
export function variableProblem(name: string, variable: Parameter, value: Json): string | undefined {
  const type = baseType(variable.type);
  if (!isOf(type, value))
    return `variable ${name} is ${variable.type}, but ${shown(value)} is ${kindOf(value)}`;
  return checkArgument(name, variable, value, `variable ${name}`)[0]?.message;
}

/** The value that a variable has at the start, from its default; a map may be written as JSON text. */
export function initialValue(
  name: string,
  variable: Parameter,
  value: Json,
): { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly problem: string } {
  const coerced = coerceArgument(variable.type, value);
  if (!coerced.ok)
    return { ok: false, problem: `variable ${name} is ${variable.type}, but ${coerced.problem}` };
  const problem =
    value === '' ? undefined : checkArgument(name, variable, coerced.value, `variable ${name}`)[0];
  return problem === undefined ? coerced : { ok: false, problem: problem.message };
}

function isOf(type: BaseType, value: Json): boolean {
  const items = Array.isArray(value) ? (value as readonly Json[]) : undefined;
  switch (type) {
    case 'String':
      return typeof value === 'string';
    case 'Boolean':
      return typeof value === 'boolean';
    case 'Integer':
      return Number.isSafeInteger(value);
    case 'StringList':
      return items?.every((item) => typeof item === 'string') === true;
    case 'StringMap':
      return isJsonObject(value);
    case 'MapList':
      return items?.every((item) => isJsonObject(item)) === true;
    default:
      return type satisfies never;
  }
}

function kindOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a map' : `a ${typeof value}`;
}

function shown(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}
