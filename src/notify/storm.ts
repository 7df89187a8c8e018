/**
 * Folding: a channel gets at most `singlesMax` messages of their own and one summary within any `stormMs`. What is more
 * waits for the next summary. Pure, and the same when it is asked again.
 */
import { urgencyOf, type EventName } from './events.ts';
import { cutLine, cutText, textCharactersMax, utcText } from './message.ts';

export const singlesMax = 10;
export const stormMs = 10 * 60_000;

export interface Waiting {
  readonly id: string;
  readonly event: EventName;
  readonly at: number;
  readonly subject: string;
}

/** What a channel was sent lately; the time of the first attempt of each. */
export interface Sent {
  readonly at: number;
  readonly kind: 'single' | 'summary';
}

export type Folding =
  | { readonly kind: 'singles'; readonly ids: readonly string[] }
  | { readonly kind: 'summary'; readonly ids: readonly string[] }
  /** Until the next summary may be sent, in ms since 1970. */
  | { readonly kind: 'hold'; readonly until: number };

/** `waiting`: new messages, none of which was attempted yet. What is retried is not folded: it was counted before. */
export function fold(waiting: readonly Waiting[], sent: readonly Sent[], now: number): Folding {
  // A clock that was set back leaves sendings in the future: they count as sent now.
  const recent = sent
    .map((each) => ({ ...each, at: Math.min(each.at, now) }))
    .filter(({ at }) => now - at < stormMs);
  const room = singlesMax - recent.filter(({ kind }) => kind === 'single').length;
  if (waiting.length <= room) return { kind: 'singles', ids: waiting.map(({ id }) => id) };
  const last = Math.max(...recent.filter(({ kind }) => kind === 'summary').map(({ at }) => at), -Infinity);
  if (last > -Infinity) return { kind: 'hold', until: last + stormMs };
  return { kind: 'summary', ids: waiting.map(({ id }) => id) };
}

const listedMax = 20;

/** One text for many messages: how many of which kind, and the most urgent ones by their first line. */
export function summaryOf(messages: readonly Waiting[]): { readonly subject: string; readonly text: string } {
  const counts = new Map<EventName, number>();
  for (const { event } of messages) counts.set(event, (counts.get(event) ?? 0) + 1);
  const kinds = [...counts].toSorted(([left], [right]) => urgencyOf(left) - urgencyOf(right));
  const since = Math.min(...messages.map(({ at }) => at));
  const ordered = messages.toSorted(
    (left, right) => urgencyOf(left.event) - urgencyOf(right.event) || left.at - right.at,
  );
  const shown = ordered.slice(0, listedMax);
  const more = ordered.length - shown.length;
  const what = kinds.map(([event, count]) => `${count} ${event}`).join(', ');
  return {
    subject: cutLine(`Belay: ${messages.length} messages at once: ${what}`, 140),
    text: cutText(
      [
        `${messages.length} messages since ${utcText(since)}, told as one: ${what}`,
        ...shown.map(({ at, subject }) => `  ${utcText(at)}  ${cutLine(subject, 200)}`),
        ...(more > 0 ? [`  ${more} more`] : []),
        'Look: belay list; belay notify list --all has every message of these.',
      ].join('\n'),
      textCharactersMax,
    ),
  };
}
