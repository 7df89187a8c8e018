/** belay explain: what an action does, takes and gives, and how it is undone; from the action itself. */
import { actions } from '../../actions/index.ts';
import { didYouMean, makeSuggester } from '../../document/suggest.ts';
import { Refusal } from '../../runtime/refusal.ts';
import type { Cli } from '../cli.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { explainAction } from '../explain-action.ts';
import { flagOf } from '../options.ts';
import { actionLines, actionListLines } from '../view/action-lines.ts';
import { spelled } from '../view/style.ts';

export const body: CommandBody = async (cli, [name], options) => {
  const json = flagOf(options, 'json');
  if (name === undefined) {
    const all = [...actions.values()].toSorted((left, right) => (left.name < right.name ? -1 : 1));
    if (json) cli.out(`${JSON.stringify({ schemaVersion: 1, actions: all.map(explainAction) }, null, 2)}\n`);
    else print(cli, actionListLines(all, cli.outStyle));
    return exitCodes.done;
  }
  const action = actions.get(name);
  if (action === undefined) throw await unknownAction(cli, name);
  const explanation = explainAction(action);
  if (json) cli.out(`${JSON.stringify({ schemaVersion: 1, ...explanation }, null, 2)}\n`);
  else print(cli, actionLines(explanation, cli.outStyle));
  return exitCodes.done;
};

function print(cli: Cli, lines: readonly string[]): void {
  cli.out(lines.map((line) => `${spelled(line, cli.outStyle)}\n`).join(''));
}

/** Says what to do instead where the action is part of the language but not there yet. */
async function unknownAction(cli: Cli, name: string): Promise<Refusal> {
  const { catalog } = await cli.belay();
  const instead = catalog.notBuiltYet.get(name);
  if (instead !== undefined) {
    return new Refusal('usage', 'NOT_BUILT_YET', `${name} is not built yet`, { hint: instead });
  }
  return new Refusal('usage', 'UNKNOWN_ACTION', `there is no action ${name}`, {
    hint: didYouMean(makeSuggester(), name, [...actions.keys()]) ?? 'belay explain lists them all',
  });
}
