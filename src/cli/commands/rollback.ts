/** belay rollback: takes back what a finished execution did. */
import { accountOf } from '../../engine/index.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { isDaemonAlive } from '../../runtime/lock.ts';
import { runInFront } from '../front.ts';
import { handOver } from '../hand-over.ts';
import { lockWaitOf } from '../lock-wait.ts';
import { flagOf, textOf } from '../options.ts';
import { defaultsOf, headLines } from '../view/head-lines.ts';
import { printable } from '../view/printable.ts';

export const body: CommandBody = async (cli, [prefix], options) => {
  const belay = await cli.belay();
  const id = await belay.find(prefix);
  const step = textOf(options, 'step');
  const view = await belay.view(id);
  const wait = lockWaitOf(options);
  const json = flagOf(options, 'json');
  const answersQuestion = view.waiting?.kind === 'rollbackDecision';
  const hasWork = accountOf(view).offersRollback;
  if (
    hasWork &&
    cli.canAsk &&
    !json &&
    !flagOf(options, 'yes') &&
    !answersQuestion &&
    view.endedAt !== null
  ) {
    const { askYesNo } = await import('../ask.ts');
    const what = step === undefined ? `what ${id} (${printable(view.runbook)}) did` : `${step} of ${id}`;
    if ((await askYesNo(`Take back ${what}?`, { initial: true })) !== true) {
      cli.talk('Nothing was undone.');
      return exitCodes.failed;
    }
  }
  await belay.requestRollback(id, {
    force: flagOf(options, 'force'),
    ...(step === undefined ? {} : { step }),
    ...wait,
  });
  if (view.isLive) {
    cli.talk(`Handed over: pid ${view.runner?.pid ?? '?'} on ${view.runner?.host ?? '?'} climbs down.`);
    return exitCodes.done;
  }
  if (view.child !== null || (view.leftTo === 'daemon' && isDaemonAlive(belay.stateDir))) {
    handOver(cli, view, { live: '', recorded: 'it will climb down' });
    return exitCodes.done;
  }
  return runInFront(cli, belay, id, {
    json,
    wait: options['wait'] !== false,
    endsAs: 'rollback',
    head: headLines(view, defaultsOf((await belay.document(id)).parameters), cli.style),
  });
};
