/** belay cancel: stops an execution, which then climbs down as its runbook says; one that nobody runs does so here. */
import type { ExecutionView } from '../../runtime/execution-view.ts';
import { isDaemonAlive } from '../../runtime/lock.ts';
import { Refusal } from '../../runtime/refusal.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { runInFront } from '../front.ts';
import { handOver } from '../hand-over.ts';
import { flagOf } from '../options.ts';
import { outOfServiceLine } from '../view/out-of-service.ts';
import { defaultsOf, headLines } from '../view/head-lines.ts';

export const body: CommandBody = async (cli, [prefix], options) => {
  const belay = await cli.belay();
  const id = await belay.find(prefix);
  const before = await belay.view(id);
  const view = await cancelled();
  const what =
    view.waiting?.kind === 'rollbackDecision'
      ? 'leave everything as it is'
      : 'stop and climb down as its runbook says';
  const hasDaemon = view.leftTo === 'daemon' && isDaemonAlive(belay.stateDir);
  if (view.isLive || view.child !== null || hasDaemon) {
    handOver(cli, view, { live: `it will ${what}`, recorded: `it will ${what}` });
    return exitCodes.done;
  }
  const stopped = outOfServiceLine(before, 'The cancel climbs down from there');
  if (stopped !== undefined) cli.talk(stopped);
  try {
    return await runInFront(cli, belay, id, {
      json: flagOf(options, 'json'),
      wait: options['wait'] !== false,
      endsAs: 'run',
      head: headLines(view, defaultsOf((await belay.document(id)).parameters), cli.style),
    });
  } catch (error) {
    if (error instanceof Refusal) cli.talk(`The cancel of ${id} is noted; nothing of it is undone yet.`);
    throw error;
  }

  async function cancelled(): Promise<ExecutionView> {
    try {
      return await belay.cancel(id);
    } catch (error) {
      const line = outOfServiceLine(before);
      if (error instanceof Refusal && line !== undefined) cli.talk(line);
      throw error;
    }
  }
};
