/** Instants for people: the wall clock of a zone, and UTC. */

/** `Sun 2026-12-06 02:00:00 GMT+1`. */
export function localText(at: number, zone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'shortOffset',
  }).formatToParts(at);
  const part = (type: string): string => parts.find((each) => each.type === type)?.value ?? '';
  return `${part('weekday')} ${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}:${part('second')} ${part('timeZoneName')}`;
}

/** `2026-12-06T01:00:00Z`. */
export function utcText(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z');
}
