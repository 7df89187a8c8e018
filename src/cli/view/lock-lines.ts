/** Locks as `belay locks` and `belay unlock` show them. Pure. */
import type { HeldLock } from '../../runtime/locks/survey.ts';
import type { HolderCondition } from '../../runtime/locks/holders.ts';
import { instantText } from './durations.ts';
import { printable } from './printable.ts';
import { tableLines } from './table.ts';

export function lockLines(held: readonly HeldLock[]): string[] {
  const rows = held.map(({ lock, asked, holder, foundOn }) => [
    printable(lock) + (asked === lock || asked === '' ? '' : ` (${printable(asked)})`),
    printable(holder.executionId),
    printable(holder.runbook),
    printable(holder.who),
    instantText(holder.since),
    foundOn,
    conditionText(holder.condition),
  ]);
  return tableLines([['LOCK', 'HELD BY', 'RUNBOOK', 'STARTED BY', 'SINCE', 'FOUND IN', 'HOLDER'], ...rows]);
}

export function conditionText(condition: HolderCondition): string {
  switch (condition) {
    case 'underWay':
      return 'under way';
    case 'runnerGone':
      return 'runner gone';
    case 'ended':
      return 'ended';
    case 'damaged':
      return 'damaged';
    case 'elsewhere':
      return 'another state folder';
    default:
      return condition satisfies never;
  }
}

export function lockJson({ lock, asked, holder, foundOn, host }: HeldLock) {
  return { lock, asked, foundOn, host, holder: { ...holder, since: new Date(holder.since).toISOString() } };
}
