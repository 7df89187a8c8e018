/**
 * Delivers what the outbox holds: one process at a time for each channel, channels side by side. An attempt is written down before
 * it begins and settled after, so a process that dies in between leaves a message that is due again, under the same id.
 */
import { summaryEvent, type Destination, type Outbox, type OutboxMessage } from '../../journal/index.ts';
import {
  expiryMs,
  fold,
  isDue,
  pauseMs,
  stormMs,
  summaryOf,
  type EventName,
  type Way,
} from '../../notify/index.ts';
import type { Delivery, Letter } from '../../transports/messages/delivery.ts';
import { messageId } from './address.ts';

export interface DeliveryPorts {
  readonly outbox: Outbox;
  readonly now: () => number;
  /** Why: the channel is not there any more, or belay.yaml cannot be read. */
  readonly way: (destination: Destination) => { readonly way: Way } | { readonly why: string };
  /** Undefined: another process delivers to it now. */
  readonly lock: (destination: Destination) => { release(): void } | undefined;
  readonly send: (way: Way, letter: Letter, signal: AbortSignal) => Promise<Delivery>;
  /** A message cannot be delivered, or is given up. */
  readonly told?: (trouble: ChannelTrouble) => void;
}

export interface ChannelTrouble extends Destination {
  readonly why: string;
  readonly attempts: number;
  readonly isGivenUp: boolean;
}

/** Delivers what is due; `signal` ends it: what is under way then is tried again later. */
export async function deliver(ports: DeliveryPorts, signal: AbortSignal): Promise<void> {
  const now = ports.now();
  const channels = Map.groupBy(
    ports.outbox.waiting().filter(({ nextAt }) => isDue(nextAt, now)),
    channelKey,
  );
  await Promise.all([...channels.values()].map((messages) => deliverTo(messages, ports, signal)));
}

const channelKey = ({ config, channel }: Destination): string => JSON.stringify([config, channel]);

async function deliverTo(
  [first]: readonly OutboxMessage[],
  ports: DeliveryPorts,
  signal: AbortSignal,
): Promise<void> {
  if (first === undefined) return;
  const destination: Destination = { config: first.config, channel: first.channel };
  const lock = ports.lock(destination);
  if (lock === undefined) return;
  try {
    // What another process has delivered meanwhile is not in it any more.
    const now = ports.now();
    const mine = ports.outbox.waiting().filter((message) => channelKey(message) === channelKey(destination));
    giveUp(mine, ports, now);
    const due = mine.filter(({ nextAt, expiresAt }) => isDue(nextAt, now) && expiresAt > now);
    const fresh = mine.some((each) => hasJustFailed(each, now)) ? [] : due.filter((each) => !isTried(each));
    for (const message of [...due.filter(isTried), ...folded(fresh, destination, ports)]) {
      if (signal.aborted) return;
      // One that fails speaks for the channel: the others would only wait for the same.
      if (!(await attempt(message, ports, signal))) return;
    }
  } finally {
    lock.release();
  }
}

/** After a failure nothing new is sent to a channel for so long. */
const quietMs = 60_000;

function hasJustFailed({ attempts, nextAt }: OutboxMessage, now: number): boolean {
  return attempts > 0 && nextAt > now && now - (nextAt - pauseMs(attempts)) < quietMs;
}

const isTried = ({ attempts }: OutboxMessage): boolean => attempts > 0;

function giveUp(messages: readonly OutboxMessage[], { outbox, told }: DeliveryPorts, now: number): void {
  for (const { id, expiresAt, config, channel, trouble, attempts } of messages) {
    if (expiresAt > now) continue;
    outbox.settle(id, 'givenUp', '', now);
    told?.({ config, channel, why: trouble, attempts, isGivenUp: true });
  }
}

/** What of the new messages is sent now: each of its own, or one summary in their place. */
function folded(
  fresh: readonly OutboxMessage[],
  destination: Destination,
  { outbox, now }: DeliveryPorts,
): readonly OutboxMessage[] {
  const at = now();
  const sent = outbox
    .sentSince(destination, at - stormMs)
    .map((each) => ({ at: each.at, kind: each.isSummary ? ('summary' as const) : ('single' as const) }));
  const summaries = fresh.filter(({ event }) => event === summaryEvent);
  const singles = fresh.filter(({ event }) => event !== summaryEvent);
  const waiting = singles.map(({ id, event, at: happenedAt, subject }) => ({
    id,
    event: event as EventName,
    at: happenedAt,
    subject,
  }));
  const folding = fold(waiting, sent, at);
  if (folding.kind === 'hold') return summaries;
  if (folding.kind === 'singles') return fresh;
  const key = `summary:${folding.ids.join(',')}`;
  const summary = summaryOf(waiting);
  const id = messageId(destination, key);
  outbox.fold(
    {
      ...destination,
      id,
      key,
      event: summaryEvent,
      about: id,
      at,
      ...summary,
      fields: { event: summaryEvent, ...summary },
      expiresAt: at + expiryMs,
    },
    folding.ids,
    at,
  );
  const written = outbox.message(id);
  return written === undefined ? summaries : [...summaries, written];
}

/** Whether it was delivered. */
async function attempt(message: OutboxMessage, ports: DeliveryPorts, signal: AbortSignal): Promise<boolean> {
  const { outbox, now, told } = ports;
  const { id, subject, text, fields, config, channel } = message;
  const attempts = message.attempts + 1;
  if (!outbox.begin(id, now(), now() + pauseMs(attempts))) return true;
  const found = ports.way(message);
  const delivery: Delivery =
    'why' in found
      ? { kind: 'failed', why: found.why }
      : await ports.send(found.way, { id, subject, text, fields }, signal);
  if (delivery.kind === 'delivered') {
    outbox.settle(id, 'delivered', delivery.receipt, now());
    return true;
  }
  outbox.failed(id, delivery.why, now() + pauseMs(attempts, delivery.retryAfterMs));
  told?.({ config, channel, why: delivery.why, attempts, isGivenUp: false });
  return false;
}
