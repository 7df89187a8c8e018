/** belay window skip: leaves out one run, or all before an instant. */
import type { CommandBody } from '../../command-spec.ts';
import { exitCodes } from '../../exit-codes.ts';
import { textOf } from '../../options.ts';
import { withDesk } from '../../window-desk.ts';

export const body: CommandBody = (cli, [name = ''], options) =>
  withDesk(cli, options, async (desk) => {
    const window = desk.window(name);
    const until = textOf(options, 'until');
    if (until !== undefined) {
      const count = desk.skipUntil(window, until, textOf(options, 'why'));
      cli.talk(
        count === 0
          ? `${name} does not come before ${until}.`
          : `${count} ${count === 1 ? 'run' : 'runs'} of ${name} will be skipped.`,
      );
      return exitCodes.done;
    }
    const id = await desk.occurrence(window, textOf(options, 'occurrence'));
    desk.say(id, 'skip', textOf(options, 'why'));
    cli.talk(`${id} will be skipped.`);
    return exitCodes.done;
  });
