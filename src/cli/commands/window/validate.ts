/** belay window validate: everything that is wrong with windows and what they run, at once. */
import { renderDiagnostics, summarizeDiagnostics } from '../../../document/index.ts';
import { checkWindow } from '../../../runtime/windows/check-window.ts';
import { readWindowFile } from '../../../runtime/windows/window-files.ts';
import type { CommandBody } from '../../command-spec.ts';
import { exitCodes } from '../../exit-codes.ts';
import { flagOf } from '../../options.ts';
import { printable } from '../../view/printable.ts';
import { whyNever } from '../../view/why-never.ts';
import { withDesk } from '../../window-desk.ts';

export const body: CommandBody = (cli, names, options) =>
  withDesk(cli, options, async (desk) => {
    const files = names.length === 0 ? desk.files() : names.map(readWindowFile);
    const belay = await cli.belay();
    const diagnostics = files.flatMap((each) => each.diagnostics);
    const over: string[] = [];
    const problems: { window: string; task: string; code: string; message: string; hint: string }[] = [];
    for (const { window } of files) {
      if (window === undefined) continue;
      if (window.isEnabled && (await desk.next(window, 1)).length === 0)
        over.push(`${window.name} does not come again: ${whyNever(window)}.`);
      for (const { task, problems: found } of await checkWindow(window, belay, {
        cwd: cli.cwd,
        env: cli.env,
        store: desk.store,
        now: cli.now,
        offline: flagOf(options, 'offline'),
      })) {
        problems.push(...found.map((each) => ({ window: window.name, task: task.name, ...each })));
      }
    }
    const hasErrors = problems.length > 0 || diagnostics.some(({ severity }) => severity === 'error');
    if (flagOf(options, 'json')) {
      const paths = files.map(({ file }) => file);
      cli.out(
        `${JSON.stringify({ schemaVersion: 1, valid: !hasErrors, files: paths, diagnostics, problems, over }, null, 2)}\n`,
      );
      return hasErrors ? exitCodes.usage : exitCodes.done;
    }
    if (files.length === 0) {
      cli.talk(`There are no window files in ${desk.folder}.`);
      return exitCodes.done;
    }
    if (diagnostics.length > 0) {
      const sources = files.map(({ source }) => source);
      cli.talk(renderDiagnostics(diagnostics, sources, { color: cli.style.color }).trimEnd());
    }
    for (const { window, task, code, message, hint } of problems) {
      cli.talk(
        `${window}, task ${printable(task)}  ${code}`,
        `  ${printable(message)}`,
        ...(hint === '' ? [] : [`  ${printable(hint)}`]),
      );
    }
    for (const each of over) cli.talk(each);
    const what = files.length === 1 ? `${files[0]?.file} is` : `${files.length} windows are`;
    const count = `${problems.length} ${problems.length === 1 ? 'task' : 'tasks'} would not run as meant.`;
    cli.talk(
      hasErrors
        ? [summarizeDiagnostics(diagnostics), ...(problems.length > 0 ? [count] : [])].join(' ').trim()
        : `${what} sound.`,
    );
    return hasErrors ? exitCodes.usage : exitCodes.done;
  });
