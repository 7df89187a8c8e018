/** Says how the step ended, and keeps what it gave for later steps and its undo. */
import { failureIn } from '../endings.ts';
import type { Ran } from '../events.ts';
import { hasTouched } from '../needs-undo.ts';
import { ranTogether } from '../ran-together.ts';
import type { StepRecord } from '../records.ts';
import type { RunStep } from '../step-run.ts';
import type { EffectResult } from '../types.ts';

export const told =
  (next: RunStep): RunStep =>
  async (run) => {
    const { frame, record } = run;
    const { step, path } = record;
    const ending = await next(run);
    record.status = ending.status;
    record.result = ending.result;
    frame.scope.outputs.set(step.name, ending.result.outputs);
    await frame.emit({
      type: 'StepEnded',
      step: path,
      status: ending.status,
      attempts: ending.attempts,
      ...ending.result,
      failure: failureIn(ending),
      critical: step.isCritical,
      acted: actedOf(record),
      ...withoutUndo(record, ending.result),
      ...ranBelow(record),
    });
    return ending;
  };

/** What nothing takes back, and no change tells of. */
function ranBelow({ children = [] }: StepRecord): { readonly byWord?: readonly Ran[] } {
  const byWord = ranTogether(children.flatMap(({ byWord: ran = [] }) => ran));
  return byWord.length === 0 ? {} : { byWord };
}

/** By the tries that may have acted; what ran to its end is known to have, whatever it said. */
function actedOf({
  attempts,
  hasEnded,
  status,
  children,
  onHosts,
  step,
}: StepRecord): 'no' | 'yes' | 'unknown' {
  if (onHosts !== undefined) {
    const each = new Set(onHosts.map(actedOf));
    // Of a host that was allowed to fail nobody has told all that it may have changed.
    // Of one that needs no undo by its author's word nobody asks.
    const isAsked = step.undo.kind !== 'none' && status === 'Success';
    const failed = isAsked && onHosts.some((own) => hasTouched(own) && own.status !== 'Success');
    return each.has('unknown') || failed ? 'unknown' : each.has('yes') ? 'yes' : 'no';
  }
  if (attempts.length === 0) return 'no';
  if (children?.some(({ acted }) => acted === 'unknown') === true) return 'unknown';
  return status === 'Success' || hasEnded ? 'yes' : 'unknown';
}

/** Of a step that has no undo and cannot tell what it changed, nobody may say that nothing was changed. */
function withoutUndo(
  record: StepRecord,
  { changes }: EffectResult,
): { readonly untold?: string; readonly noUndo?: string } {
  const { step, descriptor, children } = record;
  if (!hasTouched(record) || step.undo.kind === 'steps' || children !== undefined) return {};
  const isTold = changes.length > 0;
  // Its author knows better than the action.
  if (step.undo.kind === 'none') return isTold ? { noUndo: step.undo.reason } : {};
  const { undo } = descriptor;
  if (undo.kind !== 'none' || !undo.leavesChange) return {};
  return isTold ? { noUndo: undo.reason } : { untold: undo.reason };
}
