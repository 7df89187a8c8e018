/**
 * The one account of what an execution did to the world: what acted, what told a change, what acted and told nothing, what
 * was taken back, what was looked at, and what is left. Endings, exit codes, lists, JSON and the offer of a rollback are
 * all derived from it, while it runs and years later (docs/what-belay-knows.md). Pure, over folded events.
 */
import type { Change, Looked } from '../events.ts';
import type { ExecutionState, StepState, UndoState } from '../execution-state.ts';
import { isDifferent, netChanges } from './net-changes.ts';
import { changesBesidePoints, standingRestorePoints, type StandingRestorePoint } from './restore-points.ts';

/** What is known of the changes of one step, its undo left aside. */
export type Certainty =
  /** Nothing that it does can change anything, or nothing of it began. */
  | 'nothing'
  /** It ran to its end and said what it changed, or that it changed nothing. */
  | 'told'
  /** It did not end well or told nothing, and was looked at afterwards: what it can observe is as it was before it. */
  | 'seenAsBefore'
  /** It ran to its end and told nothing; by its author's word nothing of it needs undoing. */
  | 'byWord'
  /** It may have changed something that nobody has told of. */
  | 'unsure';

/** How what a step did is taken back. */
export type Way =
  | { readonly kind: 'rollback' }
  | { readonly kind: 'none'; readonly reason: string }
  | { readonly kind: 'notNeeded' };

export interface StepAccount {
  readonly step: StepState;
  readonly undo: UndoState | undefined;
  readonly certainty: Certainty;
  readonly way: Way;
  /** Nobody has taken it back. What needs no undo by its author's word always stands. */
  readonly stands: boolean;
  readonly looked: { readonly found: Looked; readonly at: number } | null;
}

export type Accountable = Pick<ExecutionState, 'steps' | 'rollback'> & {
  /** A person has said the last word on it. */
  readonly closing?: object | null;
  /** Since when what was kept for its undo is being removed. */
  readonly forgottenAt?: number | null;
};

export interface Account {
  readonly steps: readonly StepAccount[];
  /** What all steps told, come to its end; whether or not it was taken back. */
  readonly told: readonly Change[];
  /** Steps that stand and may have changed something beside what they told. */
  readonly unsure: readonly StepAccount[];
  readonly restorePoints: readonly StandingRestorePoint[];
  /** Nothing began that can change anything: only then may anybody say that nothing was changed. */
  readonly isUntouched: boolean;
  /** Nothing that stands is told or unsure, and no restore point is there. */
  readonly isNothingLeft: boolean;
  /** A rollback would find something to do. */
  readonly offersRollback: boolean;
  /** A rollback would leave nothing behind, as far as anybody can tell. */
  readonly isWholeTakenBack: boolean;
}

const cleanResults: readonly UndoState['result'][] = ['undone', 'nothingToDo', 'kept'];

export function accountOf(state: Accountable): Account {
  const undos = new Map(state.rollback.map((undo) => [undo.name, undo]));
  const changesOf = changesBesidePoints(state);
  const steps = state.steps.map((step) => stepAccount(step, changesOf(step), undos.get(step.name)));
  const standing = steps.filter(({ stands }) => stands);
  const restorePoints = standingRestorePoints(state);
  const unsure = standing.filter(({ certainty }) => certainty === 'unsure');
  const left = netChanges(standing.flatMap(standingChanges));
  const hasLeft = (each: StepAccount) =>
    each.certainty === 'unsure' || netChanges(standingChanges(each)).length > 0;
  const without = standing.filter((each) => each.way.kind === 'none' && hasLeft(each));
  // What nothing takes back holds every restore point back, but for what needs no undo.
  const isHeld = without.some((each) => !isByWord(each));
  const mayGo = (each: StepAccount) => !isHeld && hasPoint(each, restorePoints);
  const back = steps.filter(
    (each) => each.way.kind === 'rollback' && isOwed(each) && (hasLeft(each) || mayGo(each)),
  );
  return {
    steps,
    told: netChanges(steps.flatMap(({ step }) => step.changes)),
    unsure,
    restorePoints,
    isUntouched:
      steps.every(
        ({ certainty, step }) =>
          certainty === 'nothing' && step.restorePoints.length === 0 && step.byWord === undefined,
      ) && !state.rollback.some(hasActed),
    isNothingLeft:
      left.length + unsure.length + restorePoints.length === 0 &&
      !steps.some(mayHaveLeftBelow) &&
      changedByUndo(state).length === 0,
    offersRollback: back.length > 0 && mayRunAgain(state),
    isWholeTakenBack: without.length === 0 && !standing.some((each) => hasForGood(each) || staysByWord(each)),
  };
}

/** Whether anything of it may still go on, or be taken back. */
export function mayRunAgain({ closing = null, forgottenAt = null }: Accountable): boolean {
  return closing === null && forgottenAt === null;
}

function stepAccount(step: StepState, changes: readonly Change[], undo: UndoState | undefined): StepAccount {
  const certainty = certaintyOf(step);
  return {
    step: changes === step.changes ? step : { ...step, changes },
    undo,
    certainty,
    way: wayOf(step, certainty),
    stands: isByWord({ step }) || undo === undefined || !cleanResults.includes(undo.result),
    looked: step.looked ?? null,
  };
}

