/** Finds out what became of an effect whose beginning was never answered. */
import type { ActionContext, AnyAction } from '../../actions/define-action.ts';
import type { AdoptAnswer, OutcomeResult, Work } from '../../engine/index.ts';
import type { JsonObject } from '../../json.ts';
import type { BoundEffect } from './bound-effect.ts';
import type { FailedOutcome } from './outcomes.ts';
import { pause as realPause, type Pause } from './pause.ts';
import { doneResult, failedResult } from './results.ts';

/** Pause between two looks while "absent" is not believed yet, in ms. */
const lookAgainMs = 500;

export interface Adopting {
  readonly action: AnyAction;
  readonly inputs: JsonObject;
  readonly bound: BoundEffect;
  readonly work: Work;
  readonly step: string;
  readonly context: ActionContext;
  /** Left out: time passes by itself. */
  readonly pause?: Pause;
}

export async function adopt(adopting: Adopting): Promise<OutcomeResult<'adopt'>> {
  const { action, inputs, bound, work, step, context, pause = realPause } = adopting;
  const { effect } = bound;
  if (effect.kind !== 'begun') return answered({ found: 'running', handle: null });
  const until = context.now() + effect.settleMs;
  for (;;) {
    const found = await effect.adopt(bound.inputs, bound.before, context);
    switch (found.kind) {
      case 'absent': {
        const left = until - context.now();
        if (left <= 0) return answered({ found: 'absent' });
        context.notice('nothing found yet; looking again before it is begun anew');
        await pause(Math.min(left, lookAgainMs), context.signal);
        continue;
      }
      case 'running':
        return answered({ found: 'running', handle: found.handle });
      case 'done': {
        const result = doneResult(found, { action, inputs, work, step });
        return 'status' in result ? failedAnswer(result) : answered({ found: 'done', result });
      }
      case 'failed':
        return failedAnswer(failedResult(found, action, inputs));
      case 'unknown':
        return answered({ found: 'unknown', why: found.why });
      default:
        return found satisfies never;
    }
  }
}

function answered(answer: AdoptAnswer): OutcomeResult<'adopt'> {
  return { status: 'ok', value: answer };
}

function failedAnswer({ code, message, retryable, value }: FailedOutcome): OutcomeResult<'adopt'> {
  return answered({ found: 'failed', failure: { code, message, retryable }, result: value ?? null });
}
