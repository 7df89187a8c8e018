/**
 * A value that a selector found → the declared type of the output, by the conversions that SSM documents: text → a list of
 * one, a whole number or a boolean; numbers and booleans → text or a list of one; a list of one → its element. A map or a
 * longer list as text is its JSON, which SSM does not have (docs/ssm-compatibility.md). Anything else does not fit.
 */
import { isJsonObject, type Json } from '../json.ts';
import type { OutputType } from './types.ts';

export type Converted =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly found: string };

/** Never throws. `found` says what the value is, for "finds …, but the declared type is …". */
export function convertOutput(type: OutputType, value: Json): Converted {
  // An action may say null on purpose; any type may be null, as in AWS's own simulator.
  if (value === null) return { ok: true, value };
  const only = Array.isArray(value) && value.length === 1 ? (value as readonly Json[])[0] : undefined;
  switch (type) {
    case 'String':
      return fits(isScalar(only) ? textOf(only) : textOf(value));
    case 'StringList':
      if (isScalar(value)) return fits([textOf(value)]);
      return Array.isArray(value) && value.every(isScalar) ? fits(value.map(textOf)) : misfit(value);
    case 'Integer':
      return scalarOr(value, only, wholeNumber);
    case 'Boolean':
      return scalarOr(value, only, truth);
    case 'StringMap':
      return isJsonObject(value) ? fits(value) : misfit(value);
    case 'MapList':
      return Array.isArray(value) && value.every((item: Json) => isJsonObject(item))
        ? fits(value)
        : misfit(value);
    default:
      return type satisfies never;
  }
}

const fits = (value: Json): Converted => ({ ok: true, value });
const misfit = (value: Json): Converted => ({ ok: false, found: nameOf(value) });

function scalarOr(
  value: Json,
  only: Json | undefined,
  convert: (value: Json) => Json | undefined,
): Converted {
  const converted = convert(value) ?? (only === undefined ? undefined : convert(only));
  return converted === undefined ? misfit(value) : fits(converted);
}

function wholeNumber(value: Json): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? value : undefined;
  const isWhole = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value);
  return isWhole && Number.isSafeInteger(Number(value)) ? Number(value) : undefined;
}

function truth(value: Json): boolean | undefined {
  if (typeof value === 'boolean') return value;
  const word = typeof value === 'string' ? value.trim().toLowerCase() : '';
  return word === 'true' ? true : word === 'false' ? false : undefined;
}

const textOf = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

function isScalar(value: Json | undefined): value is string | number | boolean {
  return value !== null && value !== undefined && typeof value !== 'object';
}

function nameOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) {
    return value.length === 0 ? 'an empty list' : `a list of ${value.length} (${typeof value[0]} first)`;
  }
  if (typeof value === 'object') return 'a map';
  return typeof value === 'number' && !Number.isInteger(value) ? 'a fraction' : `a ${typeof value}`;
}
