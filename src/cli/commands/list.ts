/** belay list: executions, newest first. */
import type { Belay } from '../../runtime/belay.ts';
import type { ListedExecution } from '../../runtime/execution-view.ts';
import { Refusal } from '../../runtime/refusal.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { flagOf, textOf, type RawOptions } from '../options.ts';
import { executionJson } from '../view/execution-json.ts';
import { listLines } from '../view/list-lines.ts';
import { outOfServiceLine } from '../view/out-of-service.ts';
import { spelled } from '../view/style.ts';

const countDefault = 20;

export const body: CommandBody = async (cli, _args, options) => {
  const belay = await cli.belay();
  const json = flagOf(options, 'json');
  const below = (id: string): string[] => (flagOf(options, 'all') ? belay.journal.idsBelow(id) : []);
  const count = countOf(options) ?? (json ? null : countDefault);
  if (json) {
    const ids = belay.journal.executionIds().slice(0, count ?? undefined);
    const views = ids.flatMap((id) => [id, ...below(id)]).map((id) => belay.view(id));
    cli.out(`${JSON.stringify({ schemaVersion: 1, executions: views.map(executionJson) }, null, 2)}\n`);
    return exitCodes.done;
  }
  const roots = belay.list(count);
  const views = roots.flatMap((root) => [root, ...below(root.executionId).map((id) => belay.view(id))]);
  if (views.length === 0) {
    cli.talk(`There are no executions in ${belay.stateDir}.`, '  belay run FILE starts one');
    return exitCodes.done;
  }
  cli.out(
    listLines(views, Date.now(), cli.outStyle)
      .map((line) => `${spelled(line, cli.outStyle)}\n`)
      .join(''),
  );
  for (const line of leftStopped(belay, views)) cli.out(`${spelled(line, cli.outStyle)}\n`);
  const all = belay.journal.count();
  if (roots.length < all) cli.talk(`${all - roots.length} older ones: belay list --limit ${all}`);
  return exitCodes.done;
};

/** Of the newest that did not end well: what they left stopped. Their events are read, so there is a limit to how many. */
function leftStopped(belay: Belay, views: readonly ListedExecution[]): string[] {
  const open = views.filter(
    ({ status, rollbackStatus, isLive }) => !isLive && status !== 'Success' && rollbackStatus !== 'clean',
  );
  return open
    .slice(0, countDefault)
    .flatMap(({ executionId }) => outOfServiceLine(belay.view(executionId)) ?? []);
}

function countOf(options: RawOptions): number | undefined {
  const text = textOf(options, 'limit');
  if (text === undefined) return undefined;
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new Refusal('usage', 'BAD_LIMIT', `--limit ${text}: that is no number of executions`);
}
