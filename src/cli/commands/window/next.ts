/** belay window next: when a window comes, and what is different on those days. */
import { Refusal } from '../../../runtime/refusal.ts';
import type { NextRun } from '../../../runtime/windows/desk.ts';
import type { CommandBody } from '../../command-spec.ts';
import { exitCodes } from '../../exit-codes.ts';
import { flagOf, textOf } from '../../options.ts';
import { localText, utcText } from '../../view/instant-text.ts';
import { printable } from '../../view/printable.ts';
import { tableLines } from '../../view/table.ts';
import { withDesk } from '../../window-desk.ts';
import { whyNever } from '../../view/why-never.ts';

const countDefault = 5;
const countMax = 1_000;

export const body: CommandBody = (cli, [name = ''], options) =>
  withDesk(cli, options, async (desk) => {
    const window = desk.window(name);
    const runs = await desk.next(window, countOf(textOf(options, 'count')));
    const freezeProblem = await desk.freezeProblem(window);
    if (flagOf(options, 'json')) {
      const next = runs.map(({ dueAt, endAt, clockShiftMinutes, frozen, isSkipped }) => ({
        due: utcText(dueAt),
        local: localText(dueAt, window.timezone),
        end: utcText(endAt),
        clockShiftMinutes,
        frozen: frozen?.summary ?? null,
        skipped: isSkipped,
      }));
      cli.out(
        `${JSON.stringify({ schemaVersion: 1, window: window.name, timezone: window.timezone, freezeProblem, next }, null, 2)}\n`,
      );
      return exitCodes.done;
    }
    if (runs.length === 0) {
      cli.talk(`${window.name} does not come again: ${whyNever(window)}`);
      return exitCodes.done;
    }
    const rows = runs.map((run) => [
      localText(run.dueAt, window.timezone),
      utcText(run.dueAt),
      different(run),
    ]);
    cli.out(
      tableLines(rows)
        .map((line) => `${line}\n`)
        .join(''),
    );
    if (freezeProblem !== null)
      cli.talk(printable(freezeProblem), '  While that is so, nothing of it starts.');
    if (!window.isEnabled) cli.talk(`${window.name} is disabled (Enabled: false), so none of these start.`);
    return exitCodes.done;
  });

function different({ clockShiftMinutes, frozen, isSkipped }: NextRun): string {
  return [
    ...(clockShiftMinutes === 0
      ? []
      : [
          `clocks are set ${clockShiftMinutes > 0 ? 'forward' : 'back'} by ${Math.abs(clockShiftMinutes)} min`,
        ]),
    ...(frozen === null ? [] : [`frozen: ${printable(frozen.summary)}`]),
    ...(isSkipped ? ['skipped'] : []),
  ].join(', ');
}

function countOf(text: string | undefined): number {
  if (text === undefined) return countDefault;
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0 && count <= countMax) return count;
  throw new Refusal('usage', 'BAD_COUNT', `-n ${text}: that is not a number from 1 to ${countMax}`);
}
