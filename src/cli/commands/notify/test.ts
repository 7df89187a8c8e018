/** belay notify test: one message to one channel, now. */
import { testChannel } from '../../../runtime/notify/test-channel.ts';
import type { CommandBody } from '../../command-spec.ts';
import { exitCodes } from '../../exit-codes.ts';
import { flagOf } from '../../options.ts';
import { printable } from '../../view/printable.ts';

export const body: CommandBody = async (cli, [name = ''], options) => {
  const delivery = await testChannel(name, {
    cwd: cli.cwd,
    env: cli.env,
    now: cli.now,
    caller: cli.caller(),
  });
  const isDelivered = delivery.kind === 'delivered';
  if (flagOf(options, 'json'))
    cli.out(`${JSON.stringify({ schemaVersion: 1, channel: name, ...delivery }, null, 2)}\n`);
  else if (isDelivered) cli.talk(`${name} took the message: ${printable(delivery.receipt)}`);
  else cli.talk(`${name} did not take the message: ${printable(delivery.why)}`);
  return isDelivered ? exitCodes.done : exitCodes.failed;
};
