/** belay window cancel: stops the run that is under way; its tasks climb down. */
import { Refusal } from '../../../runtime/refusal.ts';
import type { CommandBody } from '../../command-spec.ts';
import { exitCodes } from '../../exit-codes.ts';
import { textOf } from '../../options.ts';
import { withDesk, tellDaemon } from '../../window-desk.ts';

export const body: CommandBody = (cli, [name = ''], options) =>
  withDesk(cli, options, (desk) => {
    const window = desk.window(name);
    const running = desk.runningId(window);
    if (running === undefined) throw new Refusal('refused', 'NOT_RUNNING', `${name} is not running now`);
    desk.say(running, 'cancel', textOf(options, 'why'));
    const next =
      desk.damage(window, 0).length === 0
        ? 'will be cancelled: nothing more of it starts, and what runs climbs down.'
        : 'will be closed: nothing more of it starts. What it had begun goes on by itself: belay list';
    cli.talk(`${running} ${next}`);
    tellDaemon(cli, desk);
    return exitCodes.done;
  });
