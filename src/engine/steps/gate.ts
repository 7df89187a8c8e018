/** The gate of a rolling: reading steps that must hold before a target is touched, and again when it has been. */
import { failureIn } from '../endings.ts';
import type { Failure } from '../failure.ts';
import type { Frame } from '../frame.ts';
import type { TurnScope } from '../records.ts';
import type { ExecutionEnding } from '../statuses.ts';

export interface GateEnding {
  readonly status: ExecutionEnding;
  /** GATE_CLOSED, with the words of the step that did not hold. */
  readonly failure: Failure | null;
}

/** `path`: comes before the names of the gate's steps. A rolling without a gate is open. */
export async function runGate(
  frame: Frame,
  turn: TurnScope,
  when: 'before' | 'after',
  path: string,
): Promise<GateEnding> {
  const { of, target } = turn;
  const steps = of.step.nested?.['Gate'] ?? [];
  if (steps.length === 0) return { status: 'Success', failure: null };
  let words = '';
  const ran = await frame.runList(
    frame,
    { steps, path, planPath: `${of.planPath}/Gate/` },
    {
      ended: ({ step }, ending) => {
        const failure = failureIn(ending);
        if (failure !== null) words = `${failure.code} ${step.name}: ${failure.message}`;
      },
    },
  );
  if (ran.status === 'Success' || ran.status === 'Cancelled') return { status: ran.status, failure: null };
  const message = `the gate of ${of.step.name} is closed ${when} ${target}: ${words}`;
  return { status: ran.status, failure: { code: 'GATE_CLOSED', message, retryable: false } };
}
