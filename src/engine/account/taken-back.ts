/** What a rollback that ended clean may claim of each target, and what that rests on. Pure. */
import type { Ran } from '../events.ts';
import { isByWord, standingTargets, type Account, type StepAccount } from './account.ts';
import { isDifferent, netChanges } from './net-changes.ts';
import { targetsInInputs } from './targets-in-inputs.ts';

export interface TakenBack {
  /** Everything that was changed on them was read again after its undo, and is as before. */
  readonly seen: readonly string[];
  /** Their undos told that they put everything back, and nobody could compare all of it afterwards. */
  readonly told: readonly string[];
  /** As `seen` and `told`, of targets on which an author's word or list stands for a step: of all but that step. */
  readonly elseSeen: readonly string[];
  readonly elseTold: readonly string[];
  /** An author's list took the step back, and told less than the step had changed. */
  readonly byList: readonly StaysBy[];
  /** An author's list took the step back, of which nobody knows what it had changed. */
  readonly untoldByList: readonly Ran[];
  /** It was put back, and the undo of an earlier step changed it again: that may be as it was, and nobody can tell. */
  readonly again: readonly StaysBy[];
  readonly byWord: ByWord;
}

/** What stays, or may, because its author wrote that it needs no undo. */
export interface ByWord {
  /** What steps told that they changed. */
  readonly told: readonly StaysBy[];
  /** Steps that ran to their end and told nothing. */
  readonly ran: readonly Ran[];
  /** Steps of which nobody knows how far they came. */
  readonly unsure: readonly Ran[];
}

export interface StaysBy {
  readonly target: string;
  readonly steps: readonly string[];
}

export function takenBack(account: Account): TakenBack {
  const seen = new Set<string>();
  const told = new Set<string>();
  const byList = new Map<string, Set<string>>();
  const again = new Map<string, Set<string>>();
  for (const each of account.steps) {
    const { step } = each;
    if (step.reach?.kind === 'nothing' || isByWord(each)) continue;
    for (const { target, isForGood } of step.changes.filter(isDifferent)) {
      if (isForGood === true) continue;
      if (isSeen(each)) seen.add(target);
      else if (each.undo?.looked === 'different') note(again, target, step.name);
      else if (isUntoldByList(each, target)) note(byList, target, step.name);
      else told.add(target);
    }
  }
  const forGood = account.steps.flatMap(({ step }) =>
    step.changes.filter(({ isForGood }) => isForGood === true),
  );
  const hasForGood = new Set(forGood.map(({ target }) => target));
  const byWord = stayingByWord(account);
  const untoldByList = account.steps.filter(isUntold).map(ranOf);
  const others = [...byWord.ran, ...byWord.unsure, ...untoldByList];
  const isEverywhere = others.some(({ targets }) => targets.length === 0);
  const ranOn = new Set([...others.flatMap(({ targets }) => targets), ...byWord.told.map(targetOf)]);
  const isOpen = (target: string): boolean =>
    byList.has(target) || again.has(target) || hasForGood.has(target);
  // An instance may be the host that has a name, and a volume its disk: nobody knows here.
  const isAwsAlone = [...ranOn].every(isAwsName);
  const isNamedAlone = ![...ranOn].some(isAwsName);
  const isAlone = (target: string): boolean =>
    !isEverywhere && !ranOn.has(target) && (isAwsName(target) ? isAwsAlone : isNamedAlone);
  const allSeen = [...seen].filter((target) => !told.has(target) && !isOpen(target));
  const allTold = [...told].filter((target) => !isOpen(target));
  return {
    seen: allSeen.filter(isAlone),
    told: allTold.filter(isAlone),
    elseSeen: allSeen.filter((target) => !isAlone(target)),
    elseTold: allTold.filter((target) => !isAlone(target)),
    byList: staying(byList),
    untoldByList,
    again: staying(again),
    byWord,
  };
}

/** Whatever has become of the execution: nothing takes it back. */
export function stayingByWord({ steps }: Pick<Account, 'steps'>): ByWord {
  const told = new Map<string, Set<string>>();
  const own = steps.filter(isByWord);
  for (const { step } of own)
    for (const { target } of netChanges(step.changes)) note(told, target, step.name);
  const ran = (certainty: StepAccount['certainty']): Ran[] =>
    own.filter((each) => each.certainty === certainty).map(ranOf);
  const [unsure, sure] = ranBelow(steps);
  return { told: staying(told), ran: [...ran('byWord'), ...sure], unsure: [...ran('unsure'), ...unsure] };
}

/** Steps of executions below it that may have changed something, and that need no undo by their author's word. */
export const unsureBelow = ({ steps }: Pick<Account, 'steps'>): readonly Ran[] => ranBelow(steps)[0];

/** Those of which nobody knows how far they came, and those that ran to their end. */
function ranBelow(steps: readonly StepAccount[]): readonly [readonly Ran[], readonly Ran[]] {
  const below = steps.flatMap(({ step: { name, byWord = [] } }) =>
    byWord.map((ran) => ({ ...ran, step: `${name}/${ran.step}` })),
  );
  const of = (isUnsure: boolean): Ran[] =>
    below
      .filter((ran) => (ran.isUnsure === true) === isUnsure)
      .map(({ step, targets }) => ({ step, targets }));
  return [of(true), of(false)];
}

const isOfList = ({ step }: StepAccount): boolean =>
  step.reach?.kind === 'undone' && step.reach.by === 'list';

/** It told less than it may have changed, so nothing of it can be looked at. */
const isUntold = (each: StepAccount): boolean =>
  isOfList(each) && each.certainty === 'unsure' && !each.step.changes.some(isDifferent);

const ranOf = (each: StepAccount): Ran => ({ step: each.step.name, targets: whereItRan(each) });

/** A step that did not end well tells no targets; its inputs name them then. */
function whereItRan(each: StepAccount): readonly string[] {
  const told = standingTargets(each);
  return told.length > 0 ? told : targetsInInputs(each.step.inputs);
}

const isAwsName = (target: string): boolean => /^arn:|^[a-z]+-[0-9a-f]{8,17}$/.test(target);

const targetOf = ({ target }: StaysBy): string => target;

function note(of: Map<string, Set<string>>, target: string, step: string): void {
  of.set(target, (of.get(target) ?? new Set()).add(step));
}

const staying = (of: ReadonlyMap<string, ReadonlySet<string>>): StaysBy[] =>
  [...of].map(([target, names]) => ({ target, steps: [...names] }));

/** What the list told does not come to the state before the step. */
function isUntoldByList(each: StepAccount, target: string): boolean {
  if (!isOfList(each)) return false;
  const { step, undo } = each;
  const both = [...step.changes, ...(undo?.changes ?? [])].filter((change) => change.target === target);
  return netChanges(both).length > 0;
}

const isSeen = ({ undo }: StepAccount): boolean => undo?.looked === 'asBefore';
