/** What a rollback that ended clean may claim of each target, and what that rests on. Pure. */
import type { Account, StepAccount } from './account.ts';
import { isDifferent, netChanges } from './net-changes.ts';

export interface TakenBack {
  /** Everything that was changed on them was read again after its undo, and is as before. */
  readonly seen: readonly string[];
  /** Their undos told that they put everything back, and nobody could compare all of it afterwards. */
  readonly told: readonly string[];
  /** An author's list took the step back, and told less than the step had changed. */
  readonly byList: readonly StaysBy[];
  /** It was put back, and the undo of an earlier step changed it again: that may be as it was, and nobody can tell. */
  readonly again: readonly StaysBy[];
  /** Something stays as a step made it, because its author wrote that it needs no undo. */
  readonly byWord: readonly StaysBy[];
}

export interface StaysBy {
  readonly target: string;
  readonly steps: readonly string[];
}

export function takenBack({ steps }: Account): TakenBack {
  const seen = new Set<string>();
  const told = new Set<string>();
  const byWord = new Map<string, Set<string>>();
  const byList = new Map<string, Set<string>>();
  const again = new Map<string, Set<string>>();
  for (const each of steps) {
    const { step } = each;
    if (step.reach?.kind === 'nothing') continue;
    for (const { target, isForGood } of step.changes.filter(isDifferent)) {
      if (isForGood === true) continue;
      if (step.reach?.kind === 'harmless') note(byWord, target, step.name);
      else if (isSeen(each)) seen.add(target);
      else if (each.undo?.looked === 'different') note(again, target, step.name);
      else if (isUntoldByList(each, target)) note(byList, target, step.name);
      else told.add(target);
    }
  }
  const forGood = steps.flatMap(({ step }) => step.changes.filter(({ isForGood }) => isForGood === true));
  const hasForGood = new Set(forGood.map(({ target }) => target));
  const isOpen = (target: string): boolean =>
    byWord.has(target) || byList.has(target) || again.has(target) || hasForGood.has(target);
  return {
    seen: [...seen].filter((target) => !told.has(target) && !isOpen(target)),
    told: [...told].filter((target) => !isOpen(target)),
    byList: staying(byList),
    again: staying(again),
    byWord: staying(byWord),
  };
}

function note(of: Map<string, Set<string>>, target: string, step: string): void {
  of.set(target, (of.get(target) ?? new Set()).add(step));
}

const staying = (of: ReadonlyMap<string, ReadonlySet<string>>): StaysBy[] =>
  [...of].map(([target, names]) => ({ target, steps: [...names] }));

/** What the list told does not come to the state before the step. */
function isUntoldByList({ step, undo }: StepAccount, target: string): boolean {
  if (step.reach?.kind !== 'undone' || step.reach.by !== 'list') return false;
  const both = [...step.changes, ...(undo?.changes ?? [])].filter((change) => change.target === target);
  return netChanges(both).length > 0;
}

const isSeen = ({ undo }: StepAccount): boolean => undo?.looked === 'asBefore';
