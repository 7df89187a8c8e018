/** Fields of a cron expression that are sets of numbers: lists, ranges, steps, names, `*`. */
import { cut, reject, type Piece } from './rule.ts';

export interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** From `min` on: JAN is 1. */
  readonly names?: readonly string[];
  /** A range cannot go over the end: years do not come again. */
  readonly isOpen?: boolean;
}

export const monthNames = [
  'JAN',
  'FEB',
  'MAR',
  'APR',
  'MAY',
  'JUN',
  'JUL',
  'AUG',
  'SEP',
  'OCT',
  'NOV',
  'DEC',
] as const;
export const weekdayNames = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] as const;

/** Ascending, without repeats, never empty. */
export function parseNumbers(piece: Piece, field: Field): readonly number[] {
  const values = new Set<number>();
  for (const part of cut(piece, ',')) for (const value of parsePart(part, field)) values.add(value);
  return [...values].toSorted((left, right) => left - right);
}

/** One element of a list: `*`, `5`, `1-5`, `FRI-MON`, each with or without `/step`. */
function parsePart(part: Piece, field: Field): readonly number[] {
  const [range = part, step, ...rest] = cut(part, '/');
  if (rest.length > 0) reject(part, `one / is enough in the ${field.name} field`);
  const by = step === undefined ? 1 : stepOf(step, field);
  const [from, to] = rangeOf(range, field, step !== undefined);
  const size = field.max - field.min + 1;
  const length = to >= from ? to - from : to - from + size;
  const values: number[] = [];
  for (let offset = 0; offset <= length; offset += by) {
    values.push(((from - field.min + offset) % size) + field.min);
  }
  return values;
}

function rangeOf(range: Piece, field: Field, hasStep: boolean): readonly [number, number] {
  if (range.text === '*') return [field.min, field.max];
  const [first = range, last, ...rest] = cut(range, '-');
  if (rest.length > 0) reject(range, `a range of the ${field.name} field has one -`);
  const from = numberOf(first, field);
  if (last === undefined) return [from, hasStep ? field.max : from];
  const to = numberOf(last, field);
  if (to < from && field.isOpen === true)
    reject(range, `the range of the ${field.name} field runs backwards`);
  return [from, to];
}

/** A number or name of the field. */
export function numberOf(piece: Piece, field: Field): number {
  const { names, name, min, max } = field;
  const named = names?.indexOf(piece.text.toUpperCase()) ?? -1;
  if (named !== -1) return named + min;
  const value = /^\d{1,4}$/.test(piece.text) ? Number(piece.text) : NaN;
  if (!(value >= min && value <= max)) {
    const or = names === undefined ? '' : ` or ${names[0]} to ${names.at(-1)}`;
    reject(piece, `the ${name} field takes ${min} to ${max}${or}, not "${piece.text}"`);
  }
  return value;
}

function stepOf(step: Piece, { name, min, max }: Field): number {
  const value = /^\d{1,4}$/.test(step.text) ? Number(step.text) : NaN;
  if (!(value >= 1 && value <= max - min + 1)) {
    reject(step, `a step of the ${name} field is 1 to ${max - min + 1}, not "${step.text}"`);
  }
  return value;
}
