/** belay discard: a person's last word on an execution that nobody runs. */
import { accountOf } from '../../engine/index.ts';
import type { ExecutionView } from '../../runtime/execution-view.ts';
import { Refusal } from '../../runtime/refusal.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { textOf } from '../options.ts';
import { targetsOfInputs } from '../view/input-targets.ts';
import { printable } from '../view/printable.ts';

/** The longest reason that the journal keeps. */
const whyCharactersMax = 2_000;

/** Steps that a dead runner left in the midst of what they do: a command on a host goes on without it. */
function underWay({ steps }: Pick<ExecutionView, 'steps'>): string[] {
  const { unsure } = accountOf({ steps, rollback: [] });
  return unsure
    .filter(({ step }) => step.status === 'InProgress')
    .map(({ step: { name, inputs } }) => {
      const where = targetsOfInputs(inputs).map(printable).join(', ');
      return where === '' ? printable(name) : `${printable(name)} on ${where}`;
    });
}

export const body: CommandBody = async (cli, [prefix = ''], options) => {
  const belay = await cli.belay();
  const id = await belay.find(prefix);
  const why = textOf(options, 'why')?.trim() ?? '';
  if (why === '' || why.length > whyCharactersMax) {
    const what = why === '' ? 'why?' : `--why is longer than ${whyCharactersMax} characters.`;
    throw new Refusal('usage', 'MISSING_REASON', `belay discard ${id}: ${what} Nothing was discarded`, {
      hint: `belay discard ${id} --why "mended by hand"`,
    });
  }
  const before = await belay.view(id);
  const had = before.endedAt !== null;
  const kept = await belay.discard(id, why);
  const what = had ? 'closed' : 'discarded';
  cli.talk(
    `${id}: ${what}. Belay does nothing more for it, and nothing more is taken back; what it changed and is not undone stays as it is.`,
  );
  const open = had ? [] : underWay(before);
  if (open.length > 0)
    cli.talk(
      `${open.join(', ')} had begun, and how far it came is not known: what it started may still be under way.`,
    );
  for (const lock of kept)
    cli.talk(`  the lock ${printable(lock.lock)} was not given back: ${printable(lock.why)}`);
  cli.talk('What was kept for its undo goes with the next', '  belay prune');
  return kept.length === 0 ? exitCodes.done : exitCodes.failed;
};
