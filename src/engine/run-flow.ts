/** Runs a list of steps in the order that nextStep, branches, isEnd, onFailure and onCancel give it. A loop, never a recursion. */
import type { Step } from '../document/types.ts';
import type { Ending } from './endings.ts';
import { deadlineAfter, type FlowResult, type Frame, type RunFlow, type StepList } from './frame.ts';
import { onCancelSeconds } from './limits.ts';
import { isInUndo, type StepRecord } from './records.ts';
import { runStep } from './run-step.ts';

export const runFlow: RunFlow = async (start, list, hooks = {}) => {
  const { steps } = list;
  const position = new Map(steps.map((step, index) => [step.name, index]));
  let frame = start;
  let index: number | undefined = 0;
  let decided: FlowResult = { status: 'Success', failedStep: null };
  while (index !== undefined) {
    const step: Step | undefined = steps[index];
    if (step === undefined) break;
    const record = began(frame, step, list);
    if (hooks.guard !== undefined && !(await hooks.guard(record))) break;
    const result = await runStep(frame, record);
    hooks.ended?.(record, result);
    decided = decide(decided, step, record.path, result);
    if (result.status === 'Cancelled' && !frame.ignoreCancel) {
      const now = await frame.now(`${frame.idOf(record)}:cancelled`);
      const deadline = deadlineAfter(frame.execution, now, onCancelSeconds * 1000);
      frame = frame.with({ ignoreCancel: true, deadline });
    }
    index = next(step, result, index, position);
  }
  return decided;
};

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
    inputs: null,
    before: null,
    captures: {},
    after: undefined,
    left: undefined,
    attempts: [],
    hasEnded: false,
    result: null,
    status: null,
    undo: null,
  };
  if (!isUndoing) execution.began.push(record);
  return record;
}

/** SSM Automation's rule for the final status (reference 4.3): the first critical failure decides; Cancelled and Abort always do. */
function decide(decided: FlowResult, step: Step, path: string, result: Ending): FlowResult {
  if (result.status === 'Success') return decided;
  if (result.status === 'Cancelled') return { status: 'Cancelled', failedStep: path };
  if (decided.status !== 'Success') return decided;
  const decides = step.isCritical || step.onFailure.kind === 'Abort';
  return decides ? { status: result.status, failedStep: path } : decided;
}

/** A taken branch, then onFailure: step, then isEnd, then nextStep, then the list's order (reference 4.2). */
function next(
  step: Step,
  result: Ending,
  index: number,
  position: ReadonlyMap<string, number>,
): number | undefined {
  if (result.status === 'Cancelled')
    return step.onCancel.kind === 'step' ? position.get(step.onCancel.step) : undefined;
  if (result.status !== 'Success') {
    if (step.onFailure.kind === 'step') return position.get(step.onFailure.step);
    if (step.onFailure.kind === 'Abort') return undefined;
  }
  if (result.status === 'Success' && result.jump !== null) return position.get(result.jump);
  if (step.isEnd) return undefined;
  return step.nextStep === undefined ? index + 1 : position.get(step.nextStep);
}
