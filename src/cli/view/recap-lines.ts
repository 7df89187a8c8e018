/** What a run did per target, where there were many: one line each, before the ending. Pure. */
import { byName } from './by-name.ts';
import { accountOf, standingTargets, unsureBelow, type StepAccount } from '../../engine/index.ts';
import type { ExecutionView } from '../../runtime/execution-view.ts';
import { changesText, netChanges } from './change-text.ts';
import { printable } from './printable.ts';
import { tableLines } from './table.ts';

/** Up to so many targets the lines of the steps say it all. */
const fewTargets = 4;
const rowsMax = 50;

/**
 * Those that failed stand first. Of a great many only those are listed that failed, changed, or may have. Empty where there
 * were few targets, or where the ending lists what is still changed by itself.
 */
export function recapLines(view: ExecutionView): string[] {
  const rows = rowsOf(view);
  const chosen =
    rows.length <= rowsMax ? rows : rows.filter((row) => row.isFailed || row.isNotable).slice(0, rowsMax);
  const rest = rows.length - chosen.length;
  const what = chosen.length === 0 ? 'targets' : 'more';
  const more = rest > 0 ? [`${rest} ${what}: belay show ${view.executionId}`] : [];
  return indented([...tableLines(chosen.map(({ cells }) => cells)), ...more]);
}

/** For a page that shows every step above its ending: only those that failed, of which the ending itself says nothing. */
export function failedRecapLines(view: ExecutionView): string[] {
  const failed = rowsOf(view).filter(({ isFailed }) => isFailed);
  const more = failed.length > rowsMax ? [`and ${failed.length - rowsMax} more that failed`] : [];
  return indented([...tableLines(failed.slice(0, rowsMax).map(({ cells }) => cells)), ...more]);
}

const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

interface Row {
  readonly isFailed: boolean;
  readonly isNotable: boolean;
  readonly cells: readonly string[];
}

/** Those that failed first. */
function rowsOf(view: ExecutionView): Row[] {
  const { status, rollbackStatus, steps } = view;
  if (status !== 'Success' || rollbackStatus !== 'notRequested') return [];
  const changes = netChanges(steps.flatMap((step) => step.changes));
  const targets = new Set([...steps.flatMap((step) => step.targets), ...changes.map(({ target }) => target)]);
  if (targets.size <= fewTargets) return [];
  const failures = failuresIn(view);
  const account = accountOf(view);
  const below = unsureBelow(account).flatMap(({ targets: places }) => places);
  const unsure = targetsOf(account.unsure).union(new Set(below));
  const byWord = targetsOf(account.steps.filter(({ certainty }) => certainty === 'byWord'));
  const all = [...targets].toSorted(byName()).map((target) => {
    const its = changes.filter((change) => change.target === target);
    const change = its.length === 0 ? 'nothing changed' : `${its.length} changed`;
    const untold = byWord.has(target) && its.length === 0 ? 'told no change' : change;
    const did = unsure.has(target) ? 'may have changed something' : untold;
    const why = failures.get(target);
    return {
      isFailed: why !== undefined,
      isNotable: its.length > 0 || unsure.has(target),
      cells: [
        printable(target),
        why === undefined ? did : `failed, ${did}`,
        its.length === 0 ? printable(why ?? '') : changesText(its),
      ],
    };
  });
  return [...all.filter(({ isFailed }) => isFailed), ...all.filter(({ isFailed }) => !isFailed)];
}

const targetsOf = (steps: readonly StepAccount[]): Set<string> => new Set(steps.flatMap(standingTargets));

/** Why by target; what several targets failed at together has no reason of its own. */
function failuresIn({ steps }: ExecutionView): Map<string, string> {
  const failures = new Map<string, string>();
  for (const { outputs } of steps) {
    const named = outputs['Failed'];
    if (Array.isArray(named))
      for (const target of named) if (typeof target === 'string') failures.set(target, '');
  }
  for (const { failure, targets } of steps) {
    const [target, ...others] = targets;
    if (failure !== null && target !== undefined && others.length === 0)
      failures.set(target, failure.message);
  }
  return failures;
}
