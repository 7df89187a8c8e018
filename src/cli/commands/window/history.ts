/** belay window history: what the runs of a window came to, the latest first. */
import { Refusal } from '../../../runtime/refusal.ts';
import type { CommandBody } from '../../command-spec.ts';
import { exitCodes } from '../../exit-codes.ts';
import { flagOf, textOf } from '../../options.ts';
import { occurrenceLines } from '../../view/occurrence-lines.ts';
import { withDesk } from '../../window-desk.ts';

const countDefault = 10;

export const body: CommandBody = (cli, [name = ''], options) =>
  withDesk(cli, options, (desk) => {
    const window = desk.window(name);
    const countMax = countOf(textOf(options, 'limit'));
    const occurrences = desk.history(window, countMax);
    const damage = desk.damage(window, countMax);
    cli.talk(...damage);
    if (flagOf(options, 'json')) {
      cli.out(`${JSON.stringify({ schemaVersion: 1, window: window.name, occurrences }, null, 2)}\n`);
      return exitCodes.done;
    }
    if (occurrences.length === 0 && damage.length === 0)
      cli.talk(`${window.name} has not come due while a daemon ran.`);
    cli.out(
      occurrences
        .flatMap((each) => occurrenceLines(each, window.timezone))
        .map((line) => `${line}\n`)
        .join(''),
    );
    return exitCodes.done;
  });

function countOf(text: string | undefined): number {
  if (text === undefined) return countDefault;
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new Refusal('usage', 'BAD_COUNT', `--limit ${text}: that is not a number of runs`);
}
