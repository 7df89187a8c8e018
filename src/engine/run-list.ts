/** Runs a list of steps in the order that nextStep, branches, isEnd, onFailure and onCancel give it. A loop, never a recursion. */
import type { Step } from '../document/types.ts';
import type { Decided, Ending } from './endings.ts';
import {
  deadlineAfter,
  type Between,
  type ListEnd,
  type ListHooks,
  type ListResult,
  type Frame,
  type StepBoundary,
  type RunList,
  type StepList,
} from './frame.ts';
import { onCancelSeconds } from './limits.ts';
import { isInUndo, nothingKnown, type StepRecord } from './records.ts';
import { runStep } from './run-step.ts';

export const runList: RunList = async (start, list, hooks = {}) => {
  const { steps } = list;
  const position = new Map(steps.map((step, index) => [step.name, index]));
  let frame = start;
  let index = 0;
  let decided: Decided | null = null;
  let last: Step | undefined;
  for (;;) {
    const following: Step | undefined = steps[index];
    if (following === undefined) return resultOf(decided, { kind: 'ended' });
    const between = await asked(hooks, frame, { steps, next: following, last });
    if (between.kind === 'ended') return resultOf(decided, between);
    if (between.kind === 'aborted')
      return { status: between.status, failedStep: null, end: { kind: 'aborted' } };
    index = position.get(between.step) ?? index;
    const step = steps[index] ?? following;
    last = step;
    const record = began(frame, step, list);
    if (hooks.guard !== undefined && !(await hooks.guard(record)))
      return resultOf(decided, { kind: 'ended' });
    const ending = await runStep(frame, record);
    hooks.ended?.(record, ending);
    const own = decidedBy(step, record.path, ending);
    decided = own?.status === 'Cancelled' ? own : (decided ?? own);
    if (own?.status === 'Cancelled' && !frame.ignoreCancel) {
      const now = await frame.now(`${frame.idOf(record)}:cancelled`);
      const deadline = deadlineAfter(frame.execution, now, onCancelSeconds * 1000);
      frame = frame.with({ ignoreCancel: true, deadline });
    }
    const to = next(step, ending);
    switch (to.kind) {
      case 'following':
        index += 1;
        break;
      case 'exited': {
        const at = position.get(to.step);
        if (at === undefined) return resultOf(decided, to);
        index = at;
        break;
      }
      case 'ended':
      case 'aborted':
        return resultOf(decided, to);
      default:
        return to satisfies never;
    }
  }
};

function asked({ between }: ListHooks, frame: Frame, boundary: StepBoundary): Promise<Between> | Between {
  if (between === undefined || frame.ignoreCancel) return { kind: 'step', step: boundary.next.name };
  return between(boundary);
}

function resultOf(decided: Decided | null, end: ListEnd): ListResult {
  return { ...(decided ?? { status: 'Success', failedStep: null }), end };
}

function began({ execution, scope }: Frame, step: Step, list: StepList): StepRecord {
  const isUndoing = isInUndo(scope);
  const planPath = list.planPath + step.name;
  const record: StepRecord = {
    step,
    path: list.path + step.name,
    planPath,
    descriptor: execution.descriptor(planPath),
    scope,
    index: isUndoing ? -1 : execution.began.length,
    variables: execution.variables,
    inputs: null,
    ...nothingKnown(),
  };
  if (!isUndoing) execution.began.push(record);
  return record;
}

/** SSM Automation's rule for the final status (reference 4.3): the first critical failure decides; Cancelled and Abort always do. */
function decidedBy(step: Step, path: string, ending: Ending): Decided | null {
  switch (ending.status) {
    case 'Success':
    case 'Exited':
      return ending.decided ?? null;
    case 'Cancelled':
      return { status: 'Cancelled', failedStep: path };
    case 'Failed':
    case 'TimedOut':
      return step.isCritical || step.onFailure.kind === 'Abort'
        ? { status: ending.status, failedStep: path }
        : null;
    default:
      return ending satisfies never;
  }
}

/** `exited` leads to a step of this list, or else of one around it. */
type Next = ListEnd | { readonly kind: 'following' };

/** A taken branch, then onFailure: step, then isEnd, then nextStep, then the list's order (reference 4.2). */
function next(step: Step, ending: Ending): Next {
  switch (ending.status) {
    case 'Cancelled':
      return step.onCancel.kind === 'step'
        ? { kind: 'exited', step: step.onCancel.step }
        : { kind: 'aborted' };
    case 'Failed':
    case 'TimedOut':
      if (step.onFailure.kind === 'step') return { kind: 'exited', step: step.onFailure.step };
      if (step.onFailure.kind === 'Abort') return { kind: 'aborted' };
      break;
    case 'Exited':
      return { kind: 'exited', step: ending.jump };
    case 'Success':
      if (ending.jump !== null) return { kind: 'exited', step: ending.jump };
      break;
    default:
      return ending satisfies never;
  }
  if (step.isEnd) return { kind: 'ended' };
  return step.nextStep === undefined ? { kind: 'following' } : { kind: 'exited', step: step.nextStep };
}
