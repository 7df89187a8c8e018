/** Tries a channel: one message, sent at once, that stands in no outbox. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { didYouMean, makeSuggester } from '../../document/index.ts';
import { rendered, withFields } from '../../notify/index.ts';
import { createAws } from '../../transports/aws/client.ts';
import type { Delivery } from '../../transports/messages/delivery.ts';
import { findConfiguration } from '../configuration.ts';
import { Refusal } from '../refusal.ts';
import { visible } from '../visible.ts';
import { send } from './send.ts';

export interface TestOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Who tries it. */
  readonly caller: string;
}

/** Throws Refusal. */
export async function testChannel(name: string, { cwd, env, now, caller }: TestOptions): Promise<Delivery> {
  const { file, inventory } = findConfiguration(cwd, env);
  const channels = inventory?.channels ?? [];
  const channel = channels.find((each) => each.name === name);
  if (channel === undefined)
    throw unknownChannel(
      name,
      file,
      channels.map((each) => each.name),
    );
  const message = withFields(
    {
      key: randomUUID(),
      event: 'needsPerson',
      about: 'test',
      at: now(),
      subject: `Belay can reach ${name}`,
      text: [
        `${caller} on ${hostname()} tries channel ${name}. Nothing happened, and nothing is to be done.`,
        `It is told of: ${[...channel.events].join(', ')}.`,
      ].join('\n'),
    },
    {
      status: 'test',
      machine: hostname(),
      startedBy: caller,
      command: `belay notify test ${name}`,
    },
  );
  const { subject, text } = rendered(channel, message);
  return send(
    channel.way,
    {
      id: message.key.replaceAll('-', ''),
      subject: visible(subject),
      text: visible(text),
      fields: { ...message.fields, event: 'test' },
    },
    { env, aws: createAws, now, signal: new AbortController().signal },
  );
}

export function unknownChannel(name: string, file: string | null, known: readonly string[]): Refusal {
  const near = didYouMean(makeSuggester(), name, known);
  return new Refusal(
    'usage',
    'UNKNOWN_CHANNEL',
    file === null
      ? `there is no belay.yaml here, so there is no channel ${name}`
      : `${file} has no channel ${name}`,
    {
      hint:
        near ??
        (known.length === 0 ? 'docs/notify.md: channels stand below notify:' : `it has ${known.join(', ')}`),
    },
  );
}
