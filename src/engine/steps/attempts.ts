/** maxAttempts: tries a step's effect until it succeeds or the tries are used up. The token stays while an outcome is unknown. */
import type { Json, JsonObject } from '../../json.ts';
import type { Execution, Mode, StepRecord } from '../execution.ts';
import { backoffMs, stepTimeoutSecondsDefault } from '../limits.ts';
import type { ActivityInput } from '../ports.ts';
import { runEffect, type EffectEnding } from './effect.ts';

export interface AttemptsEnding {
  readonly ending: EffectEnding;
  readonly attempts: number;
}

export async function attempts(
  execution: Execution,
  record: StepRecord,
  inputs: JsonObject,
  timeoutSeconds: number,
  mode: Mode,
): Promise<AttemptsEnding> {
  const { step, descriptor, path } = record;
  let epoch = 0;
  for (let attempt = 1; ; attempt += 1) {
    const token = tokenOf(execution, mode, path, epoch);
    const ending = await runEffect(execution, {
      id: `${mode.idPrefix}${path}#${attempt}`,
      step: path,
      input: effectInput(execution, record, inputs, record.before),
      isBegun: descriptor.effect === 'begun',
      token,
      timeoutMs: timeoutSeconds * 1000,
      mode,
    });
    if (mayHaveChanged(ending) && descriptor.effect !== 'read') note(record, token, ending.handle);
    if (ending.status === 'Success' || ending.status === 'Cancelled') return { ending, attempts: attempt };
    if ('result' in ending && ending.result !== null) record.result = ending.result;
    if (attempt >= step.maxAttempts || ending.failure.code === 'INVALID_INPUT')
      return { ending, attempts: attempt };
    await execution.emit({
      type: 'AttemptFailed',
      step: path,
      attempt,
      of: step.maxAttempts,
      failure: ending.failure,
    });
    if (isKnownToHaveEnded(ending)) epoch += 1;
    const slept = await execution.runtime.sleep(
      `${mode.idPrefix}${path}#${attempt}:backoff`,
      backoffMs(attempt),
      {
        ignoreCancel: mode.ignoreCancel,
      },
    );
    if (slept === 'cancelled')
      return { ending: { status: 'Cancelled', handle: ending.handle, effect: 'none' }, attempts: attempt };
  }
}

/** Names an effect to the world. Readable here; hosts hash it to what services accept. */
export function tokenOf(execution: Execution, mode: Mode, path: string, epoch: number): string {
  return `${execution.runtime.executionId}/${mode.idPrefix}${path}/${epoch}`;
}

export function effectInput(
  execution: Execution,
  record: StepRecord,
  inputs: JsonObject,
  before: Json,
): ActivityInput {
  return {
    action: record.step.action,
    inputs,
    step: record.path,
    before,
    ...(record.step.outputs.length > 0 ? { declaredOutputs: record.step.outputs } : {}),
    ...execution.role(),
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

function note(record: StepRecord, token: string, handle: Json): void {
  record.attempts = [...record.attempts.filter((attempt) => attempt.token !== token), { token, handle }];
}

/** The step's own limit, the action's, or the default; an expression has been resolved to a number or its text. */
export function timeoutSecondsOf(record: StepRecord, resolved: Json): number | null {
  const own = typeof resolved === 'string' ? Number(resolved) : resolved;
  if (own === null) return record.descriptor.timeoutSeconds ?? stepTimeoutSecondsDefault;
  return typeof own === 'number' && Number.isFinite(own) && own > 0 ? own : null;
}
