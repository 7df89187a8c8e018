/** Whether people can be told: secrets of channels that are not there, and messages that nobody took. Sends nothing. */
import { hasOutbox, JournalFailure, type OutboxMessage } from '../../journal/index.ts';
import { secretsOf, type Channel } from '../../notify/index.ts';
import { createAws } from '../../transports/aws/client.ts';
import type { Notifier } from '../notify/notifier.ts';
import { readSecret } from '../secrets/references.ts';
import type { Finding } from './finding.ts';

export interface ChannelCheck {
  readonly channels: readonly Channel[];
  readonly env: NodeJS.ProcessEnv;
  readonly stateDir: string;
  readonly notifier: Notifier | undefined;
  readonly now: number;
}

const givenUpMs = 7 * 24 * 3_600_000;
const hourMs = 3_600_000;

export async function checkChannels({
  channels,
  env,
  stateDir,
  notifier,
  now,
}: ChannelCheck): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const channel of channels) findings.push(await checkChannel(channel, env));
  if (notifier === undefined || !hasOutbox(stateDir)) return findings;
  try {
    const waiting = notifier.outbox.waiting().filter(({ attempts }) => attempts > 0);
    const givenUp = notifier.outbox.givenUpSince(now - givenUpMs);
    for (const [channel, messages] of Map.groupBy(waiting, (each) => each.channel))
      findings.push(waitingFinding(channel, messages, now));
    for (const [channel, messages] of Map.groupBy(givenUp, (each) => each.channel))
      findings.push({
        area: 'channels',
        what: channel,
        verdict: 'bad',
        says: `${messages.length} ${messages.length === 1 ? 'message was' : 'messages were'} given up: ${messages.at(-1)?.trouble ?? ''}`,
        hint: 'belay notify list has them',
      });
  } catch (error) {
    if (!(error instanceof JournalFailure)) throw error;
    findings.push({ area: 'channels', what: 'notify.db', verdict: 'bad', says: error.message });
  }
  return findings;
}

/** Its secrets are read, and not told. Whether the receiver takes a message only a message can show. */
async function checkChannel({ name, way }: Channel, env: NodeJS.ProcessEnv): Promise<Finding> {
  const about = { area: 'channels', what: name } as const;
  for (const [what, reference] of Object.entries(secretsOf(way))) {
    const reading = await readSecret(reference, {
      env,
      stdin: () => Promise.resolve(''),
      aws: () => Promise.resolve(createAws()),
    });
    if ('trouble' in reading)
      return {
        ...about,
        verdict: 'bad',
        says: `its ${what} cannot be read: ${reading.trouble}`,
        hint: reference,
      };
  }
  return { ...about, verdict: 'good', says: way.kind };
}

function waitingFinding(channel: string, messages: readonly OutboxMessage[], now: number): Finding {
  const oldest = Math.min(...messages.map(({ at }) => at));
  const hours = Math.floor((now - oldest) / hourMs);
  const age = hours === 0 ? 'less than an hour' : `${hours} h`;
  const count = `${messages.length} ${messages.length === 1 ? 'message waits' : 'messages wait'}`;
  const why =
    messages.findLast(({ trouble }) => trouble !== '')?.trouble ?? 'the last try did not come to its end';
  return {
    area: 'channels',
    what: channel,
    verdict: 'bad',
    says: `${count} for it, the oldest for ${age}: ${why}`,
    hint: 'belay notify list; belay notify test CHANNEL tries it',
  };
}
