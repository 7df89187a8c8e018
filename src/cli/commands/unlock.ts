/** belay unlock: frees what nobody will give back, named by lock and holder. */
import { Refusal } from '../../runtime/refusal.ts';
import { shellWord } from '../../runtime/visible.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { flagOf, textOf } from '../options.ts';
import { lockLines } from '../view/lock-lines.ts';
import { printable } from '../view/printable.ts';
import { spelled } from '../view/style.ts';

export const body: CommandBody = async (cli, [lock = ''], options) => {
  const belay = await cli.belay();
  const holder = textOf(options, 'holder');
  if (holder === undefined || holder === '') {
    throw new Refusal('usage', 'MISSING_HOLDER', `belay unlock ${lock}: whose? Nothing was freed`, {
      hint: `belay locks --hosts shows the holders; then  belay unlock ${shellWord(lock)} --holder ID`,
    });
  }
  return belay.unlock(lock, holder, async (unlocking) => {
    cli.talk('This frees:', ...lockLines(unlocking.held).map((line) => `  ${spelled(line, cli.style)}`));
    for (const { host, why } of unlocking.silent)
      cli.talk(`  ${printable(host)} did not answer and stays as it is: ${printable(why)}`);
    if (!flagOf(options, 'yes')) {
      if (!cli.canAsk) {
        throw new Refusal('usage', 'NOT_CONFIRMED', 'nobody can be asked here; nothing was freed', {
          hint: `-y frees it without a question`,
        });
      }
      const { askYesNo } = await import('../ask.ts');
      const question = 'Is the holder surely not at work any more, and shall they be freed?';
      if ((await askYesNo(question, { initial: false })) !== true) {
        cli.talk('Nothing was freed.');
        return exitCodes.failed;
      }
    }
    const left = await unlocking.free();
    for (const { why } of left) cli.talk(`not freed: ${printable(why)}`);
    cli.talk(left.length === 0 ? 'Freed.' : 'The rest was freed.');
    return left.length === 0 ? exitCodes.done : exitCodes.failed;
  });
};
