/** belay complete: an execution ends behind what is under way, and nothing is undone. */
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { handOver } from '../hand-over.ts';

export const body: CommandBody = async (cli, [prefix]) => {
  const belay = await cli.belay();
  const id = await belay.find(prefix);
  const { view, behind } = describe(await belay.complete(id));
  handOver(cli, view, { live: `it ends ${behind}`, recorded: `it will end ${behind}` });
  return exitCodes.done;

  function describe(found: Awaited<ReturnType<typeof belay.complete>>) {
    const { waiting, at } = found;
    if (waiting?.kind === 'nextStep') return { view: found, behind: `before ${waiting.steps[0]}` };
    return { view: found, behind: at === null ? 'before its next step' : `behind ${at}` };
  }
};
