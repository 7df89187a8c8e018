/** belay cancel: stops an execution, which then climbs down as its runbook says. */
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { handOver } from '../hand-over.ts';

export const body: CommandBody = async (cli, [prefix]) => {
  const belay = await cli.belay();
  const view = belay.cancel(belay.find(prefix));
  const what =
    view.waiting?.kind === 'rollbackDecision'
      ? 'leave everything as it is'
      : 'stop and climb down as its runbook says';
  handOver(cli, view, { live: `it will ${what}`, recorded: `cancelled; it will ${what}` });
  return exitCodes.done;
};
