/** The gate of a rolling: reading steps that must hold before a target is touched, and again when it has been. */
import type { Execution, Mode, Turn } from '../execution.ts';
import type { Failure } from '../failure.ts';
import { runFlow } from '../run-flow.ts';
import type { ExecutionEnding } from '../statuses.ts';

export interface GateEnding {
  readonly status: ExecutionEnding;
  /** GATE_CLOSED, with the words of the step that did not hold. */
  readonly failure: Failure | null;
}

/** `name`: the gate's place behind the rolling's target, or in the undo list of a step. A rolling without a gate is open. */
export async function runGate(
  execution: Execution,
  turn: Turn,
  name: 'gate-before' | 'gate-after' | { readonly path: string },
  mode: Mode,
): Promise<GateEnding> {
  const { of, target } = turn;
  const steps = of.step.nested?.['Gate'] ?? [];
  if (steps.length === 0) return { status: 'Success', failure: null };
  const path = typeof name === 'string' ? `${of.path}@${target}/${name}/` : name.path;
  let words = '';
  let code = '';
  const flow = await runFlow(execution, { steps, path, planPath: `${of.planPath}/Gate/` }, mode, {
    ended: (record, result) => {
      if (result.failure === null) return;
      code = result.failure.code;
      words = `${record.step.name}: ${result.failure.message}`;
    },
  });
  if (flow.status === 'Success' || flow.status === 'Cancelled') return { status: flow.status, failure: null };
  const when = name === 'gate-before' ? 'before' : 'after';
  const message = `the gate of ${of.step.name} is closed ${when} ${target}: ${code} ${words}`;
  return { status: flow.status, failure: { code: 'GATE_CLOSED', message, retryable: false } };
}
