/** belay window run NAME --now: leaves a word, and the daemon starts it. */
import { Refusal } from '../../../runtime/refusal.ts';
import type { CommandBody } from '../../command-spec.ts';
import { exitCodes } from '../../exit-codes.ts';
import { flagOf } from '../../options.ts';
import { withDesk, tellDaemon } from '../../window-desk.ts';

export const body: CommandBody = (cli, [name = ''], options) =>
  withDesk(cli, options, async (desk) => {
    const window = desk.window(name);
    if (!flagOf(options, 'now')) {
      throw new Refusal('usage', 'SAY_NOW', `belay window run starts every task of ${name} at once`, {
        hint: `when that is meant:  belay window run ${name} --now`,
      });
    }
    const id = await desk.runNow(window, flagOf(options, 'force'));
    cli.talk(`${id} is planned.`, `  belay window history ${name}`);
    tellDaemon(cli, desk);
    return exitCodes.done;
  });
