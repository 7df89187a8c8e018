/** belay window pause: nothing of it starts until it is resumed. What runs goes on. */
import type { CommandBody } from '../../command-spec.ts';
import { exitCodes } from '../../exit-codes.ts';
import { textOf } from '../../options.ts';
import { withDesk } from '../../window-desk.ts';

export const body: CommandBody = (cli, [name = ''], options) =>
  withDesk(cli, options, (desk) => {
    const window = desk.window(name);
    const isNew = desk.say(window.name, 'pause', textOf(options, 'why'));
    const running = desk.running(window);
    cli.talk(
      isNew ? `${name} is paused. To let it run again:` : `${name} was paused already. To let it run again:`,
      `  belay window resume ${name}`,
      ...(running === undefined
        ? []
        : [
            running.status === 'PENDING'
              ? `${running.id} has not begun, and waits until then.`
              : `${running.id} runs and goes on.`,
          ]),
    );
    return exitCodes.done;
  });