/** Its author wrote that it needs no undo: what it does is no matter of a rollback. */
export const isByWord = ({ step }: Pick<StepAccount, 'step'>): boolean => step.reach?.kind === 'harmless';

/** Of a step that only reads, too: its author's list may do more than read. */
const hasActed = ({ changes, steps }: UndoState): boolean =>
  changes.some(isDifferent) || steps.some((step) => certaintyOf(step) !== 'nothing');

/** What the step told, but for the hosts on which it was undone. */
export function standingChanges({ step, undo }: StepAccount): readonly Change[] {
  const standsOn = undo?.standsOn;
  return standsOn === undefined
    ? step.changes
    : step.changes.filter(({ target }) => standsOn.includes(target));
}

/** Where the step may have left something. */
export function standingTargets({ step, undo }: StepAccount): readonly string[] {
  return undo?.standsOn ?? (step.targets.length > 0 ? step.targets : (undo?.targets ?? []));
}

const hasForGood = (each: StepAccount) => standingChanges(each).some(({ isForGood }) => isForGood === true);

/** What the author's word keeps, beside changes that were told. */
const staysByWord = (each: StepAccount) =>
  each.certainty === 'byWord' ||
  each.step.byWord !== undefined ||
  (isByWord(each) && each.step.restorePoints.length > 0);

const mayHaveLeftBelow = ({ step: { byWord = [] } }: StepAccount): boolean =>
  byWord.some(({ isUnsure }) => isUnsure === true);

const isOwed = ({ undo }: StepAccount) =>
  undo === undefined || (undo.result !== 'undone' && undo.result !== 'nothingToDo');

const hasPoint = ({ step }: StepAccount, points: readonly StandingRestorePoint[]) =>
  points.some((point) => point.step === step.name);

function certaintyOf(step: StepState): Certainty {
  const { reach, status, changes } = step;
  const acted = step.acted ?? (step.startedAt !== null && step.endedAt === null ? 'unknown' : undefined);
  if (reach === undefined) return certaintyOfEarlier(step);
  if (acted === 'no' || status === 'Pending') return 'nothing';
  if (reach.kind === 'nothing') return changes.some(isDifferent) ? 'told' : 'nothing';
  if (acted === 'unknown') return 'unsure';
  const tells = changes.length > 0 || step.restorePoints.length > 0;
  if (status === 'Success' && (tells || (reach.kind === 'undone' && reach.by === 'action'))) return 'told';
  // It ran to its end: what it changed then is still there to be seen.
  if (step.looked?.found === 'asBefore') return 'seenAsBefore';
  if (changes.some(isDifferent)) return 'told';
  return reach.kind === 'harmless' && step.looked?.found !== 'different' ? 'byWord' : 'unsure';
}

/** Of a version that did not write down what a step can do. */
function certaintyOfEarlier({ changes, untold, restorePoints }: StepState): Certainty {
  if (changes.length > 0 || restorePoints.length > 0) return 'told';
  return untold === undefined ? 'nothing' : 'unsure';
}

function wayOf({ reach, untold, noUndo }: StepState, certainty: Certainty): Way {
  if (untold !== undefined) return { kind: 'none', reason: untold };
  if (noUndo !== undefined) return { kind: 'none', reason: noUndo };
  switch (reach?.kind) {
    case undefined:
    case 'undone':
      return { kind: 'rollback' };
    case 'nothing':
      return { kind: 'notNeeded' };
    case 'harmless':
      // Whatever it may have left, its author's reason is the reason why nothing takes it back.
      return certainty === 'unsure' ? { kind: 'none', reason: reach.reason } : { kind: 'notNeeded' };
    case 'stays':
      return { kind: 'none', reason: reach.reason };
    default:
      return reach satisfies never;
  }
}

/** What the undos themselves made different, as a volume from a snapshot in the place of another, and what they leave for good. */
export function changedByUndo({ steps, rollback }: Accountable): Change[] {
  const keyOf = ({ target, subject }: Change) => JSON.stringify([target, subject]);
  const forward = new Set(steps.flatMap(({ changes }) => changes.map(keyOf)));
  const points = new Set(steps.flatMap(({ restorePoints }) => restorePoints.map(({ id }) => id)));
  const failed = new Set(steps.flatMap(({ name, status }) => (status === 'Success' ? [] : [name])));
  // What a step that did not succeed never told of, its own undo takes away or puts back: that is nothing new.
  const isLeftByStep = (undo: UndoState, { to }: Change) =>
    undo.steps.length === 0 && failed.has(undo.name) && (to === null || undo.looked === 'asBefore');
  const made = rollback
    .flatMap((undo) => undo.changes.filter((change) => !isLeftByStep(undo, change)))
    .filter((change) => !forward.has(keyOf(change)) && !points.has(change.from ?? ''));
  const undone = new Set(
    rollback.flatMap(({ name, result }) => (result === 'undone' || result === 'nothingToDo' ? [name] : [])),
  );
  const stays = steps
    .filter(({ name }) => undone.has(name))
    .flatMap(({ changes }) => changes.filter(({ isForGood }) => isForGood === true));
  return [...netChanges(made), ...stays];
}
