/**
 * Carries what checks have to tell into the outbox of channels. What a check found is journaled with its news; handing it over again puts
 * nothing twice, so a process that is killed in between loses nothing: the next compliance command of the state folder goes on.
 */
import type { ComplianceNews } from '../../compliance/index.ts';
import { Type } from 'typebox';
import { shape, type ComplianceEvent, type ComplianceStore } from '../../journal/index.ts';
import type { JsonObject } from '../../json.ts';
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
  const news = newsOf(event);
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

const text = Type.String();
const lines = Type.Array(
  Type.Object({
    target: text,
    says: text,
    command: Type.Optional(text),
    isAgain: Type.Optional(Type.Boolean()),
    end: Type.Optional(Type.Enum(['known', 'retired', 'gone'])),
  }),
);
const readNews = shape<ComplianceNews>(
  Type.Union([
    Type.Object({ kind: Type.Literal('stopped'), why: text }),
    Type.Object({
      kind: Type.Literal('rule'),
      rule: text,
      severity: text,
      found: lines,
      fixed: lines,
      unknown: lines,
      openCount: Type.Number({ minimum: 0 }),
      unknownCount: Type.Optional(Type.Number({ minimum: 0 })),
    }),
  ]),
);

/** A disk, a hand or another version may have written it: what does not fit is told as a check of which nobody knows the end. */
function newsOf(event: JsonObject): ComplianceNews {
  const read = readNews(event);
  return 'wrong' in read
    ? { kind: 'stopped', why: `what compliance.db has of its news is damaged (${read.wrong})` }
    : read.value;
}
