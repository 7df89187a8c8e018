/** belay doctor: looks whether everything is there, and what was left behind. Exit code 2 where something is wrong. */
import { checkup } from '../../runtime/checkup/checkup.ts';
import type { Finding } from '../../runtime/checkup/finding.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { flagOf } from '../options.ts';
import { findingLines } from '../view/finding-lines.ts';
import { spelled } from '../view/style.ts';

export const body: CommandBody = async (cli, _args, options) => {
  const belay = await cli.belay();
  const json = flagOf(options, 'json');
  const findings: Finding[] = [];
  const { cwd, env } = cli;
  for await (const finding of checkup({
    cwd,
    env,
    stateDir: belay.stateDir,
    now: cli.now,
    list: () => belay.list(),
    view: (id) => belay.soundView(id),
    damaged: () => belay.leftOut.all,
    journal: () => belay.journal,
    notifier: belay.notifier,
  })) {
    findings.push(finding);
    if (!json)
      cli.out(
        findingLines(finding, cli.outStyle)
          .map((line) => `${spelled(line, cli.outStyle)}\n`)
          .join(''),
      );
  }
  const bad = findings.filter(({ verdict }) => verdict === 'bad').length;
  if (json) cli.out(`${JSON.stringify({ schemaVersion: 1, healthy: bad === 0, findings }, null, 2)}\n`);
  else
    cli.talk(
      bad === 0
        ? 'Nothing is wrong.'
        : `${bad} ${bad === 1 ? 'thing is' : 'things are'} wrong. Nothing was changed.`,
    );
  return bad === 0 ? exitCodes.done : exitCodes.usage;
};
