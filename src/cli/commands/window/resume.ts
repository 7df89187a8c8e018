/** belay window resume: a paused window runs again from its next run on. */
import type { CommandBody } from '../../command-spec.ts';
import { exitCodes } from '../../exit-codes.ts';
import { localText } from '../../view/instant-text.ts';
import { withDesk } from '../../window-desk.ts';

export const body: CommandBody = (cli, [name = ''], options) =>
  withDesk(cli, options, async (desk) => {
    const window = desk.window(name);
    desk.store.unsay(window.name, 'pause');
    const [next] = await desk.next(window, 1);
    cli.talk(
      next === undefined
        ? `${name} does not come again.`
        : `${name} runs next ${localText(next.dueAt, window.timezone)}.`,
    );
    return exitCodes.done;
  });
