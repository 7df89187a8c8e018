/** Yes or no to a run of a window that waits for approval. */
import { Refusal } from '../runtime/refusal.ts';
import type { CommandBody } from './command-spec.ts';
import { exitCodes } from './exit-codes.ts';
import { textOf } from './options.ts';
import { checkWindow } from '../runtime/windows/check-window.ts';
import { readerOf } from '../runtime/windows/read-runbook.ts';
import type { WindowDesk } from '../runtime/windows/desk.ts';
import type { Window } from '../windows/index.ts';
import type { Cli } from './cli.ts';
import { printable } from './view/printable.ts';
import { withDesk } from './window-desk.ts';

export function sayOf(kind: 'approve' | 'reject'): CommandBody {
  return (cli, [name = ''], options) =>
    withDesk(cli, options, async (desk) => {
      const window = desk.window(name);
      const { approval } = window;
      if (approval === null) {
        throw new Refusal('usage', 'NO_APPROVAL', `${name} waits for nobody: it has no Approval`, {
          hint: kind === 'reject' ? `belay window skip ${name} leaves a run out` : undefined,
        });
      }
      const username = cli.caller();
      if (!approval.approvers.includes(username)) {
        throw new Refusal(
          'refused',
          'NOT_AN_APPROVER',
          `${username} is none of the approvers of ${name}: ${approval.approvers.join(', ')}`,
        );
      }
      const id = await desk.occurrence(window, textOf(options, 'occurrence'));
      const why = textOf(options, 'why');
      if (kind === 'approve') {
        const { read, inventory } = { read: readerOf(await cli.belay()), inventory: desk.inventory };
        const said = await desk.approve(window, id, { read, inventory, why });
        if (said.kind === 'known') cli.talk(`${username} has approved ${id} already.`);
        else {
          await tellWhatIsSaid(cli, desk, window);
          const anew = said.change === null ? '' : ` anew, since ${printable(said.change)}`;
          cli.talk(
            `${id} is approved by ${username}${anew}. This is a word, not a signature: it binds nobody.`,
            'It holds for what the window and these files say now, and counts for nothing once they say otherwise:',
            ...said.files.map((file) => `  ${printable(file)}`),
          );
        }
        return exitCodes.done;
      }
      cli.talk(
        desk.say(id, kind, why)
          ? `${id} is rejected by ${username}. This is a word, not a signature: it binds nobody.`
          : `${username} has rejected ${id} already.`,
      );
      return exitCodes.done;
    });
}

/** Whoever says yes beforehand is told what nobody will be asked about at night. */
async function tellWhatIsSaid(cli: Cli, desk: WindowDesk, window: Window): Promise<void> {
  const options = { cwd: cli.cwd, env: cli.env, store: desk.store, now: cli.now, offline: true };
  for (const { task, said = [], problems } of await checkWindow(window, await cli.belay(), options)) {
    for (const { path, what } of said)
      cli.talk(`  ${printable(task.name)}: ${printable(path)} ${printable(what)}`);
    for (const { code, message } of problems)
      cli.talk(`  ${printable(task.name)} would not run as meant: ${code}: ${printable(message)}`);
  }
}
