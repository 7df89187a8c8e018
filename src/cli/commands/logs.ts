/** belay logs: what the steps wrote, from the execution's log files. */
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { executionDir } from '../../runtime/state-dir.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { LogReader } from '../log-reader.ts';
import { flagOf, textOf } from '../options.ts';
import { silenceLines, stepsFor } from '../view/log-steps.ts';

const followMs = 250;

export const body: CommandBody = async (cli, [prefix], options) => {
  const belay = await cli.belay();
  const id = await belay.find(prefix);
  const wanted = textOf(options, 'step');
  const dir = join(executionDir(belay.stateDir, id), 'logs');
  const reader = new LogReader(dir, {
    // A program that reads the bytes gets them as they are; a terminal must not be steered by them.
    raw: !cli.outIsTerminal,
    out: (data) => cli.pour(data),
    isGone: () => cli.outIsClosed(),
    // Whose the lines are goes with them, except where all are of one: then a program gets the bytes alone.
    head: (line, isOnly) => (cli.outIsTerminal || isOnly ? cli.talk(line) : cli.out(`${line}\n`)),
    mayGrow: flagOf(options, 'follow'),
  });
  for (;;) {
    const view = await belay.view(id);
    const steps = stepsFor(view, wanted);
    await reader.read(steps);
    const isOver = view.endedAt !== null || !view.isLive;
    if (!flagOf(options, 'follow') || isOver || cli.outIsClosed()) {
      // Once more: the end may have been written between the two looks.
      if (flagOf(options, 'follow')) await reader.read(steps);
      cli.talk(...silenceLines(view, steps, reader.told, wanted));
      return exitCodes.done;
    }
    await delay(followMs);
  }
};
