/** That a channel cannot be reached, for the other channels. */
import { withFields, type Message } from '../../notify/index.ts';
import type { ChannelTrouble } from './deliver.ts';

/** The first failures may be a restart of the receiver. */
const attemptsMin = 3;
const dayMs = 24 * 3_600_000;

/** Once a day and channel, and for each message that is given up. Undefined: not yet worth telling. */
export function channelTroubleMessage(trouble: ChannelTrouble, now: number): Message | undefined {
  const { config, channel, why, attempts, isGivenUp } = trouble;
  if (!isGivenUp && attempts < attemptsMin) return undefined;
  const day = Math.floor(now / dayMs);
  const subject = isGivenUp
    ? `Belay gave up messages to channel ${channel}`
    : `Belay cannot reach channel ${channel}`;
  return withFields(
    {
      key: `channel:${config}:${channel}:${isGivenUp ? 'givenUp' : 'failed'}:${day}`,
      event: 'channelFailed',
      about: `channel:${channel}`,
      at: now,
      subject,
      text: [
        `${subject}: ${why === '' ? 'nobody took them in time' : why}`,
        isGivenUp
          ? 'They were tried until they expired, and are not tried any more.'
          : 'It is tried again, later and later.',
        '  what waits  belay notify list',
        `  try it      belay notify test ${channel}`,
      ].join('\n'),
    },
    { failure: why, command: `belay notify test ${channel}` },
  );
}
