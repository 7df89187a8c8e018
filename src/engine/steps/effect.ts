/**
 * One try of an effect: begin it under its token, find it again when its reply was lost or its runner died, wait for
 * its end, and stop it when time is up or the execution is cancelled. Nothing here is done twice: see design, "Done once".
 */
import type { Json } from '../../json.ts';
import type { AdoptAnswer, Work } from '../activities.ts';
import { failureOf, seenText, type Failure } from '../failure.ts';
import type { Frame } from '../frame.ts';
import {
  adoptTimeoutMs,
  backoffMs,
  beginRoundsMax,
  beginTimeoutMs,
  decisionTimeoutSeconds,
  stopTimeoutMs,
} from '../limits.ts';
import type { EffectResult } from '../types.ts';

export interface EffectCall {
  /** Unique in the execution, stable over resumes: `Patch#1`. */
  readonly id: string;
  readonly step: string;
  readonly work: Work;
  /** False: `wait` alone does everything, and doing it again is harmless. */
  readonly isBegun: boolean;
  /** Whether an earlier try under the same token may be under way: then it is looked for before anything is begun. */
  readonly mayBeUnderWay: boolean;
  readonly token: string;
  readonly timeoutMs: number;
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
    }
  | { readonly status: 'Cancelled'; readonly handle: Json; readonly effect: 'none' | 'unknown' };

export async function runEffect(frame: Frame, call: EffectCall): Promise<EffectEnding> {
  const begun: Begun = call.isBegun ? await begin(frame, call) : { kind: 'running', handle: null };
  if (begun.kind === 'ended') return begun.ending;
  // It began within the step's own time. Where nothing of it is left, nobody looks whether it has come to its end since.
  const leftMs = Math.max(0, call.timeoutMs - (begun.tookMs ?? 0));
  return wait(frame, call, { handle: begun.handle, leftMs });
}

type Begun =
  | {
      readonly kind: 'running';
      readonly handle: Json;
      /** How long its beginning took. */
      readonly tookMs?: number;
    }
  | { readonly kind: 'ended'; readonly ending: EffectEnding };

const ended = (ending: EffectEnding): Begun => ({ kind: 'ended', ending });

async function begin(frame: Frame, call: EffectCall): Promise<Begun> {
  let trouble: Failure = { code: 'NOT_BEGUN', message: `${call.step} could not be begun`, retryable: true };
  if (call.mayBeUnderWay) {
    const adopted = await adopt(frame, call, 0, trouble);
    if (adopted !== 'absent') return adopted;
  }
  for (let round = 1; round <= beginRoundsMax; round += 1) {
    const outcome = await frame.activity({
      id: `${call.id}:begin${round}`,
      kind: 'begin',
      input: call.work,
      step: call.step,
      token: call.token,
      timeoutMs: frame.within(Math.max(beginTimeoutMs, call.timeoutMs)),
      ...(call.timeoutMs < beginTimeoutMs ? { laterMs: call.timeoutMs } : {}),
      onLost: 'report',
    });
    if (outcome.status === 'ok') {
      const tookMs = Math.max(0, outcome.endedAt - outcome.startedAt);
      return { kind: 'running', handle: outcome.value, tookMs };
    }
    if (outcome.status === 'cancelled') return ended({ status: 'Cancelled', handle: null, effect: 'none' });
    trouble = failureOf(outcome);
    if (outcome.status === 'failed' && outcome.effect !== 'unknown')
      return ended({ ...failed, failure: trouble, effect: outcome.effect });
    const adopted = await adopt(frame, call, round, trouble);
    if (adopted !== 'absent') return adopted;
  }
  return ended({ ...failed, failure: trouble, effect: 'none' });
}

const failed = { status: 'Failed', handle: null, result: null } as const;

