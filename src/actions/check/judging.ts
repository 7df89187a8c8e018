/** Small words for judges. */
import type { Judged } from '../../compliance/types.ts';
import { ActionFailure } from '../define-action.ts';
import type { Fields } from '../scripts/fields.ts';

export function kept(subject: string, found: string): Judged {
  return { kind: 'kept', subject, found };
}
export function broken(subject: string, wanted: string, found: string): Judged {
  return { kind: 'broken', subject, wanted, found };
}
export function unknown(subject: string, code: string, reason: string): Judged {
  return { kind: 'unknown', subject, code, reason };
}
export function compared(subject: string, wanted: string, found: string, holds = wanted === found): Judged {
  return holds ? kept(subject, found) : broken(subject, wanted, found);
}

/** The value of a field that has to be there once. Throws ActionFailure BAD_REPLY. */
export function fieldOf(fields: Fields, key: string, form = /^.+$/): string {
  const all = fields.all(key);
  const [value] = all;
  if (all.length !== 1 || value === undefined || !form.test(value))
    throw badReply(
      `it said ${all.length === 0 ? 'nothing' : JSON.stringify(all.slice(0, 2)).slice(0, 120)} for ${key}`,
    );
  return value;
}

export function badReply(reason: string): ActionFailure {
  return new ActionFailure({ code: 'BAD_REPLY', message: reason });
}

/** What is said to be younger than now by more than clocks differ was not read from a clock that counts. */
export function isFuture(at: number, now: number): boolean {
  return at - now > 3_600_000;
}

/** `1.5 GiB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
