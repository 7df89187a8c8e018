/** One target's turn of a rolling: the gate before it, its nested steps, the gate after it, and the time to show that it holds. */
import type { JsonObject } from '../../json.ts';
import { failureIn } from '../endings.ts';
import { failureOf, type Failure } from '../failure.ts';
import type { Frame } from '../frame.ts';
import type { StepRecord, TurnScope } from '../records.ts';
import type { ExecutionEnding } from '../statuses.ts';
import { runGate } from './gate.ts';

export type TurnEnding = { readonly status: ExecutionEnding; readonly failure: Failure | null };

export function turnScope(
  parent: Frame,
  of: StepRecord,
  target: string,
  targets: readonly string[],
): TurnScope {
  return {
    kind: 'turn',
    outputs: new Map<string, JsonObject>(),
    parent: parent.scope,
    of,
    target,
    targets,
    isDone: false,
    isTouched: false,
    failedUndos: new Set(),
  };
}

/** `frame`: of the turn. */
export async function takeTurn(frame: Frame, turn: TurnScope): Promise<TurnEnding> {
  const { of, target } = turn;
  const path = `${of.path}@${target}/`;
  const before = await runGate(frame, turn, 'before', `${path}gate-before/`);
  if (before.status !== 'Success') return before;
  let failure: Failure | null = null;
  const steps = of.step.nested?.['Steps'] ?? [];
  const ran = await frame.runList(
    frame,
    { steps, path, planPath: `${of.planPath}/Steps/` },
    {
      ended: ({ step }, ending) => {
        const own = ending.status === 'Cancelled' ? failureOf({ status: 'cancelled' }) : failureIn(ending);
        if (own !== null) failure = { ...own, message: `${step.name}: ${own.message}` };
      },
    },
  );
  if (ran.status !== 'Success') return { status: ran.status, failure };
  return runGate(frame, turn, 'after', `${path}gate-after/`);
}

/** The time in which a target shows whether it holds, before the next one is touched. */
export async function bake(frame: Frame, of: StepRecord, target: string): Promise<'elapsed' | 'cancelled'> {
  const seconds = Number(of.inputs?.['BakeSeconds'] ?? 0);
  if (seconds <= 0) return 'elapsed';
  await frame.emit({ type: 'StepWaiting', step: of.path, waiting: { kind: 'sleep', seconds } });
  return frame.sleep(`${frame.idOf(of)}@${target}:bake`, frame.within(seconds * 1000));
}
