/**
 * Selectors: `$.Reservations[0].Instances[0].InstanceId` over an action's response, with a declared type.
 *
 * The paths are RFC 9535, the results are Jayway's, as SSM has them: a definite path (names and indices only) gives the
 * value itself, any other path a list, in which a declared scalar type expects exactly one element.
 */
import { JSONPathEnvironment, JSONPathError } from 'json-p3';
import type { JSONPathQuery, JSONValue } from 'json-p3';

import { isJsonObject, type Json } from '../json.ts';
import type { OutputType } from './types.ts';

export const outputTypes = ['String', 'StringList', 'Integer', 'Boolean', 'StringMap', 'MapList'] as const;

export type Selection =
  | { readonly kind: 'value'; readonly value: Json }
  /** The path leads nowhere in this response. */
  | { readonly kind: 'absent' }
  /** Something is there, but not what the type promises. */
  | { readonly kind: 'mismatch'; readonly message: string };

const environment = new JSONPathEnvironment({ maxRecursionDepth: 200 });
// Both end in a backtracking RegExp over the response: `match(@, '(a+)+')` can hang, and SSM has neither.
environment.functionRegister.delete('match');
environment.functionRegister.delete('search');

/** Compiled queries by text. A document has few selectors; the bound only keeps a server from growing. */
const compiled = new Map<string, JSONPathQuery>();
const compiledMax = 2000;

function compile(selector: string): JSONPathQuery {
  const known = compiled.get(selector);
  if (known !== undefined) return known;
  const query = environment.compile(selector);
  if (compiled.size >= compiledMax) compiled.clear();
  compiled.set(selector, query);
  return query;
}

/** Why the text is no selector; undefined when it is one. */
export function validateSelector(selector: string): string | undefined {
  if (!selector.startsWith('$')) return 'a selector starts with $';
  try {
    compile(selector);
    return undefined;
  } catch (error) {
    if (error instanceof JSONPathError) return reasonOf(error);
    throw error;
  }
}

/** What a selector finds, as it is: at most one value on a definite path, any number on another. */
export type Found =
  | { readonly kind: 'found'; readonly isDefinite: boolean; readonly values: readonly Json[] }
  | { readonly kind: 'mismatch'; readonly message: string };

/** The values that the selector finds in the response. Never throws. */
export function selectValues(selector: string, response: Json): Found {
  try {
    const query = compile(selector);
    const values = isReadable(response) ? query.query(response).values().filter(isJson) : [];
    return { kind: 'found', isDefinite: query.singularQuery(), values };
  } catch (error) {
    if (error instanceof JSONPathError) {
      return { kind: 'mismatch', message: `${selector} cannot be read: ${reasonOf(error)}` };
    }
    throw error;
  }
}

/** Without the excerpt and offset that json-p3 appends. */
const reasonOf = (error: JSONPathError): string => error.message.replace(/\s*\('.*':\d+\)$/s, '');

/** What the selector finds in the response, given as the declared type. Never throws. */
export function selectOutput(selector: string, type: OutputType, response: Json): Selection {
  const result = selectValues(selector, response);
  if (result.kind === 'mismatch') return result;
  const { isDefinite, values: found } = result;
  if (isDefinite) {
    const [only] = found;
    return only === undefined ? { kind: 'absent' } : fit(selector, type, only);
  }
  if (type === 'StringList' || type === 'MapList') return fit(selector, type, flattenOne(type, found));
  const [first] = found;
  if (first === undefined) return { kind: 'absent' };
  if (found.length === 1) return fit(selector, type, first);
  return {
    kind: 'mismatch',
    message: `${selector} finds ${found.length} values, and ${type} holds one`,
  };
}

/** `$..InstanceIds` over one list of strings is a list with a list in it; a declared list wants the inner one. */
function flattenOne(type: 'StringList' | 'MapList', found: readonly Json[]): Json {
  const [only] = found;
  const isInner = found.length === 1 && Array.isArray(only) && fitProblem(type, only) === undefined;
  return isInner ? only : found;
}

function fit(selector: string, type: OutputType, value: Json): Selection {
  // An action may say null on purpose; any type may be null, as in AWS's own simulator.
  if (value === null) return { kind: 'value', value };
  if (type === 'String') {
    return { kind: 'value', value: typeof value === 'string' ? value : JSON.stringify(value) };
  }
  if (type === 'StringList' && Array.isArray(value) && value.every(isScalar)) {
    return {
      kind: 'value',
      value: value.map((item: Json) => (typeof item === 'string' ? item : JSON.stringify(item))),
    };
  }
  const problem = fitProblem(type, value);
  return problem === undefined
    ? { kind: 'value', value }
    : { kind: 'mismatch', message: `${selector} finds ${problem}, but the declared type is ${type}` };
}

/** json-p3 asks for mutable values, which it does not change. */
const isReadable = (value: Json): value is Json & JSONValue => value !== undefined;
const isJson = (value: JSONValue): value is Json & JSONValue => value !== undefined;

const isScalar = (item: Json): boolean => item !== null && typeof item !== 'object';

/** What the value is instead of the type; undefined when it fits. */
function fitProblem(type: OutputType, value: Json): string | undefined {
  switch (type) {
    case 'String':
      return undefined;
    case 'StringList':
      return Array.isArray(value) && value.every(isScalar) ? undefined : nameOf(value);
    case 'Integer':
      return typeof value === 'number' && Number.isInteger(value) ? undefined : nameOf(value);
    case 'Boolean':
      return typeof value === 'boolean' ? undefined : nameOf(value);
    case 'StringMap':
      return isJsonObject(value) ? undefined : nameOf(value);
    case 'MapList':
      return Array.isArray(value) && value.every((item: Json) => isJsonObject(item))
        ? undefined
        : nameOf(value);
    default:
      return type satisfies never;
  }
}

function nameOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) {
    return value.length === 0 ? 'an empty list' : `a list of ${value.length} (${typeof value[0]} first)`;
  }
  if (typeof value === 'object') return 'a map';
  return typeof value === 'number' && !Number.isInteger(value) ? 'a fraction' : `a ${typeof value}`;
}
