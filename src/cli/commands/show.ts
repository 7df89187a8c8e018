/** belay show: everything about one execution. */
import type { ExecutionView } from '../../runtime/execution-view.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { flagOf } from '../options.ts';
import { executionJson } from '../view/execution-json.ts';
import { childLines, childrenJson } from '../view/child-lines.ts';
import { showLines } from '../view/show-lines.ts';
import { spelled } from '../view/style.ts';

export const body: CommandBody = async (cli, [prefix], options) => {
  const belay = await cli.belay();
  const view = await belay.view(await belay.find(prefix));
  const below: ExecutionView[] = [];
  for (const id of await belay.journal.idsBelow(view.child?.root ?? view.executionId)) {
    const one = await belay.soundView(id);
    if (one !== undefined) below.push(one);
  }
  if (flagOf(options, 'json')) {
    const children = childrenJson(view, below);
    cli.out(`${JSON.stringify({ schemaVersion: 1, ...executionJson(view), children }, null, 2)}\n`);
    return exitCodes.done;
  }
  const lines = [
    ...showLines(view, cli.outStyle, cli.now(), await belay.waits(view.executionId)),
    ...childLines(view, below, cli.outStyle),
  ];
  cli.out(lines.map((line) => `${spelled(line, cli.outStyle)}\n`).join(''));
  return exitCodes.done;
};
