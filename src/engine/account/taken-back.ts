/** What a rollback that ended clean may claim of each target, and what that rests on. Pure. */
import type { Account, StepAccount } from './account.ts';
import { isDifferent } from './net-changes.ts';

export interface TakenBack {
  /** Everything that was changed on them was read again after its undo, and is as before. */
  readonly seen: readonly string[];
  /** Their undos told that they put everything back, and nobody could compare all of it afterwards. */
  readonly told: readonly string[];
  /** Something stays as a step made it, because its author wrote that it needs no undo. */
  readonly byWord: readonly { readonly target: string; readonly steps: readonly string[] }[];
}

export function takenBack({ steps }: Account): TakenBack {
  const seen = new Set<string>();
  const told = new Set<string>();
  const byWord = new Map<string, Set<string>>();
  for (const each of steps) {
    const { step } = each;
    if (step.reach?.kind === 'nothing') continue;
    for (const { target } of step.changes.filter(isDifferent)) {
      if (step.reach?.kind === 'harmless')
        byWord.set(target, (byWord.get(target) ?? new Set()).add(step.name));
      else if (isSeen(each)) seen.add(target);
      else told.add(target);
    }
  }
  return {
    seen: [...seen].filter((target) => !told.has(target) && !byWord.has(target)),
    told: [...told].filter((target) => !byWord.has(target)),
    byWord: [...byWord].map(([target, names]) => ({ target, steps: [...names] })),
  };
}

const isSeen = ({ undo }: StepAccount): boolean => undo?.looked === 'asBefore';
