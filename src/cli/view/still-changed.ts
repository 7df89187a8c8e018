/** What an execution left different in the world, and why it was not undone. Pure. */
import { standingRestorePoints, type Change, type StepState, type UndoState } from '../../engine/index.ts';
import type { ExecutionView } from '../../runtime/execution-view.ts';
import { isDifferent, netChanges, shortVersions, targetsText, valueText } from './change-text.ts';
import { clockText } from './durations.ts';
import { printable } from './printable.ts';

export interface Leftover {
  readonly target: string;
  /** `postgresql-15 is 15.20, was 15.18`. */
  readonly what: string;
  /** Why it is still so; empty where nothing was tried. */
  readonly why: string;
}

interface Standing {
  readonly step: StepState;
  readonly undo: UndoState | undefined;
}

const cleanResults: readonly UndoState['result'][] = ['undone', 'nothingToDo', 'kept'];

/** Steps whose changes stand: nobody undid them. */
function standing(view: ExecutionView): Standing[] {
  return view.steps
    .map((step) => ({ step, undo: view.rollback.find(({ name }) => name === step.name) }))
    .filter(({ undo }) => undo === undefined || !cleanResults.includes(undo.result));
}

export function stillChanged(view: ExecutionView): Leftover[] {
  const stands = standing(view);
  const net = netChanges(
    stands.flatMap(({ step, undo }) =>
      step.changes.map((change) => ({ ...change, why: whyOf(undo, step.noUndo) })),
    ),
  );
  return [...net.map(leftoverOf), ...changedByUndo(view), ...untold(stands)];
}

function leftoverOf({ target, subject, from, to, why }: Change & { readonly why: string }): Leftover {
  const short = shortVersions(from, to);
  const is = to === null ? 'is gone' : `is ${valueText(short.to)}`;
  const was = from === null ? 'was absent' : `was ${valueText(short.from)}`;
  return { target: printable(target), what: `${printable(subject)} ${is}, ${was}`, why };
}

/** What the undo itself made different, as a volume from a snapshot in the place of another. */
export function changedByUndo(view: ExecutionView): Leftover[] {
  const keyOf = ({ target, subject }: Change) => JSON.stringify([target, subject]);
  const forward = new Set(view.steps.flatMap(({ changes }) => changes.map(keyOf)));
  const points = new Set(view.steps.flatMap(({ restorePoints }) => restorePoints.map(({ id }) => id)));
  const made = view.rollback
    .flatMap(({ changes }) => changes)
    .filter((change) => !forward.has(keyOf(change)) && !points.has(change.from ?? ''));
  return netChanges(made).map((change) => leftoverOf({ ...change, why: '' }));
}

/** Steps that nobody undid and that cannot tell what they changed; those with one reason are told together. */
function untold(stands: readonly Standing[]): Leftover[] {
  const groups = new Map<string, Leftover & { readonly names: string[] }>();
  for (const { step, undo } of stands) {
    if (netChanges(step.changes).length > 0 || (undo === undefined && step.untold === undefined)) continue;
    const target = targetsText(step.targets.length > 0 ? step.targets : (undo?.targets ?? []));
    const why = undo === undefined ? noUndo(step.untold ?? '') : whyOf(undo);
    const what = undo?.result === 'failed' ? 'was not undone' : 'may have left something behind';
    const key = JSON.stringify([target, what, why]);
    const group = groups.get(key) ?? { target, what, why, names: [] };
    group.names.push(printable(step.name));
    groups.set(key, group);
  }
  return [...groups.values()].map(({ target, what, why, names }) => ({
    target,
    what: `${names.join(', ')} ${what}`,
    why,
  }));
}

const noUndo = (reason: string) => `no undo: ${printable(reason)}`;

function whyOf(undo: UndoState | undefined, declared?: string): string {
  if (undo === undefined) return declared === undefined ? '' : noUndo(declared);
  if (undo.failure?.code === 'REJECTED') return printable(undo.failure.message);
  if (undo.failure !== null) return `undo failed: ${printable(undo.failure.message)}`;
  return undo.result === 'leftOver' ? noUndo(undo.reason) : '';
}

/** Steps that acted and cannot tell what they changed; none of them has an undo. */
export function untoldSteps(view: ExecutionView): string[] {
  return view.steps.filter((step) => step.untold !== undefined).map(({ name }) => name);
}

/** Steps that said what they changed, and have no undo for it. */
export function stepsWithoutUndo(view: ExecutionView): string[] {
  return view.steps.filter((step) => step.noUndo !== undefined).map(({ name }) => name);
}

/** Whether anything was changed that a rollback can take back. */
export function hasUndoable(view: ExecutionView): boolean {
  return netChanges(view.steps.flatMap((step) => (step.noUndo === undefined ? step.changes : []))).length > 0;
}

/** How many things the forward flow changed, and where. */
export function changedCount(view: ExecutionView): { readonly count: number; readonly targets: string[] } {
  const net = netChanges(view.steps.flatMap(({ changes }) => changes));
  return { count: net.length, targets: [...new Set(net.map(({ target }) => target))] };
}

/** Everything that a step said it changed, also where a later step put it back. */
export function touchedTargets(view: ExecutionView): string[] {
  return [
    ...new Set(view.steps.flatMap(({ changes }) => changes.filter(isDifferent).map(({ target }) => target))),
  ];
}

/** Restore points that are still there, as `snap-0a17 (02:14:09)`: an undo list may have used one and left it. */
export function keptRestorePoints(view: ExecutionView): string[] {
  return standingRestorePoints(view).map(
    ({ id, at }) => `${printable(id)}${at === null ? '' : ` (${clockText(at)})`}`,
  );
}
