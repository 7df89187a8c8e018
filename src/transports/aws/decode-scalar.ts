/** A single value of a reply by the type that the model has for it. Throws where it is of another one: then the reply is none. */
import { NumericValue } from '@smithy/core/serde';
import type { Json } from '../aws.ts';
import type { SimpleType } from './model-format.ts';

const NO_NUMBERS = ['NaN', 'Infinity', '-Infinity'];

export function decodeScalar(type: SimpleType, value: unknown): Json {
  switch (type) {
    case 'string':
      return textOf(value);
    case 'boolean':
      if (typeof value === 'boolean') return value;
      if (value === 'true' || value === 'false') return value === 'true';
      throw mismatch(type, value);
    case 'integer':
    case 'long':
    case 'float':
    case 'double':
      return numberOf(type, value);
    case 'timestamp':
      if (value instanceof Date) return isoOf(value);
      throw mismatch(type, value);
    case 'blob':
      if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
      throw mismatch(type, value);
    default:
      return type satisfies never;
  }
}

/** What a document holds, and members that the model does not know. */
export function decodeUnknownScalar(value: unknown): Json {
  if (value instanceof Date) return isoOf(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'boolean' || typeof value === 'string') return value;
  return value === null || value === undefined ? null : numberOf('double', value);
}

/** Some services, and most stand-ins for them, write a number where their model has a text. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value);
  if (value instanceof NumericValue) return value.string;
  throw mismatch('string', value);
}

/**
 * JSON has no NaN, so it stays a text. A number with more digits than JavaScript keeps is given by its digits, so that none
 * is lost.
 */
function numberOf(type: SimpleType, value: unknown): Json {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  const digits = value instanceof NumericValue ? value.string : value;
  if (typeof digits === 'string' && NO_NUMBERS.includes(digits)) return digits;
  if (typeof digits !== 'string' || digits.trim() === '' || !Number.isFinite(Number(digits)))
    throw mismatch(type, value);
  return String(Number(digits)) === digits ? Number(digits) : digits;
}

/** Milliseconds only where there are some, as AWS prints times. */
function isoOf(date: Date): string {
  return date.toISOString().replace('.000Z', 'Z');
}

function mismatch(type: SimpleType, value: unknown): Error {
  return new Error(
    `the reply has ${Array.isArray(value) ? 'a list' : typeof value} where its model has ${type}`,
  );
}
