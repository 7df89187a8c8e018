/**
 * Between two steps of the main flow: a person may end the execution there (SSM's stop type Complete), and in Interactive mode says
 * which step runs. What is under way comes to its end first: a turn of a rolling and a child do, and a loop ends with its pass.
 * Sources: reference page section 4.6.
 */
import { isJsonObject, type Json } from '../json.ts';
import type { Step } from '../document/types.ts';
import type { Between, Frame, ListHooks, StepBoundary } from './frame.ts';
import { nextStepTimeoutSeconds } from './limits.ts';
import { scopesAround } from './records.ts';

/** In an inbox: begin no further step. */
export const completeSignal = 'complete';
/** In an inbox: the answer to a wait for the next step. `{ wait, step }`, or `{ complete: true }` for every one. */
export const nextStepSignal = 'nextStep';

export interface Person {
  readonly between: NonNullable<ListHooks['between']>;
  /** Whether a person had it end. */
  readonly wasCompleted: () => boolean;
}

export function betweenSteps(frame: Frame): Person {
  const { input } = frame.execution;
  let wasCompleted = false;
  let count = 0;
  const complete = (): Between => {
    wasCompleted = true;
    return { kind: 'ended' };
  };
  const between = async (boundary: StepBoundary): Promise<Between> => {
    count += 1;
    // What is done with a child is done with its root.
    if (input.parent !== undefined) return stepOf(boundary.next);
    if (input.mode === 'Interactive') {
      const said = await askPerson(frame, boundary, count);
      return said.kind === 'ended' ? complete() : said;
    }
    return (await frame.isToComplete(`between${count}:complete`)) ? complete() : stepOf(boundary.next);
  };
  return { between, wasCompleted: () => wasCompleted };
}

/** Whether a loop is to begin no further pass. Asked of loops of the main flow: a turn of a rolling is not left half done. */
export async function isToComplete(frame: Frame, id: string): Promise<boolean> {
  const { execution, scope, ignoreCancel } = frame;
  if (ignoreCancel || execution.input.parent !== undefined) return false;
  if (scopesAround(scope).some(({ kind }) => kind === 'turn' || kind === 'undo')) return false;
  return frame.isToComplete(id);
}

async function askPerson(frame: Frame, boundary: StepBoundary, number: number): Promise<Between> {
  const steps = validNextSteps(boundary);
  await frame.emit({
    type: 'StepWaiting',
    step: boundary.next.name,
    waiting: { kind: 'nextStep', steps, number },
  });
  for (let turn = 1; ; turn += 1) {
    const id = `between${number}:signal${turn}`;
    const answer = await frame.person(id, nextStepSignal, nextStepTimeoutSeconds * 1000);
    if (answer.status === 'cancelled') return { kind: 'aborted', status: 'Cancelled' };
    if (answer.status === 'timeout') return { kind: 'aborted', status: 'TimedOut' };
    const said = isJsonObject(answer.value) ? answer.value : {};
    if (said['complete'] === true) return { kind: 'ended' };
    const { wait, step } = said;
    // What was said to an earlier wait, or names no step that can come now, starts nothing.
    if (wait === number && typeof step === 'string' && steps.includes(step)) return { kind: 'step', step };
  }
}

const stepOf = ({ name }: Step): Between => ({ kind: 'step', step: name });

/** The step that the flow leads to, and then the others to which the step that has just ended can lead. */
function validNextSteps({ steps, next, last }: StepBoundary): string[] {
  const known = new Set(steps.map(({ name }) => name));
  const names = [next.name, ...(last === undefined ? [] : leadsTo(last, steps))];
  return [...new Set(names)].filter((name) => known.has(name));
}

function leadsTo(step: Step, steps: readonly Step[]): string[] {
  const { Choices: choices, Default: fallback } = step.inputs;
  const chosen = (Array.isArray(choices) ? (choices as readonly Json[]) : []).map((choice) =>
    isJsonObject(choice) ? choice['NextStep'] : undefined,
  );
  const following = step.nextStep ?? steps[steps.indexOf(step) + 1]?.name;
  const onFailure = step.onFailure.kind === 'step' ? step.onFailure.step : undefined;
  return [...chosen, fallback, following, onFailure].filter((name) => typeof name === 'string');
}
