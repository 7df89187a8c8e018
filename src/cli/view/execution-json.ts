/** An execution as `list --json` and `show --json` give it. Fields may be added, never removed; instants in RFC 3339. */
import { accountOf, stayingByWord, type StepState, type UndoState } from '../../engine/index.ts';
import type { ExecutionView, ListedExecution } from '../../runtime/execution-view.ts';

const instant = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

export function executionJson(view: ExecutionView) {
  const { steps, rollback, runner, createdAt, startedAt, endedAt, drift, ...rest } = view;
  const { closing, forgottenAt, repeated, rolledBackAt, ...shown } = rest;
  return {
    ...shown,
    account: accountJson(view),
    rolledBackAt: instant(rolledBackAt),
    repeated: repeated === null ? null : { ...repeated, at: instant(repeated.at) },
    closing: closingJson(closing),
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

/** What a list knows of it without its events, for `list --json --brief`. */
export function listedJson(view: ListedExecution) {
  const { steps: _steps, createdAt, startedAt, endedAt, closing, ...shown } = view;
  return {
    ...shown,
    closing: closingJson(closing),
    createdAt: instant(createdAt),
    startedAt: instant(startedAt),
    endedAt: instant(endedAt),
  };
}

function closingJson(closing: ExecutionView['closing']) {
  return closing === null ? null : { ...closing, at: instant(closing.at) };
}

/** What `show` says of the world, for programs. */
function accountJson(view: ExecutionView) {
  const account = accountOf(view);
  return {
    isUntouched: account.isUntouched,
    isNothingLeft: account.isNothingLeft,
    offersRollback: account.offersRollback,
    byWord: stayingByWord(account),
    steps: account.steps.map(({ step, certainty, way, stands, looked }) => ({
      step: step.name,
      certainty,
      way,
      stands,
      looked: looked === null ? null : { found: looked.found, at: instant(looked.at) },
    })),
  };
}

function stepJson(step: StepState) {
  const { looked: _looked, ...shown } = step;
  return { ...shown, startedAt: instant(step.startedAt), endedAt: instant(step.endedAt) };
}

function undoJson(undo: UndoState) {
  return {
    ...undo,
    startedAt: instant(undo.startedAt),
    endedAt: instant(undo.endedAt),
    steps: undo.steps.map(stepJson),
  };
}
