/**
 * One try of an effect: begin it under its token, find it again when its reply was lost or its runner died, wait for
 * its end, and stop it when time is up or the execution is cancelled. Nothing here is done twice: see design, "Done once".
 */
import type { Json } from '../../json.ts';
import type { Execution, Mode } from '../execution.ts';
import {
  adoptTimeoutMs,
  backoffMs,
  beginRoundsMax,
  beginTimeoutMs,
  decisionTimeoutSeconds,
  stopTimeoutMs,
} from '../limits.ts';
import type { ActivityInput, Failure, Outcome } from '../ports.ts';
import type { EffectResult } from '../types.ts';

export interface EffectCall {
  /** Unique in the execution, stable over resumes: `Patch#1`. */
  readonly id: string;
  readonly step: string;
  readonly input: ActivityInput;
  /** False: `wait` alone does everything, and doing it again is harmless. */
  readonly isBegun: boolean;
  readonly token: string;
  readonly timeoutMs: number;
  readonly mode: Mode;
}

export type EffectEnding =
  | { readonly status: 'Success'; readonly handle: Json; readonly result: EffectResult }
  | {
      readonly status: 'Failed';
      readonly handle: Json;
      readonly failure: Failure;
      readonly effect: 'none' | 'unknown' | 'known';
      readonly result: EffectResult | null;
    }
  | {
      readonly status: 'TimedOut';
      readonly handle: Json;
      readonly failure: Failure;
      readonly stopped: boolean;
      readonly result: EffectResult | null;
    }
  | { readonly status: 'Cancelled'; readonly handle: Json; readonly effect: 'none' | 'unknown' };

export async function runEffect(execution: Execution, call: EffectCall): Promise<EffectEnding> {
  const begun: Begun = call.isBegun ? await begin(execution, call) : { kind: 'running', handle: null };
  return begun.kind === 'ended' ? begun.ending : wait(execution, call, begun.handle);
}

type Begun =
  | { readonly kind: 'running'; readonly handle: Json }
  | { readonly kind: 'ended'; readonly ending: EffectEnding };

const ended = (ending: EffectEnding): Begun => ({ kind: 'ended', ending });

async function begin(execution: Execution, call: EffectCall): Promise<Begun> {
  let trouble: Failure | null = null;
  for (let round = 1; round <= beginRoundsMax; round += 1) {
    const outcome = await execution.activity({
      id: `${call.id}:begin${round}`,
      kind: 'begin',
      input: call.input,
      token: call.token,
      timeoutMs: execution.within(call.mode, beginTimeoutMs),
      onLost: 'report',
      ignoreCancel: call.mode.ignoreCancel,
    });
    if (outcome.status === 'ok') return { kind: 'running', handle: outcome.value };
    if (outcome.status === 'cancelled') return ended({ status: 'Cancelled', handle: null, effect: 'none' });
    if (outcome.status === 'failed' && outcome.effect !== 'unknown') {
      return ended({
        status: 'Failed',
        handle: null,
        failure: failureOf(outcome),
        effect: outcome.effect,
        result: null,
      });
    }
    trouble = failureOf(outcome);
    const adopted = await adopt(execution, call, round, trouble);
    if (adopted !== 'absent') return adopted;
  }
  const failure = trouble ?? {
    code: 'NOT_BEGUN',
    message: `${call.step} could not be begun`,
    retryable: true,
  };
  return ended({ status: 'Failed', handle: null, failure, effect: 'none', result: null });
}

/** Asks the world what became of an effect whose beginning was never answered. */
async function adopt(
  execution: Execution,
  call: EffectCall,
  round: number,
  trouble: Failure,
): Promise<Begun | 'absent'> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await execution.activity({
      id: `${call.id}:adopt${round}.${attempt}`,
      kind: 'adopt',
      input: call.input,
      token: call.token,
      timeoutMs: execution.within(call.mode, adoptTimeoutMs),
      onLost: 'rerun',
      ignoreCancel: true,
    });
    if (outcome.status === 'ok') return adopted(execution, call, outcome.value, round);
    if (attempt === beginRoundsMax) {
      const failure = outcome.status === 'failed' ? failureOf(outcome) : trouble;
      return ended({ status: 'Failed', handle: null, failure, effect: 'unknown', result: null });
    }
    await execution.runtime.sleep(`${call.id}:adopt${round}.${attempt}:backoff`, backoffMs(attempt), {
      ignoreCancel: true,
    });
  }
}

/** What the `adopt` activity answers. */
export type AdoptAnswer =
  | { readonly found: 'absent' }
  | { readonly found: 'running'; readonly handle: Json }
  | { readonly found: 'done'; readonly result: EffectResult }
  | { readonly found: 'failed'; readonly failure: Failure; readonly result: EffectResult | null }
  | { readonly found: 'unknown'; readonly why: string };

