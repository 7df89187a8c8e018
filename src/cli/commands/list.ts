/** belay list: executions, newest first. */
import type { Belay } from '../../runtime/belay.ts';
import type { ExecutionView, ListedExecution } from '../../runtime/execution-view.ts';
import { Refusal } from '../../runtime/refusal.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { flagOf, textOf, type RawOptions } from '../options.ts';
import { executionJson, listedJson } from '../view/execution-json.ts';
import { listLines } from '../view/list-lines.ts';
import { outOfServiceLine } from '../view/out-of-service.ts';
import { spelled } from '../view/style.ts';

const countDefault = 20;

export const body: CommandBody = async (cli, _args, options) => {
  const belay = await cli.belay();
  const json = flagOf(options, 'json');
  if (flagOf(options, 'brief') && !json)
    throw new Refusal('usage', 'BRIEF_WITHOUT_JSON', '--brief is for --json: the table is brief already', {
      hint: 'belay show ID shows one execution with its steps',
    });
  const count = countOf(options) ?? (json ? null : countDefault);
  if (json) {
    const executions = flagOf(options, 'brief')
      ? (await rowsOf(belay, count, flagOf(options, 'all'))).map(listedJson)
      : (await allOf(belay, count, flagOf(options, 'all'))).map(executionJson);
    const damaged = belay.leftOut.all.map(({ executionId, message }) => ({ executionId, message }));
    const more = damaged.length === 0 ? {} : { damaged };
    cli.out(`${JSON.stringify({ schemaVersion: 1, executions, ...more }, null, 2)}\n`);
    return exitCodes.done;
  }
  const views = await rowsOf(belay, count, flagOf(options, 'all'));
  if (views.length === 0 && belay.leftOut.all.length > 0) return exitCodes.done;
  if (views.length === 0) {
    cli.talk(`There are no executions in ${belay.stateDir}.`, '  belay run FILE starts one');
    return exitCodes.done;
  }
  cli.out(
    listLines(
      views,
      cli.now(),
      cli.outStyle,
      flagOf(options, 'all') ? undefined : await belowOpen(belay, views),
    )
      .map((line) => `${spelled(line, cli.outStyle)}\n`)
      .join(''),
  );
  for (const line of await leftStopped(belay, views)) cli.out(`${spelled(line, cli.outStyle)}\n`);
  const all = await belay.journal.count();
  const shown = views.filter(({ child }) => child === null).length + belay.leftOut.all.length;
  if (shown < all) cli.talk(`${all - shown} older ones: belay list --limit ${all}`);
  return exitCodes.done;
};

/** As they were kept with their rows. `below`: each root with those that steps of it started. */
async function rowsOf(belay: Belay, count: number | null, below: boolean): Promise<ListedExecution[]> {
  const roots = await belay.list(count);
  if (!below) return roots;
  const views: ListedExecution[] = [];
  for (const root of roots) views.push(root, ...(await belay.listBelow(root.executionId)));
  return views;
}

/** Of the newest that are open and ask nothing themselves: who is below them. */
async function belowOpen(
  belay: Belay,
  views: readonly ListedExecution[],
): Promise<Map<string, ListedExecution[]>> {
  const open = views.filter(({ endedAt, waiting }) => endedAt === null && waiting === null);
  const found = new Map<string, ListedExecution[]>();
  for (const { executionId } of open.slice(0, countDefault))
    found.set(executionId, await belay.listBelow(executionId));
  return found;
}

/** The same with all that their events say. */
async function allOf(belay: Belay, count: number | null, below: boolean): Promise<ExecutionView[]> {
  const roots = (await belay.journal.executionIds()).slice(0, count ?? undefined);
  const views: ExecutionView[] = [];
  for (const root of roots) {
    for (const id of [root, ...(below ? await belay.journal.idsBelow(root) : [])]) {
      const view = await belay.soundView(id);
      if (view !== undefined) views.push(view);
    }
  }
  return views;
}

/** Of the newest that did not end well: what they left stopped. Their events are read, so there is a limit to how many. */
async function leftStopped(belay: Belay, views: readonly ListedExecution[]): Promise<string[]> {
  const open = views.filter(
    ({ status, rollbackStatus, isLive }) => !isLive && status !== 'Success' && rollbackStatus !== 'clean',
  );
  const lines: string[] = [];
  for (const { executionId } of open.slice(0, countDefault)) {
    const view = await belay.soundView(executionId);
    const line = view === undefined ? undefined : outOfServiceLine(view);
    if (line !== undefined) lines.push(line);
  }
  return lines;
}

function countOf(options: RawOptions): number | undefined {
  const text = textOf(options, 'limit');
  if (text === undefined) return undefined;
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new Refusal('usage', 'BAD_LIMIT', `--limit ${text}: that is not a number of executions`);
}
