/**
 * Carries what checks have to tell into the outbox of channels. What a check found is journaled with its news; handing it over again puts
 * nothing twice, so a process that is killed in between loses nothing: the next compliance command of the state folder goes on.
 */
import type { ComplianceNews } from '../../compliance/index.ts';
import type { ComplianceEvent, ComplianceStore } from '../../journal/index.ts';
import { tellCheck } from '../notify/check-news.ts';
import type { Notifier } from '../notify/notifier.ts';

const eventsAtOnceMax = 500;

/** `channels`: of compliance files that name any. Throws JournalFailure, and Refusal where belay.yaml cannot be read. */
export function handOver(
  store: ComplianceStore,
  notifier: Notifier,
  channels: ReadonlyMap<string, readonly string[]>,
  now: () => number,
): void {
  const named = [...channels.values()].flat();
  // Who is made a channel later is not told of everything that was found before.
  const isAnybodyTold = notifier.audienceHere(named, []).channels.length > 0;
  for (;;) {
    const events = store.waitingEvents(eventsAtOnceMax);
    if (isAnybodyTold) for (const event of events) tell(event, notifier, channels.get(event.set) ?? []);
    if (events.length > 0)
      store.takeEvents(
        events.map(({ id }) => id),
        now(),
      );
    if (events.length < eventsAtOnceMax) return;
  }
}

function tell(
  { id, checkId, set, at, event }: ComplianceEvent,
  notifier: Notifier,
  channels: readonly string[],
): void {
  // Written by this program and never by anybody else.
  const news = event as unknown as ComplianceNews;
  // A check that stopped is told with the next one's begin: the number of the event tells the two apart.
  const check = {
    id: `${set}-${checkId}-${at}${news.kind === 'stopped' ? `-${id}` : ''}`,
    file: set,
    at,
    command: 'belay findings --open',
    channels,
  };
  tellCheck(notifier, check, [news]);
}
