/** belay window list: all windows of the project, one line each. */
import type { CommandBody } from '../../command-spec.ts';
import { exitCodes } from '../../exit-codes.ts';
import { flagOf } from '../../options.ts';
import { localText, utcText } from '../../view/instant-text.ts';
import { tableLines } from '../../view/table.ts';
import { withDesk, tellDaemon } from '../../window-desk.ts';

export const body: CommandBody = (cli, _args, options) =>
  withDesk(cli, options, async (desk) => {
    const files = desk.files();
    const rows = [];
    const damaged: string[] = [];
    for (const { file, window } of files) {
      if (window === undefined) {
        rows.push({ name: null, file, state: 'BROKEN', next: null, zone: 'UTC', last: null });
        continue;
      }
      const [next] = window.isEnabled ? await desk.next(window, 1) : [];
      const [last] = desk.history(window, 1);
      const isPaused = desk.store.words(window.name).some(({ kind }) => kind === 'pause');
      const damage = desk.damage(window, 0);
      damaged.push(...damage);
      const state =
        (damage.length > 0 ? 'DAMAGED' : desk.running(window)?.status) ??
        (!window.isEnabled ? 'DISABLED' : next === undefined ? 'OVER' : isPaused ? 'PAUSED' : 'ENABLED');
      rows.push({
        name: window.name,
        file,
        state,
        next: next?.dueAt ?? null,
        zone: window.timezone,
        last: last ?? null,
      });
    }
    cli.talk(...damaged);
    if (flagOf(options, 'json')) {
      const windows = rows.map(({ name, file, state, next, last }) => ({
        name,
        file,
        state,
        next: next === null ? null : utcText(next),
        last: last === null ? null : { id: last.id, status: last.status },
      }));
      cli.out(`${JSON.stringify({ schemaVersion: 1, hasDaemon: desk.hasDaemon, windows }, null, 2)}\n`);
      return exitCodes.done;
    }
    if (rows.length === 0) {
      cli.talk(`There are no window files in ${desk.folder}.`);
      return exitCodes.done;
    }
    const table = rows.map(({ name, file, state, next, zone, last }) => [
      name ?? file,
      state,
      next === null ? '' : localText(next, zone),
      last?.status ?? '',
    ]);
    cli.out(
      tableLines([['WINDOW', 'STATE', 'NEXT', 'LAST'], ...table])
        .map((line) => `${line}\n`)
        .join(''),
    );
    if (rows.some(({ state }) => state === 'BROKEN'))
      cli.talk('What is wrong with the broken ones:', '  belay window validate');
    tellDaemon(cli, desk);
    return exitCodes.done;
  });
