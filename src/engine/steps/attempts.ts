/**
 * Tries an effect until it succeeds or the tries are used up: a step's own, and its undo. The token stays while an outcome
 * is unknown, and then the next try looks for what the last one began before it begins anything.
 */
import type { Work } from '../activities.ts';
import type { Frame } from '../frame.ts';
import { backoffMs } from '../limits.ts';
import type { StepRecord } from '../records.ts';
import { runEffect, type EffectEnding } from './effect.ts';

export interface Trying {
  /** Of the activities, without the number of the try: `rollback1/Patch/undo`. */
  readonly id: string;
  /** What is tried, as its token and its events name it: `Patch/undo`. */
  readonly path: string;
  readonly work: Work;
  /** False: `wait` alone does everything, and doing it again is harmless. */
  readonly isBegun: boolean;
  readonly triesMax: number;
  readonly timeoutMs: number;
  /** Told of every try as it ends. */
  readonly tried?: (ending: EffectEnding, token: string) => void;
}

export interface AttemptsEnding {
  readonly ending: EffectEnding;
  readonly attempts: number;
}

export async function attempts(frame: Frame, trying: Trying): Promise<AttemptsEnding> {
  const { id, path, work, isBegun, triesMax, timeoutMs } = trying;
  let epoch = 0;
  let mayBeUnderWay = false;
  for (let attempt = 1; ; attempt += 1) {
    const token = tokenOf(frame, path, epoch);
    const ending = await runEffect(frame, {
      id: `${id}#${attempt}`,
      step: path,
      work,
      isBegun,
      mayBeUnderWay,
      token,
      timeoutMs,
    });
    trying.tried?.(ending, token);
    if (ending.status === 'Success' || ending.status === 'Cancelled') return { ending, attempts: attempt };
    const isInVain = ending.failure.code === 'INVALID_INPUT' || frame.isSpent;
    if (attempt >= triesMax || isInVain) return { ending, attempts: attempt };
    const { failure } = ending;
    await frame.emit({ type: 'AttemptFailed', step: path, attempt, of: triesMax, failure });
    mayBeUnderWay = !isKnownToHaveEnded(ending) && frame.execution.program.interpreter > 1;
    if (isKnownToHaveEnded(ending)) epoch += 1;
    const slept = await frame.sleep(`${id}#${attempt}:backoff`, frame.within(backoffMs(attempt)));
    if (slept === 'cancelled')
      return { ending: { status: 'Cancelled', handle: ending.handle, effect: 'none' }, attempts: attempt };
  }
}

/** Names an effect to the world. Readable here; hosts hash it to what services accept. */
export function tokenOf({ execution, idPrefix }: Frame, path: string, epoch: number): string {
  return `${execution.id}/${idPrefix}${path}/${epoch}`;
}

/** Of a step's own effect. */
export function workOf({ step, inputs, before, host }: StepRecord): Work {
  return {
    action: step.action,
    inputs: inputs ?? {},
    before,
    ...(host === undefined ? {} : { oneOf: host.of.path }),
    // Those of a step over many hosts select from what all of them have put out.
    ...(step.outputs.length > 0 && host === undefined ? { declaredOutputs: step.outputs } : {}),
  };
}

/** Once an attempt is known to have ended, the next one is a new effect and needs a token of its own. */
function isKnownToHaveEnded(ending: EffectEnding): boolean {
  if (ending.status === 'TimedOut') return ending.stopped;
  return ending.status !== 'Failed' || ending.effect !== 'unknown';
}
