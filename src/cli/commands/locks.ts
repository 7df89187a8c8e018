/** belay locks: who holds what; with --hosts the hosts of belay.yaml are asked as well. */
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { flagOf } from '../options.ts';
import { lockJson, lockLines } from '../view/lock-lines.ts';
import { outOfServiceLine } from '../view/out-of-service.ts';
import { printable } from '../view/printable.ts';
import { spelled } from '../view/style.ts';

export const body: CommandBody = async (cli, _args, options) => {
  const belay = await cli.belay();
  const { held, silent } = await belay.locks({ hosts: flagOf(options, 'hosts') });
  if (flagOf(options, 'json')) {
    const locks = held.map(lockJson);
    cli.out(`${JSON.stringify({ schemaVersion: 1, locks, silent }, null, 2)}\n`);
    return exitCodes.done;
  }
  if (held.length === 0) cli.talk('Nothing is held.');
  else for (const line of lockLines(held)) cli.out(`${spelled(line, cli.outStyle)}\n`);
  const gone = held.filter(({ holder }) => holder.condition === 'runnerGone' || holder.condition === 'ended');
  for (const id of new Set(gone.map(({ holder }) => holder.executionId))) {
    const view = await belay.soundView(id);
    const line = view === undefined ? undefined : outOfServiceLine(view);
    if (line !== undefined) cli.out(`${spelled(line, cli.outStyle)}\n`);
  }
  for (const { host, why } of silent) cli.talk(`${printable(host)} did not answer: ${printable(why)}`);
  return exitCodes.done;
};
