/** The executions below one, as `belay show` tells of them. Pure. */
import type { ExecutionView } from '../../runtime/execution-view.ts';
import { callerText, toneOf } from './list-lines.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';
import { tableLines } from './table.ts';

/** Lines that one execution shows of those below it; those that have not ended well come first where there are more. */
export const childLinesMax = 40;

/** `all`: everything below the same root, in the order in which it was started. */
export function childLines(view: ExecutionView, all: readonly ExecutionView[], style: Style): string[] {
  const { child } = view;
  const above =
    child === null
      ? []
      : [
          '',
          `Started by ${callerText(child)} of ${child.parent}. It goes on and climbs down with ${child.root}.`,
        ];
  const rows = descendants(view.executionId, all, 0);
  if (rows.length === 0) return above;
  const shown = rows.length <= childLinesMax ? rows : worstFirst(rows).slice(0, childLinesMax);
  const lines = tableLines(
    shown.map(({ view: each, depth }) => [
      `${'  '.repeat(depth)}${each.executionId}`,
      each.child === null ? '' : callerText(each.child),
      each.status,
      each.rollbackStatus === 'notRequested' ? '' : `rollback ${each.rollbackStatus}`,
      each.at === null ? '' : printable(each.at),
    ]),
  ).map((line, index) => {
    const status = shown[index]?.view.status ?? 'Pending';
    return `  ${line.replace(`  ${status}`, `  ${style.paint(toneOf(status), status)}`)}`;
  });
  const more = rows.length - shown.length;
  return [
    ...above,
    '',
    `Executions below it: ${rows.length}`,
    ...lines,
    ...(more === 0 ? [] : [`  and ${more} more: belay list --all --json`]),
  ];
}

export function childrenJson(view: ExecutionView, all: readonly ExecutionView[]) {
  return descendants(view.executionId, all, 0).map(({ view: each }) => ({
    executionId: each.executionId,
    parent: each.child?.parent ?? null,
    step: each.child?.step ?? null,
    target: each.child?.target ?? null,
    runbook: each.runbook,
    status: each.status,
    rollbackStatus: each.rollbackStatus,
    at: each.at,
    waiting: each.waiting,
  }));
}

interface Row {
  readonly view: ExecutionView;
  readonly depth: number;
}

function descendants(id: string, all: readonly ExecutionView[], depth: number): Row[] {
  const byParent = Map.groupBy(all, ({ child }) => child?.parent);
  const below = (parent: string, at: number): Row[] =>
    (byParent.get(parent) ?? []).flatMap((view) => [{ view, depth: at }, ...below(view.executionId, at + 1)]);
  return below(id, depth);
}

function worstFirst(rows: readonly Row[]): readonly Row[] {
  const isWell = ({ view }: Row): boolean => view.status === 'Success';
  return [...rows.filter((row) => !isWell(row)), ...rows.filter(isWell)];
}
