/** JSON Schema's rules as a person says them. */
import type { ErrorObject } from 'ajv/dist/2020.js';

import { patternRule } from './pattern-words.ts';

/** Limits, types and patterns in words; undefined for keywords that set none. */
export function valueRule({ keyword, params, parentSchema }: ErrorObject): string | undefined {
  const limit = textOf(params['limit']);
  switch (keyword) {
    case 'type':
      return `must be ${typeNames(params['type'])}`;
    case 'pattern':
      return patternRule(textOf(params['pattern']), examplesOf(parentSchema));
    case 'minItems':
      return `must hold at least ${limit}`;
    case 'maxItems':
      return `must hold at most ${limit}`;
    case 'minLength':
      return `must have at least ${limit} characters`;
    case 'maxLength':
      return `must have at most ${limit} characters`;
    case 'minProperties':
      return `must have at least ${limit} entries`;
    case 'maxProperties':
      return `must have at most ${limit} entries`;
    case 'minimum':
      return `must be at least ${limit}`;
    case 'maximum':
      return `must be at most ${limit}`;
    case 'uniqueItems':
      return 'must not hold the same twice';
    default:
      return undefined;
  }
}

function examplesOf(schema: ErrorObject['parentSchema']): string[] {
  const examples: unknown = schema?.['examples'];
  return Array.isArray(examples) ? examples.map(textOf) : [];
}

export function typeNames(type: unknown): string {
  const names: Readonly<Record<string, string>> = {
    string: 'text',
    integer: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a map',
    null: 'empty',
  };
  return (Array.isArray(type) ? type : [type])
    .map((name: unknown) => names[textOf(name)] ?? textOf(name))
    .join(' or ');
}

/** `Filters[0].Name`. */
export function pathText(path: readonly (string | number)[]): string {
  if (path.length === 0) return 'inputs';
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`))
    .join('');
}

export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
