/** belay notify list: what waits, what was given up, and why. */
import type { OutboxMessage } from '../../../journal/index.ts';
import type { CommandBody } from '../../command-spec.ts';
import { exitCodes } from '../../exit-codes.ts';
import { flagOf } from '../../options.ts';
import { durationText } from '../../view/durations.ts';
import { printable } from '../../view/printable.ts';

/** Messages that `--all` shows. */
const latestMax = 100;
/** For how long what was given up is shown without `--all`. */
const givenUpMs = 7 * 24 * 3_600_000;

export const body: CommandBody = async (cli, _args, options) => {
  const belay = await cli.belay();
  const { notifier } = belay;
  const now = cli.now();
  const messages: readonly OutboxMessage[] =
    notifier?.isUsed !== true
      ? []
      : flagOf(options, 'all')
        ? notifier.outbox.latest(latestMax)
        : [...notifier.outbox.waiting(), ...notifier.outbox.givenUpSince(now - givenUpMs)];
  if (flagOf(options, 'json')) {
    cli.out(`${JSON.stringify({ schemaVersion: 1, messages: messages.map(messageJson) }, null, 2)}\n`);
    return exitCodes.done;
  }
  if (messages.length === 0) cli.talk('Nothing waits: every message was delivered.');
  for (const message of messages) {
    cli.out(`${messageLine(message, now)}\n`);
    const why = whyLine(message);
    if (why !== '') cli.out(`    ${why}\n`);
  }
  return exitCodes.done;
};

function messageLine({ channel, event, at, subject, state }: OutboxMessage, now: number): string {
  const age = `${durationText(Math.max(0, now - at))} ago`;
  return [printable(channel), state === 'givenUp' ? 'given up' : state, event, age, printable(subject)].join(
    '  ',
  );
}

function whyLine({ state, attempts, trouble, nextAt, receipt }: OutboxMessage): string {
  const tries = `${attempts} ${attempts === 1 ? 'try' : 'tries'}`;
  switch (state) {
    case 'waiting':
      if (attempts === 0) return 'not tried yet';
      return `${tries}: ${trouble === '' ? 'the last one did not come to its end' : printable(trouble)}; next ${new Date(nextAt).toISOString()}`;
    case 'givenUp':
      return `${tries}: ${trouble === '' ? 'nobody took it in time' : printable(trouble)}`;
    case 'folded':
      return `told as part of ${receipt}`;
    case 'delivered':
      return printable(receipt);
    case 'withdrawn':
      return 'it was over before it could be sent';
    default:
      return state satisfies never;
  }
}

function messageJson(message: OutboxMessage) {
  const {
    id,
    config,
    channel,
    event,
    about,
    at,
    subject,
    text,
    state,
    attempts,
    trouble,
    nextAt,
    settledAt,
    expiresAt,
    receipt,
  } = message;
  const instant = (ms: number): string | null => (ms === 0 ? null : new Date(ms).toISOString());
  return {
    id,
    channel,
    config: config === '' ? null : config,
    event,
    about,
    at: instant(at),
    subject,
    text,
    state,
    attempts,
    trouble: trouble === '' ? null : trouble,
    nextAt: state === 'waiting' ? instant(nextAt) : null,
    settledAt: instant(settledAt),
    expiresAt: instant(expiresAt),
    receipt: receipt === '' ? null : receipt,
  };
}
