/** belay prune: removes executions that cannot be taken back any more, and what hosts keep for them. */
import { Refusal } from '../../runtime/refusal.ts';
import type { Retention } from '../../runtime/retention/retention.ts';
import type { Cli } from '../cli.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { flagOf, textOf, textsOf } from '../options.ts';
import { goingLines, prunedLines, pruneJson, stayingLines } from '../view/prune-lines.ts';
import { spelled } from '../view/style.ts';

export const body: CommandBody = async (cli, _args, options) => {
  const belay = await cli.belay();
  const forget = textOf(options, 'forget');
  const host = textOf(options, 'host');
  if ((forget === undefined) !== (host === undefined)) {
    throw new Refusal('usage', 'MISSING_OPTION', '--forget and --host belong together; nothing was removed', {
      hint: 'belay prune --forget 01JD3K7QABCD --host db1',
    });
  }
  const mayDo = (question: string) => confirmed(cli, question, flagOf(options, 'yes'));
  if (forget !== undefined && host !== undefined) {
    if (!(await mayDo(`Shall ${host} forget what it keeps for ${forget}? It can then not be taken back`)))
      return exitCodes.failed;
    await belay.forgetOnHost(forget, host);
    cli.talk(`${host} keeps nothing for ${forget} any more.`);
    return exitCodes.done;
  }
  const retention = await belay.retention(textsOf(options, 'gone'));
  try {
    return await pruned(cli, retention, {
      json: flagOf(options, 'json'),
      dryRun: flagOf(options, 'dry-run') || options['dryRun'] === true,
      mayDo,
    });
  } finally {
    await retention.close();
  }
};

interface Wishes {
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly mayDo: (question: string) => Promise<boolean>;
}

async function pruned(cli: Cli, retention: Retention, { json, dryRun, mayDo }: Wishes): Promise<number> {
  const say = (lines: readonly string[]) => {
    for (const line of lines) cli.out(`${spelled(line, cli.outStyle)}\n`);
  };
  const going = retention.judged.filter(({ fate }) => fate.kind === 'goes').length + retention.orphans.length;
  if (!json) say([...goingLines(retention, cli.now()), ...stayingLines(retention, cli.now())]);
  if (dryRun || going === 0) {
    if (json) cli.out(`${JSON.stringify(pruneJson(retention, null), null, 2)}\n`);
    else cli.talk(going === 0 ? 'There is nothing to remove.' : 'Nothing was removed (--dry-run).');
    return exitCodes.done;
  }
  const many = going === 1 ? 'it' : `these ${going}`;
  if (!(await mayDo(`Remove ${many}? They cannot be taken back any more`))) return exitCodes.failed;
  const done = await retention.prune();
  if (json) cli.out(`${JSON.stringify(pruneJson(retention, done), null, 2)}\n`);
  else cli.talk(...prunedLines(done).map((line) => spelled(line, cli.style)));
  return done.unfinished.length === 0 ? exitCodes.done : exitCodes.failed;
}

async function confirmed(cli: Cli, question: string, yes: boolean): Promise<boolean> {
  if (yes) return true;
  if (!cli.canAsk) {
    throw new Refusal('usage', 'NOT_CONFIRMED', 'nobody can be asked here; nothing was removed', {
      hint: '-y removes it without a question, --dry-run only tells',
    });
  }
  const { askYesNo } = await import('../ask.ts');
  if ((await askYesNo(question, { initial: false })) === true) return true;
  cli.talk('Nothing was removed.');
  return false;
}
