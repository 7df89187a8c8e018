/** The two kinds of value that JSON cannot write: instants and bytes. */
import type { UnresolvedJson } from '../aws.ts';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const ISO_DATE = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/i;

/**
 * An ISO 8601 instant or seconds since 1970; undefined when it is neither. Without a zone it is UTC, as boto3 reads it.
 */
export function dateOf(value: UnresolvedJson): Date | undefined {
  if (typeof value === 'number') return valid(new Date(value * 1000));
  if (typeof value !== 'string' || !ISO_DATE.test(value)) return undefined;
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/i.test(value.slice(10));
  return valid(new Date(hasZone || value.length === 10 ? value : `${value}Z`));
}

function valid(date: Date): Date | undefined {
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** Standard base64 with padding; undefined when it is not. Line breaks are accepted, as `base64 FILE` writes them. */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  const joined = text.replaceAll(/\s/g, '');
  return BASE64.test(joined) ? Buffer.from(joined, 'base64') : undefined;
}

/** Of a member that takes bytes: what base64 stands for, and of any other text its own bytes, as boto3 sends it. */
export function bytesOf(text: string): Uint8Array {
  return bytesOfBase64(text) ?? Buffer.from(text);
}

const DIGITS = /^-?\d{1,19}$/;
const [LONG_MIN, LONG_MAX] = [-(2n ** 63n), 2n ** 63n - 1n];

/**
 * A whole number of 64 bits, also from its digits: a number of JavaScript is exact up to 2^53 only, so what lies beyond is
 * written and given in quotes. Undefined when it is none.
 */
export function longOf(value: UnresolvedJson): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (typeof value !== 'string' || !DIGITS.test(value)) return undefined;
  const long = BigInt(value);
  return long >= LONG_MIN && long <= LONG_MAX ? long : undefined;
}
