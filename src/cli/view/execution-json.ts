/** An execution as `list --json` and `show --json` give it. Fields may be added, never removed; instants in RFC 3339. */
import type { StepState, UndoState } from '../../engine/index.ts';
import type { ExecutionView } from '../../runtime/execution-view.ts';

const instant = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

export function executionJson(view: ExecutionView) {
  const { steps, rollback, runner, createdAt, startedAt, endedAt, drift, ...rest } = view;
  const { closing, forgottenAt, ...shown } = rest;
  return {
    ...shown,
    closing: closing === null ? null : { ...closing, at: instant(closing.at) },
    forgottenAt: instant(forgottenAt),
    createdAt: instant(createdAt),
    startedAt: instant(startedAt),
    endedAt: instant(endedAt),
    runner: runner === null ? null : { ...runner, startedAt: instant(runner.startedAt) },
    drift: drift.map(({ step }) => step),
    steps: steps.map(stepJson),
    rollback: rollback.map(undoJson),
  };
}

function stepJson(step: StepState) {
  return { ...step, startedAt: instant(step.startedAt), endedAt: instant(step.endedAt) };
}

function undoJson(undo: UndoState) {
  return {
    ...undo,
    startedAt: instant(undo.startedAt),
    endedAt: instant(undo.endedAt),
    steps: undo.steps.map(stepJson),
  };
}
