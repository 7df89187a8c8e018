/** What an execution left different in the world, and why it was not undone. Pure. */
import type { StepState, UndoState } from '../../engine/index.ts';
import type { ExecutionView } from '../../runtime/execution-view.ts';
import { netChanges, shortVersions, targetsText, valueText } from './change-text.ts';
import { clockText } from './durations.ts';
import { printable } from './printable.ts';

export interface Leftover {
  readonly target: string;
  /** `postgresql-15 is 15.20, was 15.18`. */
  readonly what: string;
  /** Why it is still so; empty where nothing was tried. */
  readonly why: string;
}

/** Steps whose changes stand: nobody undid them. */
function standing(view: ExecutionView): { readonly step: StepState; readonly undo: UndoState | undefined }[] {
  return view.steps
    .map((step) => ({ step, undo: view.rollback.find(({ name }) => name === step.name) }))
    .filter(({ undo }) => undo === undefined || !['undone', 'nothingToDo', 'kept'].includes(undo.result));
}

export function stillChanged(view: ExecutionView): Leftover[] {
  const stands = standing(view);
  const net = netChanges(
    stands.flatMap(({ step, undo }) => step.changes.map((change) => ({ ...change, why: whyOf(undo) }))),
  );
  const told = net.map(({ target, subject, from, to, why }) => {
    const short = shortVersions(from, to);
    const is = to === null ? 'is gone' : `is ${valueText(short.to)}`;
    const was = from === null ? 'was absent' : `was ${valueText(short.from)}`;
    return { target: printable(target), what: `${printable(subject)} ${is}, ${was}`, why };
  });
  const untold = stands
    .filter(({ step, undo }) => step.changes.length === 0 && undo !== undefined)
    .map(({ step, undo }) => ({
      target: targetsText(step.targets.length > 0 ? step.targets : (undo?.targets ?? [])),
      what: `${printable(step.name)} may have left something behind`,
      why: whyOf(undo),
    }));
  return [...told, ...untold];
}

function whyOf(undo: UndoState | undefined): string {
  if (undo === undefined) return '';
  if (undo.failure !== null) return `undo failed: ${printable(undo.failure.message)}`;
  return undo.result === 'leftOver' ? `no undo: ${printable(undo.reason)}` : '';
}

/** How many things the forward flow changed, and where. */
export function changedCount(view: ExecutionView): { readonly count: number; readonly targets: string[] } {
  const net = netChanges(view.steps.flatMap(({ changes }) => changes));
  return { count: net.length, targets: [...new Set(net.map(({ target }) => target))] };
}

/** Restore points that are still there, as `snap-0a17 (02:14:09)`. */
export function keptRestorePoints(view: ExecutionView): string[] {
  return view.steps.flatMap((step) => {
    const undo = view.rollback.find(({ name }) => name === step.name);
    if (undo?.result === 'undone') return [];
    const at = step.endedAt === null ? '' : ` (${clockText(step.endedAt)})`;
    return step.restorePoints.map(({ id }) => `${printable(id)}${at}`);
  });
}