async function adopted(
  execution: Execution,
  call: EffectCall,
  value: Json,
  round: number,
): Promise<Begun | 'absent'> {
  const answer = value as unknown as AdoptAnswer;
  if (answer.found === 'unknown') return askPerson(execution, call, answer.why, round);
  await execution.emit({
    type: 'EffectAdopted',
    step: call.step,
    found: answer.found === 'failed' ? 'done' : answer.found,
  });
  switch (answer.found) {
    case 'absent':
      return 'absent';
    case 'running':
      return { kind: 'running', handle: answer.handle };
    case 'done':
      return ended({ status: 'Success', handle: null, result: answer.result });
    case 'failed':
      return ended({
        status: 'Failed',
        handle: null,
        failure: answer.failure,
        effect: 'known',
        result: answer.result,
      });
    default:
      return answer satisfies never;
  }
}

/** Nobody but a person can find out; `belay continue` says it happened, `belay reject` that it did not. */
async function askPerson(execution: Execution, call: EffectCall, why: string, round: number): Promise<Begun> {
  await execution.emit({
    type: 'StepWaiting',
    step: call.step,
    waiting: { kind: 'unknownOutcome', message: why },
  });
  const answer = await execution.person(
    `${call.id}:unknown${round}`,
    `continue:${call.step}`,
    decisionTimeoutSeconds * 1000,
    call.mode,
  );
  if (answer.status === 'signal' && answer.value === 'happened') {
    const result = {
      outputs: {},
      changes: [],
      restorePoints: [],
      targets: [],
      note: 'a person confirmed that it happened',
    };
    return ended({ status: 'Success', handle: null, result });
  }
  const failure = { code: 'OUTCOME_UNKNOWN', message: why, retryable: false };
  const effect = answer.status === 'signal' ? 'none' : 'unknown';
  return ended({ status: 'Failed', handle: null, failure, effect, result: null });
}

async function wait(execution: Execution, call: EffectCall, handle: Json): Promise<EffectEnding> {
  const outcome = await execution.activity({
    id: `${call.id}:wait`,
    kind: 'wait',
    input: { ...call.input, handle },
    token: call.token,
    timeoutMs: execution.within(call.mode, call.timeoutMs),
    onLost: 'rerun',
    ignoreCancel: call.mode.ignoreCancel,
  });
  switch (outcome.status) {
    case 'ok':
      return { status: 'Success', handle, result: outcome.value as unknown as EffectResult };
    case 'failed':
      return {
        status: 'Failed',
        handle,
        failure: failureOf(outcome),
        effect: outcome.effect,
        result: resultOf(outcome.value),
      };
    case 'timeout': {
      const stop = await stopped(execution, call, handle);
      const message = `${call.step} did not end within ${Math.round(call.timeoutMs / 1000)} s${stop.sentence}`;
      const failure = { code: 'TIMED_OUT', message, retryable: true };
      return {
        status: 'TimedOut',
        handle,
        failure,
        stopped: stop.confirmed,
        result: resultOf(outcome.value),
      };
    }
    case 'cancelled':
      await stopped(execution, call, handle);
      return { status: 'Cancelled', handle, effect: call.isBegun ? 'unknown' : 'none' };
    case 'lost':
      throw new Error(`the host reported ${call.id}:wait as lost, although it may be run again`);
    default:
      return outcome satisfies never;
  }
}

async function stopped(
  execution: Execution,
  call: EffectCall,
  handle: Json,
): Promise<{ confirmed: boolean; sentence: string }> {
  if (!call.isBegun) return { confirmed: true, sentence: '' };
  const outcome = await execution.activity({
    id: `${call.id}:stop`,
    kind: 'stop',
    input: { ...call.input, handle },
    token: call.token,
    timeoutMs: stopTimeoutMs,
    onLost: 'rerun',
    ignoreCancel: true,
  });
  if (outcome.status === 'ok')
    return { confirmed: true, sentence: outcome.value === 'stopped' ? ' and was stopped' : '' };
  const why = outcome.status === 'failed' ? outcome.message : 'no confirmation came';
  return { confirmed: false, sentence: ` and could not be stopped for certain: ${why}` };
}

function resultOf(value: Json | undefined): EffectResult | null {
  return value === undefined || value === null ? null : (value as unknown as EffectResult);
}

export function failureOf(outcome: Outcome): Failure {
  switch (outcome.status) {
    case 'failed':
      return { code: outcome.code, message: outcome.message, retryable: outcome.retryable };
    case 'timeout':
      return { code: 'NO_REPLY', message: 'no answer came in time', retryable: true };
    case 'lost':
      return { code: 'RUNNER_DIED', message: 'the runner died before an answer came', retryable: true };
    case 'cancelled':
    case 'ok':
      return { code: 'CANCELLED', message: 'it was cancelled', retryable: false };
    default:
      return outcome satisfies never;
  }
}
