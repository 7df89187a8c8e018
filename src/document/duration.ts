/** Spans and instants of time as ISO 8601 writes them: `PT10M`, `2026-01-31T02:00:00Z`. */

const duration =
  /^P(?=\d|T)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d{1,9})?)S)?)?$/;

/**
 * Milliseconds, rounded up, so that a wait is never shorter than written; undefined when the text is not a duration.
 * Years and months are refused: they have no fixed length. So are signs: SSM takes no negative durations.
 */
export function parseDurationMs(text: string): number | undefined {
  const match = duration.exec(text.trim().toUpperCase());
  if (match === null) return undefined;
  const [weeks, days, hours, minutes, seconds] = match
    .slice(1)
    .map((part) => Number((part ?? '0').replace(',', '.')));
  const total =
    (((weeks ?? 0) * 7 + (days ?? 0)) * 24 + (hours ?? 0)) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0);
  const ms = Math.ceil(total * 1000);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?$/i;

/** Milliseconds since 1970; undefined when the text is not an instant. Without an offset it is UTC, never the local zone. */
export function parseInstantMs(text: string): number | undefined {
  const match = instant.exec(text.trim());
  if (match === null) return undefined;
  const ms = Date.parse(match[1] === undefined ? `${text.trim()}Z` : text.trim());
  return Number.isNaN(ms) ? undefined : ms;
}
