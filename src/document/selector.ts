/**
 * Selectors: `$.Reservations[0].Instances[0].InstanceId` over an action's response, with a declared type.
 *
 * The paths are RFC 9535 and SSM's spellings of it (selector-spelling.ts), the results are Jayway's, as SSM has them: a definite path (names and indices only) gives the
 * value itself, any other path a list, in which a declared scalar type expects exactly one element.
 */
import { JSONPathEnvironment, JSONPathError } from 'json-p3';
import type { JSONPathQuery, JSONValue } from 'json-p3';

import type { Json } from '../json.ts';
import { convertOutput } from './conversion.ts';
import { standardSelector } from './selector-spelling.ts';
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
  const query = environment.compile(standardSelector(selector));
  if (compiled.size >= compiledMax) compiled.clear();
  compiled.set(selector, query);
  return query;
}

/** Why the text is not a selector; undefined when it is one. */
export function validateSelector(selector: string): string | undefined {
  if (selector.trim() === '') return 'it is empty';
  try {
    compile(selector);
    return undefined;
  } catch (error) {
    if (error instanceof JSONPathError) return reasonOf(error);
    throw error;
  }
}

/** The names and places of a path that leads to one value; undefined: it may find several, or counts from the end. */
export function definitePath(selector: string): readonly (string | number)[] | undefined {
  const path: (string | number)[] = [];
  let rest = standardSelector(selector).slice(1);
  while (rest !== '') {
    const step =
      /^(?:\.(?<name>[\w\u0080-\uFFFF]+)|\['(?<quoted>[^'\\]*)'\]|\["(?<double>[^"\\]*)"\]|\[(?<place>\d+)\])/.exec(
        rest,
      );
    if (step === null) return undefined;
    const { name, quoted, double, place } = step.groups ?? {};
    path.push(place === undefined ? (name ?? quoted ?? double ?? '') : Number(place));
    rest = rest.slice(step[0].length);
  }
  return path;
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
  return found.length === 1 && Array.isArray(only) && convertOutput(type, only).ok ? only : found;
}

function fit(selector: string, type: OutputType, value: Json): Selection {
  const converted = convertOutput(type, value);
  return converted.ok
    ? { kind: 'value', value: converted.value }
    : { kind: 'mismatch', message: `${selector} finds ${converted.found}, but the declared type is ${type}` };
}

/** json-p3 asks for mutable values, which it does not change. */
const isReadable = (value: Json): value is Json & JSONValue => value !== undefined;
const isJson = (value: JSONValue): value is Json & JSONValue => value !== undefined;
