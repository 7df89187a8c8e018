/** MaxConcurrency and MaxErrors: a number of targets, or a percentage of them. */
import { entryOf, type MapReader } from '../document/index.ts';
import { reportWindow } from './errors.ts';
import type { Share } from './types.ts';

/** `min`: the least number that means something; 1 for concurrency, 0 for errors. */
export function readShare(reader: MapReader, key: string, min: number, fallback: Share): Share {
  const entry = entryOf(reader, key);
  if (entry === undefined) return fallback;
  const text = entry.value.kind === 'scalar' ? String(entry.value.value) : '';
  const percent = /^(\d{1,3})%$/.exec(text);
  if (percent !== null && Number(percent[1]) <= 100 && Number(percent[1]) >= min) {
    return { kind: 'percent', percent: Number(percent[1]) };
  }
  if (/^\d{1,7}$/.test(text) && Number(text) >= min) return { kind: 'count', count: Number(text) };
  reportWindow(
    reader.report,
    'BAD_SHARE',
    entry.value.kind === 'scalar' ? entry.value.span : entry.keySpan,
    `${key} of ${reader.what} must be a number from ${min} or a percentage, as 2 or 10%`,
  );
  return fallback;
}

/**
 * How many of `total` targets a share is; a percentage is rounded down.
 * For concurrency AWS takes at least one, which the caller does.
 */
export function countOf(share: Share, total: number): number {
  return share.kind === 'count' ? share.count : Math.floor((total * share.percent) / 100);
}
