/** Yes or no to a run of a window that waits for approval. */
import { userInfo } from 'node:os';
import { Refusal } from '../runtime/refusal.ts';
import type { CommandBody } from './command-spec.ts';
import { exitCodes } from './exit-codes.ts';
import { textOf } from './options.ts';
import { checkWindow } from '../runtime/windows/check-window.ts';
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
      const { username } = userInfo();
      if (!approval.approvers.includes(username)) {
        throw new Refusal(
          'refused',
          'NOT_AN_APPROVER',
          `${username} is none of the approvers of ${name}: ${approval.approvers.join(', ')}`,
        );
      }
      const id = await desk.occurrence(window, textOf(options, 'occurrence'));
      const isNew = desk.say(id, kind, textOf(options, 'why'));
      if (kind === 'approve') await tellWhatIsSaid(cli, desk, window);
      const word = kind === 'approve' ? 'approved' : 'rejected';
      cli.talk(
        isNew
          ? `${id} is ${word} by ${username}. This is a word, not a signature: it binds nobody.`
          : `${username} has ${word} ${id} already.`,
      );
      return exitCodes.done;
    });
}

/** Whoever says yes beforehand is told what nobody will be asked about at night. */
async function tellWhatIsSaid(cli: Cli, desk: WindowDesk, window: Window): Promise<void> {
  const options = { cwd: cli.cwd, env: cli.env, store: desk.store, offline: true };
  for (const { task, said = [] } of await checkWindow(window, await cli.belay(), options))
    for (const { path, what } of said)
      cli.talk(`  ${printable(task.name)}: ${printable(path)} ${printable(what)}`);
}
