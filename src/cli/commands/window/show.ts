/** belay window show: one window with its tasks, and whether each would fit. */
import { checkWindow } from '../../../runtime/windows/check-window.ts';
import type { CommandBody } from '../../command-spec.ts';
import { exitCodes } from '../../exit-codes.ts';
import { flagOf } from '../../options.ts';
import { durationText } from '../../view/durations.ts';
import { localText } from '../../view/instant-text.ts';
import { occurrenceLines } from '../../view/occurrence-lines.ts';
import { printable } from '../../view/printable.ts';
import { withDesk } from '../../window-desk.ts';

export const body: CommandBody = (cli, [name = ''], options) =>
  withDesk(cli, options, async (desk) => {
    const window = desk.window(name);
    const belay = await cli.belay();
    const checked = await checkWindow(window, belay, {
      cwd: cli.cwd,
      env: cli.env,
      store: desk.store,
      now: cli.now,
      offline: true,
    });
    if (flagOf(options, 'json')) {
      cli.out(`${JSON.stringify({ schemaVersion: 1, window, tasks: checked }, null, 2)}\n`);
      return exitCodes.done;
    }
    const { scheduleText, timezone, durationHours, cutoffHours } = window;
    const [next] = await desk.next(window, 1);
    const lines = [
      `${window.name}  ${scheduleText}  ${timezone}`,
      `  ${durationHours} h, nothing starts in the last ${cutoffHours} h${next === undefined ? '' : `; next ${localText(next.dueAt, timezone)}`}`,
    ];
    for (const { task, limits, problems } of checked) {
      const time =
        limits === null
          ? 'nobody can say how long it may take'
          : `at most ${durationText(limits.forwardMs)} forward and ${durationText(limits.rollbackMs)} of rollback`;
      lines.push(
        `  ${task.priority}  ${printable(task.name)}  ${printable(task.check === undefined ? task.runbook : `check ${task.check}`)}  ${task.cutoffBehavior}  ${time}`,
      );
      lines.push(...problems.map(({ message }) => `     ! ${printable(message)}`));
    }
    const running = desk.running(window);
    if (running !== undefined) lines.push('', ...occurrenceLines(running, timezone));
    cli.out(lines.map((line) => `${line}\n`).join(''));
    return exitCodes.done;
  });
