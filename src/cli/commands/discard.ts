/** belay discard: a person's last word on an execution that nobody runs. */
import { Refusal } from '../../runtime/refusal.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { textOf } from '../options.ts';
import { printable } from '../view/printable.ts';

/** The longest reason that the journal keeps. */
const whyCharactersMax = 2_000;

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
  const had = (await belay.view(id)).endedAt !== null;
  const kept = await belay.discard(id, why);
  const what = had ? 'closed' : 'discarded';
  cli.talk(
    `${id}: ${what}. Nothing of it goes on, and nothing more is taken back; what it changed and is not undone stays as it is.`,
  );
  for (const lock of kept)
    cli.talk(`  the lock ${printable(lock.lock)} was not given back: ${printable(lock.why)}`);
  cli.talk('What was kept for its undo goes with the next', '  belay prune');
  return kept.length === 0 ? exitCodes.done : exitCodes.failed;
};
