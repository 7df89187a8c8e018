/** How many of so many: `5` or `10%`, as MaxConcurrency and MaxErrors are written. */
import type { Json } from '../json.ts';

/** Undefined: it is no share. `least`: the smallest count that may be written, and that a percentage comes to. */
export function shareOf(written: Json, total: number, least: 0 | 1): number | undefined {
  const text = typeof written === 'number' ? String(written) : written;
  const [, digits = '', percent] = typeof text === 'string' ? (/^\s*(\d{1,9})(%?)\s*$/.exec(text) ?? []) : [];
  if (digits === '') return undefined;
  const count = Number(digits);
  if (percent === '%') return count > 100 ? undefined : Math.max(least, Math.floor((total * count) / 100));
  return count < least ? undefined : count;
}
