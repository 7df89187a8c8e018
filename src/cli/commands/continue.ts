/** belay continue: goes on behind aws:pause, or says that an effect did happen. */
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { handOver } from '../hand-over.ts';
import { textOf } from '../options.ts';

export const body: CommandBody = async (cli, [prefix], options) => {
  const belay = await cli.belay();
  const { view, step } = await belay.proceed(await belay.find(prefix), textOf(options, 'step'));
  if (view.waiting?.kind === 'nextStep')
    handOver(cli, view, { live: `${step} begins`, recorded: `${step} is next` });
  else handOver(cli, view, { live: `it goes on behind ${step}`, recorded: `it will go on behind ${step}` });
  return exitCodes.done;
};
