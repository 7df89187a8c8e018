/** What a run did per target, where there were many: one line each, before the ending. Pure. */
import type { ExecutionView } from '../../runtime/execution-view.ts';
import { changesText, netChanges } from './change-text.ts';
import { printable } from './printable.ts';
import { tableLines } from './table.ts';

/** Up to so many targets the lines of the steps say it all. */
const fewTargets = 4;
const rowsMax = 50;

/** Empty where there were few targets, or where the ending lists what is still changed by itself. */
export function recapLines({ status, rollbackStatus, steps, executionId }: ExecutionView): string[] {
  if (status !== 'Success' || rollbackStatus !== 'notRequested') return [];
  const changes = netChanges(steps.flatMap((step) => step.changes));
  const targets = new Set([...steps.flatMap((step) => step.targets), ...changes.map(({ target }) => target)]);
  if (targets.size <= fewTargets) return [];
  const rows = [...targets]
    .toSorted((left, right) => left.localeCompare(right, 'en', { numeric: true }))
    .map((target) => {
      const its = changes.filter((change) => change.target === target);
      return [
        printable(target),
        its.length === 0 ? 'nothing changed' : `${its.length} changed`,
        changesText(its),
      ];
    });
  const more = rows.length > rowsMax ? [`${rows.length - rowsMax} more: belay show ${executionId}`] : [];
  return [...tableLines(rows.slice(0, rowsMax)), ...more].map((line) => `  ${line}`);
}
