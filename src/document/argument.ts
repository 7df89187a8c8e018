/** One value for one parameter type: text from a command line, JSON from an API, or a parent's output. */
import { isJsonObject, type Json } from '../json.ts';
import type { Parameter, ParameterType } from './types.ts';

export type BaseType = 'String' | 'StringList' | 'Boolean' | 'Integer' | 'StringMap' | 'MapList';

/** AWS resource types behave as the strings they are. */
export function baseType(type: ParameterType): BaseType {
  switch (type) {
    case 'String':
    case 'StringList':
    case 'Boolean':
    case 'Integer':
    case 'StringMap':
    case 'MapList':
      return type;
    default:
      return type.startsWith('List<') ? 'StringList' : 'String';
  }
}

export type Coercion =
  | { readonly ok: true; readonly value: Json }
  /** `problem` completes "parameter X is Integer, but …". */
  | { readonly ok: false; readonly problem: string; readonly hint?: string };

/**
 * The value in the type's own form. As StartAutomationExecution does, a scalar stands for a list of one and a list of
 * one for its scalar, and maps may come as JSON text. Numbers never become strings: `1.10` would have lost its zero.
 */
export function coerceArgument(type: ParameterType, given: Json): Coercion {
  const base = baseType(type);
  if (base === 'StringList') return coerceStringList(given);
  if (base === 'MapList') return coerceMapList(given);
  const value = Array.isArray(given) && given.length === 1 ? ((given as readonly Json[])[0] ?? null) : given;
  switch (base) {
    case 'String':
      if (typeof value === 'string') return { ok: true, value };
      return { ok: false, problem: `${shown(value)} is ${kindOf(value)}`, ...quoteHint(value) };
    case 'Boolean':
      if (typeof value === 'boolean') return { ok: true, value };
      if (value === 'true' || value === 'false') return { ok: true, value: value === 'true' };
      return { ok: false, problem: `${shown(value)} is neither true nor false` };
    case 'Integer':
      if (Number.isSafeInteger(value)) return { ok: true, value };
      if (typeof value === 'string' && /^[+-]?\d+$/.test(value) && Number.isSafeInteger(Number(value))) {
        return { ok: true, value: Number(value) };
      }
      return { ok: false, problem: `${shown(value)} is not a whole number` };
    case 'StringMap': {
      const map = typeof value === 'string' ? (isBlank(value) ? {} : parseJson(value)) : value;
      if (isJsonObject(map)) return { ok: true, value: map };
      return { ok: false, problem: `${shown(value)} is not a map`, hint: 'Give JSON: {"key": "value"}.' };
    }
    default:
      return base satisfies never;
  }
}

/** A list, JSON text of a list, or text with commas. */
function coerceStringList(given: Json): Coercion {
  const list = typeof given === 'string' ? splitList(given) : given;
  if (list === undefined) {
    const problem = `${shown(given)} begins like a JSON list and is none`;
    return { ok: false, problem, hint: 'Give ["a", "b"], or a,b.' };
  }
  if (!Array.isArray(list)) return { ok: false, problem: `${shown(given)} is ${kindOf(given)}, no list` };
  const wrong = list.find((item: Json) => typeof item !== 'string');
  if (wrong === undefined) return { ok: true, value: list };
  return { ok: false, problem: `its element ${shown(wrong)} is ${kindOf(wrong)}`, ...quoteHint(wrong) };
}

/** `default: ''` makes a parameter of any collection optional. */
const isBlank = (text: string): boolean => text.trim() === '';

/** Undefined: a JSON list that is broken. An IPv6 address stands in brackets too, and is an item like any other. */
function splitList(text: string): Json | undefined {
  if (isBlank(text)) return [];
  const startsAsJson = text.trim().startsWith('[');
  const parsed = startsAsJson ? parseJson(text) : undefined;
  if (Array.isArray(parsed)) return parsed;
  if (startsAsJson && (/^\s*\[\s*"/.test(text) || !text.includes(']'))) return undefined;
  return text.split(',').map((item) => item.trim());
}

/** A list of maps, of their JSON texts, or JSON text of either. */
function coerceMapList(given: Json): Coercion {
  let list = typeof given === 'string' ? (isBlank(given) ? [] : parseJson(given)) : given;
  if (isJsonObject(list)) list = [list];
  if (!Array.isArray(list)) {
    return {
      ok: false,
      problem: `${shown(given)} is not a list of maps`,
      hint: 'Give JSON: [{"key": "value"}].',
    };
  }
  const maps: Json[] = [];
  for (const item of list as readonly Json[]) {
    const map = typeof item === 'string' ? parseJson(item) : item;
    // One element may hold the whole list: that is how it travels over the AWS API.
    if (Array.isArray(map) && list.length === 1) return coerceMapList(map);
    if (!isJsonObject(map)) return { ok: false, problem: `its element ${shown(item)} is not a map` };
    maps.push(map);
  }
  return { ok: true, value: maps };
}

/** Text from `-p name=text`, in the form that the parameter's type wants. */
export function parseArgument(parameter: Parameter, text: string): Coercion {
  return coerceArgument(parameter.type, text);
}

function parseJson(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

function quoteHint(value: Json | undefined): { hint?: string } {
  return typeof value === 'number' || typeof value === 'boolean'
    ? { hint: `Put it in quotes: "${String(value)}".` }
    : {};
}

function kindOf(value: Json | undefined): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a map' : `a ${typeof value}`;
}

function shown(value: Json | undefined): string {
  const text = JSON.stringify(value ?? null);
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}

/**
 * A value as a runbook gives it to another one. It travels as a list of texts, as over the API of the service, so a number may
 * stand for its text, one value for a list of one, and a list of one for its value.
 */
export function fitArgument(type: ParameterType, given: Json): Json {
  const base = baseType(type);
  const textOf = (value: Json): Json =>
    typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
  if (base === 'StringList') {
    if (Array.isArray(given)) return given.map((item: Json) => textOf(item));
    return typeof given === 'number' || typeof given === 'boolean' ? [String(given)] : given;
  }
  const [only] = Array.isArray(given) && given.length === 1 ? (given as readonly Json[]) : [given];
  return base === 'String' ? textOf(only ?? given) : given;
}
