/** belay window import: maintenance windows of AWS as files. */
import { importWindows } from '../../../runtime/windows/import.ts';
import type { CommandBody } from '../../command-spec.ts';
import { exitCodes } from '../../exit-codes.ts';
import { flagOf } from '../../options.ts';
import { printable } from '../../view/printable.ts';
import { withDesk } from '../../window-desk.ts';

export const body: CommandBody = (cli, only, options) =>
  withDesk(cli, options, async (desk) => {
    const { folder } = desk;
    const force = flagOf(options, 'force');
    let count = 0;
    let refused = 0;
    const { signal } = new AbortController();
    for await (const found of importWindows({ only, folder, force, signal })) {
      count += 1;
      const who = `${printable(found.name)} (${printable(found.id)})`;
      if (found.kind === 'refused') {
        refused += 1;
        cli.talk(`${who}  not imported  ${found.code}`, `  ${printable(found.why)}`);
        if (found.hint !== '') cli.talk(`  ${printable(found.hint)}`);
        continue;
      }
      const { file, isWindow } = found;
      cli.talk(
        `${who}  ${isWindow ? file : `no task of it can be run here; what AWS has is kept in ${file}`}`,
      );
      for (const file of found.runbooks) cli.talk(`  runbook ${printable(file)}`);
      for (const { task, why } of found.left) cli.talk(`  left out: ${printable(task)}: ${printable(why)}`);
      for (const told of found.told) cli.talk(`  ${printable(told)}`);
    }
    cli.talk(
      count === 0
        ? 'AWS has no maintenance windows in this region.'
        : 'Look at them with belay window validate; disable each in AWS before a daemon runs it here, or it runs twice.',
    );
    return refused > 0 ? exitCodes.refused : exitCodes.done;
  });
