/** belay resume: takes over an execution whose runner is gone. */
import { accountOf } from '../../engine/index.ts';
import { changedRunbook } from '../../runtime/changed-runbook.ts';
import { Refusal } from '../../runtime/refusal.ts';
import type { CommandBody } from '../command-spec.ts';
import { runInFront } from '../front.ts';
import { flagOf } from '../options.ts';
import { recalledText } from '../view/event-lines.ts';
import { changedLines, defaultsOf, headLines, resumeLines, shownOutputLines } from '../view/head-lines.ts';
import { Progress } from '../view/progress.ts';

export const body: CommandBody = async (cli, [prefix], options) => {
  const belay = await cli.belay();
  const id = prefix === undefined ? await belay.findOpen() : await belay.find(prefix);
  const view = await belay.view(id);
  if (view.endedAt !== null && view.closing === null) {
    throw new Refusal(
      'refused',
      'ALREADY_ENDED',
      `${id} has ended (${view.status}): there is nothing to resume`,
      {
        hint: accountOf(view).offersRollback
          ? `belay show ${id} says how; belay rollback ${id} takes it back`
          : `belay show ${id} says how`,
      },
    );
  }
  const events = await belay.events(id);
  const progress = new Progress(id);
  for (const event of events) progress.apply(event);
  const recalled = recalledText(progress);
  const head = [
    ...headLines(view, defaultsOf((await belay.document(id)).parameters), cli.style),
    ...(view.isLive || view.closing !== null ? [] : resumeLines(view.runner, events.at(-1)?.at ?? null)),
    ...(recalled === '' ? [] : [`  ${recalled}`]),
    ...changedLines(changedRunbook((await belay.row(id)).settings)),
    ...shownOutputLines(await belay.document(id)),
  ];
  return runInFront(cli, belay, id, {
    json: flagOf(options, 'json'),
    wait: options['wait'] !== false,
    toDaemon: flagOf(options, 'leaveToDaemon'),
    endsAs: 'run',
    head: view.isLive ? [] : head,
  });
};
