/** `keep:` of belay.yaml: how long after its end an execution can be taken back. */
import { entryOf, parseDurationMs, type MapReader } from '../document/index.ts';
import { reportInventory } from './errors.ts';

const hourMs = 3_600_000;
const unitMs: Readonly<Record<string, number>> = { h: hourMs, d: 24 * hourMs, w: 7 * 24 * hourMs };

export const keepMsDefault = 90 * 24 * hourMs;
/** What is a slip rather than a wish, a hundred years: `keep: 90000d`. */
const keepMsMax = 36_525 * 24 * hourMs;

export function readKeep(reader: MapReader): number {
  const entry = entryOf(reader, 'keep');
  if (entry === undefined) return keepMsDefault;
  const text = entry.value.kind === 'scalar' ? entry.value.value : null;
  const ms = typeof text === 'string' ? keepMsOf(text) : undefined;
  if (ms !== undefined && ms >= hourMs && ms <= keepMsMax) return ms;
  reportInventory(
    reader.report,
    'BAD_KEEP',
    entry.value.span,
    'keep is a time from an hour to a hundred years, with its unit: after it nothing can be taken back any more',
    'keep: 90d  (h hours, d days, w weeks)',
  );
  return keepMsDefault;
}

function keepMsOf(text: string): number | undefined {
  const match = /^([1-9]\d{0,8})([hdw])$/.exec(text);
  if (match === null) return parseDurationMs(text);
  return Number(match[1]) * (unitMs[match[2] ?? ''] ?? Number.NaN);
}