/** Asks the world what became of an effect whose beginning was never answered. */
async function adopt(
  frame: Frame,
  call: EffectCall,
  round: number,
  trouble: Failure,
): Promise<Begun | 'absent'> {
  for (let attempt = 1; ; attempt += 1) {
    const id = `${call.id}:adopt${round}.${attempt}`;
    const outcome = await frame.activity({
      id,
      kind: 'adopt',
      input: call.work,
      step: call.step,
      token: call.token,
      timeoutMs: frame.within(adoptTimeoutMs),
      onLost: 'rerun',
      ignoreCancel: true,
    });
    if (outcome.status === 'ok') return adopted(frame, call, outcome.value, round);
    if (attempt === beginRoundsMax) {
      const failure = outcome.status === 'failed' ? failureOf(outcome) : trouble;
      return ended({ ...failed, failure, effect: 'unknown' });
    }
    await frame.with({ ignoreCancel: true }).sleep(`${id}:backoff`, backoffMs(attempt));
  }
}

async function adopted(
  frame: Frame,
  call: EffectCall,
  answer: AdoptAnswer,
  round: number,
): Promise<Begun | 'absent'> {
  if (answer.found === 'unknown') return askPerson(frame, call, answer.why, round);
  await frame.emit({
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
      return ended({ ...failed, failure: answer.failure, effect: 'known', result: answer.result });
    default:
      return answer satisfies never;
  }
}

/** Nobody but a person can find out; `belay continue` says it happened, `belay reject` that it did not. */
async function askPerson(frame: Frame, call: EffectCall, why: string, round: number): Promise<Begun> {
  await frame.emit({
    type: 'StepWaiting',
    step: call.step,
    waiting: { kind: 'unknownOutcome', message: why },
  });
  const answer = await frame.person(
    `${call.id}:unknown${round}`,
    `continue:${call.step}`,
    decisionTimeoutSeconds * 1000,
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
  return ended({ ...failed, failure, effect });
}

async function wait(
  frame: Frame,
  call: EffectCall,
  { handle, leftMs }: { readonly handle: Json; readonly leftMs: number },
): Promise<EffectEnding> {
  const outcome = await frame.activity({
    id: `${call.id}:wait`,
    kind: 'wait',
    input: { ...call.work, handle },
    step: call.step,
    token: call.token,
    timeoutMs: frame.within(leftMs),
    onLost: 'rerun',
  });
  switch (outcome.status) {
    case 'ok':
      return { status: 'Success', handle, result: outcome.value };
    case 'failed':
      return {
        status: 'Failed',
        handle,
        failure: failureOf(outcome),
        effect: outcome.effect,
        result: outcome.value ?? null,
      };
    case 'timeout': {
      const stop = await stopped(frame, call, handle);
      const message = `${call.step} did not end within ${Math.round(call.timeoutMs / 1000)} s${stop.sentence}${seenText(outcome)}`;
      const failure = { code: 'TIMED_OUT', message, retryable: true };
      return { status: 'TimedOut', handle, failure, stopped: stop.confirmed };
    }
    case 'cancelled':
      await stopped(frame, call, handle);
      return { status: 'Cancelled', handle, effect: call.isBegun ? 'unknown' : 'none' };
    case 'lost':
      throw new Error(`the host reported ${call.id}:wait as lost, although it may be run again`);
    default:
      return outcome satisfies never;
  }
}

async function stopped(
  frame: Frame,
  call: EffectCall,
  handle: Json,
): Promise<{ confirmed: boolean; sentence: string }> {
  if (!call.isBegun) return { confirmed: true, sentence: '' };
  const outcome = await frame.activity({
    id: `${call.id}:stop`,
    kind: 'stop',
    input: { ...call.work, handle },
    step: call.step,
    token: call.token,
    timeoutMs: stopTimeoutMs,
    onLost: 'rerun',
    ignoreCancel: true,
  });
  if (outcome.status === 'ok') return { confirmed: true, sentence: ' and was stopped' };
  const why = outcome.status === 'failed' ? outcome.message : 'no confirmation came';
  return { confirmed: false, sentence: ` and could not be stopped for certain: ${why}` };
}
