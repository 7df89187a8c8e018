/**
 * Tries an effect until it succeeds or the tries are used up: a step's own, and its undo. The token stays while an outcome
 * is unknown, and then the next try looks for what the last one began before it begins anything.
 */
import type { Json } from '../../json.ts';
import type { Work } from '../activities.ts';
import type { Execution, Mode, StepRecord } from '../execution.ts';
import { backoffMs, stepTimeoutSecondsDefault } from '../limits.ts';
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
  readonly mode: Mode;
  /** Told of every try as it ends. */
  readonly tried?: (ending: EffectEnding, token: string) => void;
}

export interface AttemptsEnding {
  readonly ending: EffectEnding;
  readonly attempts: number;
}

export async function attempts(execution: Execution, trying: Trying): Promise<AttemptsEnding> {
  const { id, path, work, isBegun, triesMax, timeoutMs, mode } = trying;
  let epoch = 0;
  let mayBeUnderWay = false;
  for (let attempt = 1; ; attempt += 1) {
    const token = tokenOf(execution, mode, path, epoch);
    const ending = await runEffect(execution, {
      id: `${id}#${attempt}`,
      step: path,
      work,
      isBegun,
      mayBeUnderWay,
      token,
      timeoutMs,
      mode,
    });
    trying.tried?.(ending, token);
    if (ending.status === 'Success' || ending.status === 'Cancelled') return { ending, attempts: attempt };
    const isInVain = ending.failure.code === 'INVALID_INPUT' || execution.within(mode, 1) === 0;
    if (attempt >= triesMax || isInVain) return { ending, attempts: attempt };
    const { failure } = ending;
    await execution.emit({ type: 'AttemptFailed', step: path, attempt, of: triesMax, failure });
    mayBeUnderWay = !isKnownToHaveEnded(ending) && execution.program.interpreter > 1;
    if (isKnownToHaveEnded(ending)) epoch += 1;
    const pauseMs = execution.within(mode, backoffMs(attempt));
    const { ignoreCancel } = mode;
    const slept = await execution.runtime.sleep(`${id}#${attempt}:backoff`, pauseMs, { ignoreCancel });
    if (slept === 'cancelled')
      return { ending: { status: 'Cancelled', handle: ending.handle, effect: 'none' }, attempts: attempt };
  }
}

/** Names an effect to the world. Readable here; hosts hash it to what services accept. */
export function tokenOf(execution: Execution, mode: Mode, path: string, epoch: number): string {
  return `${execution.runtime.executionId}/${mode.idPrefix}${path}/${epoch}`;
}

/** Of a step's own effect. */
export function workOf({ step, inputs, before }: StepRecord): Work {
  return {
    action: step.action,
    inputs: inputs ?? {},
    before,
    ...(step.outputs.length > 0 ? { declaredOutputs: step.outputs } : {}),
  };
}

/** Remembers the tries of a step that may have changed something: its undo works from them. */
export function noteTries(record: StepRecord): Required<Trying>['tried'] {
  return (ending, token) => {
    if (ending.status === 'Failed' && ending.result !== null) record.result = ending.result;
    if (record.descriptor.effect === 'read' || !mayHaveChanged(ending)) return;
    const known = record.attempts.find((attempt) => attempt.token === token);
    const others = record.attempts.filter((attempt) => attempt !== known);
    record.hasEnded =
      ending.status === 'Success' || (ending.status === 'Failed' && ending.effect === 'known');
    record.attempts = [...others, { token, handle: ending.handle ?? known?.handle ?? null }];
  };
}

function mayHaveChanged(ending: EffectEnding): boolean {
  switch (ending.status) {
    case 'Success':
    case 'TimedOut':
      return true;
    case 'Failed':
    case 'Cancelled':
      return ending.effect !== 'none';
    default:
      return ending satisfies never;
  }
}

/** Once an attempt is known to have ended, the next one is a new effect and needs a token of its own. */
function isKnownToHaveEnded(ending: EffectEnding): boolean {
  if (ending.status === 'TimedOut') return ending.stopped;
  return ending.status !== 'Failed' || ending.effect !== 'unknown';
}

/** The step's own limit, the action's, or the default; an expression has been resolved to a number or its text. */
export function timeoutSecondsOf(record: StepRecord, resolved: Json): number | null {
  const own = typeof resolved === 'string' ? Number(resolved) : resolved;
  if (own === null) return record.descriptor.timeoutSeconds ?? stepTimeoutSecondsDefault;
  return typeof own === 'number' && Number.isFinite(own) && own > 0 ? own : null;
}
