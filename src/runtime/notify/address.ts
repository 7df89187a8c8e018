/** A message and who is told of it → what stands in the outbox, one row for each channel. */
import { createHash } from 'node:crypto';
import type { Destination, NewOutboxMessage } from '../../journal/index.ts';
import { expiryMs, rendered, type Channel, type Message } from '../../notify/index.ts';
import { visible } from '../visible.ts';

/** Who is told: the channels of a belay.yaml, and a topic that a file names itself. */
export interface Audience {
  /** Absolute; null: there is no belay.yaml. */
  readonly config: string | null;
  readonly channels: readonly Channel[];
  /** Channels that the runbook, window or compliance file names. */
  readonly named: readonly string[];
  /** Topics that a file names itself. */
  readonly topicArns: readonly string[];
  /** The AWS profile as which those topics are asked; absent: the one of whoever tells. */
  readonly profile?: string;
}

export interface Addressed {
  readonly destination: Destination;
  /** Undefined: a topic that a file names itself, told in the usual words. */
  readonly channel: Channel | undefined;
  /** Of a topic that a file names itself: the AWS profile as which it is asked. */
  readonly profile?: string;
}

/** The channels that want it, each once; a topic that is a channel as well is told as that channel. */
export function addressees(
  { config, channels, named, topicArns, profile }: Audience,
  message: Message,
): Addressed[] {
  const chosen = channels
    .filter(({ isOnlyNamed, name }) => !isOnlyNamed || named.includes(name))
    .filter(({ events }) => events.has(message.event));
  const isChosen = (arn: string): boolean =>
    chosen.some(({ way }) => way.kind === 'sns' && way.topicArn === arn);
  return [
    ...chosen.map((channel) => ({ destination: { config: config ?? '', channel: channel.name }, channel })),
    ...[...new Set(topicArns)]
      .filter((arn) => !isChosen(arn))
      .map((arn) => ({
        destination: { config: '', channel: arn },
        channel: undefined,
        ...(profile === undefined ? {} : { profile }),
      })),
  ];
}

/** What steers a terminal or turns letters around is shown as what it is, and no channel sees it. */
export function addressed(
  message: Message,
  { destination, channel, profile }: Addressed,
  now: number,
): NewOutboxMessage {
  const { subject, text } = rendered(channel ?? {}, message);
  const { key, event, about, at } = message;
  const fields = profile === undefined ? message.fields : { ...message.fields, awsProfile: profile };
  return {
    ...destination,
    id: messageId(destination, key),
    key,
    event,
    about,
    at,
    subject: visible(subject),
    text: visible(text),
    fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, visible(value)])),
    expiresAt: now + expiryMs,
  };
}

/** 128 bits, hex: what receivers deduplicate by. */
export function messageId({ config, channel }: Destination, key: string): string {
  return createHash('sha256')
    .update(JSON.stringify([config, channel, key]))
    .digest('hex')
    .slice(0, 32);
}
