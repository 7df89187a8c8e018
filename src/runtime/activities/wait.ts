/** Asks an effect again and again until it has ended, time is up, or the execution is cancelled. */
import type { ActionContext, AnyAction, Poll } from '../../actions/define-action.ts';
import type { OutcomeResult, Work } from '../../engine/index.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { BoundEffect } from './bound-effect.ts';
import { pauseMs, waitingText } from './later.ts';
import { asOutcome, failedOutcome, isTransient } from './outcomes.ts';
import { pause as realPause, type Pause } from './pause.ts';
import { doneResult, failedResult } from './results.ts';

/** How long a begun effect may be out of reach before its outcome counts as unknown, in ms. */
const outOfReachMsMax = 120_000;
/** Pause between tries to reach it again, in ms. */
const reattachMs = 2_000;
/** The longest that a timer of Node can run. */
const timerMsMax = 2 ** 31 - 1;
/** The shortest pause between two looks, whatever an action asks for, in ms. */
const pollMsMin = 20;

export interface Waiting {
  readonly action: AnyAction;
  readonly bound: BoundEffect;
  readonly inputs: JsonObject;
  readonly work: Work;
  readonly step: string;
  /** Of a begun effect. */
  readonly handle: Json;
  readonly context: ActionContext;
  readonly cancel: AbortSignal;
  readonly deadlineAt: number;
  /** Left out: time passes by itself. */
  readonly pause?: Pause;
}

/** What AWS refuses for now is asked again until the time is over, whatever kind of effect it is: nothing has happened. */
export async function wait(waiting: Waiting): Promise<OutcomeResult<'wait' | 'notify'>> {
  const { action, inputs, context, cancel, deadlineAt, pause = realPause } = waiting;
  let troubleSince: number | null = null;
  let refusals = 0;
  let seen: string | undefined;
  // All of its time went by before anybody could ask.
  if (deadlineAt <= context.startedAt) return timeout(seen);
  for (;;) {
    let answer: Poll<JsonObject>;
    using ends = endOfTime(waiting);
    try {
      answer = await pollOnce({ ...waiting, context: { ...context, signal: ends.signal } });
      troubleSince = null;
      refusals = 0;
    } catch (error) {
      if (cancel.aborted) return { status: 'cancelled' };
      if (ends.isOver()) return timeout(seen);
      const afterMs = pauseMs(error, refusals + 1);
      if (context.now() >= deadlineAt) {
        const said = failedOutcome(error)?.message;
        return timeout(afterMs === undefined ? (seen ?? said) : said);
      }
      const outcome = asOutcome(error);
      if (afterMs !== undefined) {
        refusals += 1;
        seen = outcome.message;
        context.notice(waitingText(error, afterMs));
        const left = Math.min(afterMs, deadlineAt - context.now());
        await pause(left, cancel);
        continue;
      }
      if (waiting.bound.effect.kind !== 'begun' || !isTransient(error)) return outcome;
      troubleSince ??= context.now();
      if (context.now() - troubleSince >= outOfReachMsMax) return { ...outcome, effect: 'unknown' };
      seen = outcome.message;
      context.notice(`out of reach, trying again: ${outcome.message}`);
      answer = { kind: 'pending', afterMs: reattachMs };
    }
    if (answer.kind === 'done') {
      const result = doneResult(answer, waiting);
      return 'status' in result ? result : { status: 'ok', value: result };
    }
    if (answer.kind === 'failed') return failedResult(answer, action, inputs);
    if (cancel.aborted) return { status: 'cancelled' };
    const left = deadlineAt - context.now();
    if (answer.notice !== undefined) {
      seen = answer.notice;
      context.notice(answer.notice);
    }
    if (left <= 0) return timeout(seen);
    await pause(Math.min(left, Math.max(answer.afterMs, pollMsMin)), cancel);
  }
}

/**
 * What acts or reads in the look itself ends with the time of the step; one look that is begun when the time is over has a
 * little longer. Where an effect was begun, a look is only a question.
 */
function endOfTime({ bound, context, deadlineAt }: Waiting): Disposable & {
  readonly signal: AbortSignal;
  readonly isOver: () => boolean;
} {
  const leftMs = deadlineAt - context.now();
  if (bound.effect.kind === 'begun' || leftMs <= 0 || leftMs > timerMsMax)
    return { signal: context.signal, isOver: () => false, [Symbol.dispose]: () => undefined };
  const own = new AbortController();
  const timer = setTimeout(() => own.abort(), leftMs);
  return {
    signal: AbortSignal.any([context.signal, own.signal]),
    isOver: () => own.signal.aborted,
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

/** What a wait says that has run out. */
function timeout(seen: string | undefined): OutcomeResult<'wait'> {
  return { status: 'timeout', ...(seen === undefined ? {} : { seen }) };
}

async function pollOnce({ bound, handle, context }: Waiting): Promise<Poll<JsonObject>> {
  const { effect, inputs, before } = bound;
  switch (effect.kind) {
    case 'read':
      return effect.poll(inputs, context);
    case 'repeatable':
      return effect.execute(inputs, before, context);
    case 'begun':
      return effect.poll(handle, inputs, before, context);
    default:
      return effect satisfies never;
  }
}
