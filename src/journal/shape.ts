/**
 * The shapes of what the journal keeps as JSON. A row may have been damaged by a disk or changed by hand: what its readers are given
 * fits their types, and what does not is named and given to nobody.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { Type, type TSchema, type TUnsafe } from 'typebox';

/** The last instant of which a date can be made (ECMA-262, 21.4.1.1). */
const instantMax = 8_640_000_000_000_000;
/** Milliseconds since 1970. */
export const instant = Type.Number({ minimum: 0, maximum: instantMax });

/** Does not compile where a schema lets through what its type does not. */
export type Fits<Narrow extends Wide, Wide> = Narrow;

/** Members of the type that its schema does not know; never, where it knows all. */
export type Unknown<T, Schema> = Exclude<keyof T, keyof Schema>;

/** Every word of the type: one that is missing here does not compile. */
export function oneOf<T extends string>(words: Readonly<Record<T, true>>): TUnsafe<T> {
  return Type.Unsafe<T>({ enum: Object.keys(words) });
}

/** The sentence says what is wrong. */
export type Shape<T> = (value: unknown) => { readonly value: T } | { readonly wrong: string };

let ajv: Ajv2020 | undefined;

/** Compiled when it is first needed. */
export function shape<T>(schema: TSchema): Shape<T> {
  let check: ValidateFunction<T> | undefined;
  return (value) => {
    check ??= (ajv ??= new Ajv2020({
      strict: false,
      meta: false,
      validateSchema: false,
      // Making it shorter costs more than it saves: it looks at few values.
      code: { optimize: false },
    })).compile<T>(schema);
    if (check(value)) return { value };
    const [first] = check.errors ?? [];
    const place = first?.instancePath.slice(0, placeMax) ?? '';
    return { wrong: `${place === '' ? 'it' : place} ${first?.message ?? 'has a shape of its own'}` };
  };
}

/** Characters of a place that a message has room for. */
const placeMax = 120;

/** Throws SyntaxError, with the column's name. */
export function parsed<T>(shape: Shape<T>, column: string, value: unknown): T {
  if (typeof value !== 'string') throw new SyntaxError(`${column} is not text`);
  let made: unknown;
  try {
    made = JSON.parse(value);
  } catch {
    throw new SyntaxError(`${column} is not JSON`);
  }
  const read = shape(made);
  if ('wrong' in read) throw new SyntaxError(`${column}: ${read.wrong}`);
  return read.value;
}

/** Whether a date can be made of it. */
export function isInstant(at: number): boolean {
  return Number.isFinite(at) && at >= 0 && at <= instantMax;
}

/** What stands in the place of a time that is none. */
export function instantOr(value: unknown, other: number): number {
  const at = Number(value);
  return isInstant(at) ? at : other;
}

/** A column's JSON object; null: there is none in it. */
export function objectIn(value: unknown): JsonObject | null {
  try {
    const made = JSON.parse(String(value)) as Json;
    return isJsonObject(made) ? made : null;
  } catch {
    return null;
  }
}

/** Milliseconds since 1970 of which a date can be made. Throws SyntaxError. */
export function instantOf(column: string, value: unknown): number {
  const at = Number(value);
  if (Number.isFinite(at) && Math.abs(at) <= instantMax) return at;
  throw new SyntaxError(`${column} is not an instant`);
}
