/** Which steps `belay logs` means, in the order they ran, and what it says of those that wrote nothing. Pure. */
import type { StepState, UndoState } from '../../engine/index.ts';
import type { ExecutionView } from '../../runtime/execution-view.ts';
import { Refusal } from '../../runtime/refusal.ts';
import { failureText } from './event-lines.ts';
import { printable } from './printable.ts';

/** Paths: `Patch`, `Patch/undo`, `SnapshotData/undo/Restore`. Throws Refusal for a step that there is not. */
export function stepsFor(view: ExecutionView, wanted: string | undefined): string[] {
  const forward = view.steps
    .filter(({ startedAt }) => startedAt !== null)
    .toSorted((left, right) => (left.startedAt ?? 0) - (right.startedAt ?? 0))
    .map(({ name }) => name);
  const undone = view.rollback.flatMap(({ name, steps }) => [
    `${name}/undo`,
    ...steps.map((step) => step.name),
  ]);
  const all = [...forward, ...undone];
  if (wanted === undefined) return all;
  if (![...view.steps.map(({ name }) => name), ...all].includes(wanted)) {
    throw new Refusal('usage', 'UNKNOWN_STEP', `${view.executionId} has no step ${wanted}`, {
      hint: `it has ${view.steps.map(({ name }) => name).join(', ')}`,
    });
  }
  return all.filter(
    (path) => path === wanted || path.startsWith(`${wanted}/`) || path.startsWith(`${wanted}@`),
  );
}

/** `told`: paths of steps that wrote something. */
export function silenceLines(
  view: ExecutionView,
  steps: readonly string[],
  told: ReadonlySet<string>,
  wanted: string | undefined,
): string[] {
  if (wanted === undefined) return told.size === 0 ? [`${view.executionId} wrote nothing.`] : [];
  const name = printable(wanted);
  const silent = told.size === 0 ? [`${name} wrote nothing.`] : [];
  if (steps.length === 0) return [`${name} has not begun.`];
  return [...silent, ...failuresOf(view, wanted)];
}

function failuresOf(view: ExecutionView, wanted: string): string[] {
  const found: (StepState | UndoState)[] = [
    ...view.steps.filter(({ name }) => name === wanted),
    ...view.rollback.flatMap(({ steps }) => steps).filter(({ name }) => name === wanted),
  ];
  const undo = view.rollback.find(({ name }) => name === wanted);
  return [
    ...found.flatMap(({ failure }) =>
      failure === null ? [] : [`${printable(wanted)} failed: ${failureText(failure)}`],
    ),
    ...(undo?.failure === null || undo?.failure === undefined
      ? []
      : [`its undo failed: ${failureText(undo.failure)}`]),
  ];
}
