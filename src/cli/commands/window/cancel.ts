/** belay window cancel: stops the run that is under way; its tasks climb down. */
import { Refusal } from '../../../runtime/refusal.ts';
import type { CommandBody } from '../../command-spec.ts';
import { exitCodes } from '../../exit-codes.ts';
import { textOf } from '../../options.ts';
import { withDesk, tellDaemon } from '../../window-desk.ts';

export const body: CommandBody = (cli, [name = ''], options) =>
  withDesk(cli, options, (desk) => {
    const running = desk.running(desk.window(name));
    if (running === undefined) throw new Refusal('refused', 'NOT_RUNNING', `${name} is not running now`);
    desk.say(running.id, 'cancel', textOf(options, 'why'));
    cli.talk(`${running.id} will be cancelled: nothing more of it starts, and what runs climbs down.`);
    tellDaemon(cli, desk);
    return exitCodes.done;
  });
