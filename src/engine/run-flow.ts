/** Runs a list of steps in the order that nextStep, branches, isEnd, onFailure and onCancel give it. A loop, never a recursion. */
import type { Step } from '../document/types.ts';
import type { Execution, Mode, StepRecord } from './execution.ts';
import { onCancelSeconds } from './limits.ts';
import { runStep, type StepResult } from './run-step.ts';
import type { ExecutionEnding } from './statuses.ts';

export interface FlowResult {
  readonly status: ExecutionEnding;
  /** The step that decided a status other than Success. */
  readonly failedStep: string | null;
}

export interface FlowHooks {
  /** Asked before a step runs; a sentence holds it back and ends the list. */
  readonly guard?: (record: StepRecord) => Promise<boolean>;
  readonly ended?: (record: StepRecord, result: StepResult) => void;
}

/** A list of steps: the main steps, an undo list, or the nested steps of a rolling in one target's turn. */
export interface StepList {
  readonly steps: readonly Step[];
  /** Stands before a step's name in its path. */
  readonly path: string;
  /** Stands before a step's name in its place in the document. */
  readonly planPath: string;
}

export async function runFlow(
  execution: Execution,
  list: StepList,
  startMode: Mode,
  hooks: FlowHooks = {},
): Promise<FlowResult> {
  const { steps } = list;
  const position = new Map(steps.map((step, index) => [step.name, index]));
  let mode = startMode;
  let index: number | undefined = 0;
  let decided: FlowResult = { status: 'Success', failedStep: null };
  while (index !== undefined) {
    const step: Step | undefined = steps[index];
    if (step === undefined) break;
    const record = began(execution, step, list, mode);
    if (hooks.guard !== undefined && !(await hooks.guard(record))) break;
    const result = await runStep(execution, record, mode);
    hooks.ended?.(record, result);
    decided = decide(decided, step, record.path, result);
    if (result.status === 'Cancelled' && !mode.ignoreCancel) {
      const now = await execution.now(`${mode.idPrefix}${record.path}:cancelled`);
      mode = { ...mode, ignoreCancel: true, deadline: execution.deadline(now, onCancelSeconds * 1000) };
    }
    index = next(step, result, index, position);
  }
  return decided;
}

function began(execution: Execution, step: Step, list: StepList, mode: Mode): StepRecord {
  const planPath = list.planPath + step.name;
  const record: StepRecord = {
    step,
    path: list.path + step.name,
    planPath,
    descriptor: execution.descriptor(planPath),
    turn: mode.turn,
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
    used: [],
  };
  if (mode.undo === null) execution.began.push(record);
  return record;
}

/** SSM Automation's rule for the final status (reference 4.3): the first critical failure decides; Cancelled and Abort always do. */
function decide(decided: FlowResult, step: Step, path: string, result: StepResult): FlowResult {
  if (result.status === 'Success') return decided;
  if (result.status === 'Cancelled') return { status: 'Cancelled', failedStep: path };
  if (decided.status !== 'Success') return decided;
  const decides = step.isCritical || step.onFailure.kind === 'Abort';
  return decides ? { status: result.status, failedStep: path } : decided;
}

/** A taken branch, then onFailure: step, then isEnd, then nextStep, then the list's order (reference 4.2). */
function next(
  step: Step,
  result: StepResult,
  index: number,
  position: ReadonlyMap<string, number>,
): number | undefined {
  if (result.status === 'Cancelled')
    return step.onCancel.kind === 'step' ? position.get(step.onCancel.step) : undefined;
  if (result.status !== 'Success') {
    if (step.onFailure.kind === 'step') return position.get(step.onFailure.step);
    if (step.onFailure.kind === 'Abort') return undefined;
  }
  if (result.jump !== null) return position.get(result.jump);
  if (step.isEnd) return undefined;
  return step.nextStep === undefined ? index + 1 : position.get(step.nextStep);
}
