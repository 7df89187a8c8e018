/** How a step ended, whatever ran it: the one shape that decorators, flow steps and lists of steps hand on. */
import type { Reference } from '../document/index.ts';
import type { JsonObject } from '../json.ts';
import type { Failure } from './failure.ts';
import type { ExecutionEnding } from './statuses.ts';
import type { EffectResult } from './types.ts';

export type Ending =
  | {
      readonly status: 'Success';
      readonly attempts: number;
      readonly result: EffectResult;
      /** A branch's target. */
      readonly jump: string | null;
      /** References that a taken choice rested on. */
      readonly decidedBy: readonly Reference[];
      /** What one of its nested steps has decided for the execution, although it was handled. */
      readonly decided?: Decided;
    }
  | {
      /** A nested step led out of it, to the step `jump` of a list around it. */
      readonly status: 'Exited';
      readonly attempts: number;
      readonly result: EffectResult;
      readonly jump: string;
      readonly decided?: Decided;
    }
  | {
      readonly status: 'Failed' | 'TimedOut';
      readonly attempts: number;
      readonly result: EffectResult;
      readonly failure: Failure;
    }
  | { readonly status: 'Cancelled'; readonly attempts: number; readonly result: EffectResult };

/** An ending other than Success, and the step that brought it about. */
export interface Decided {
  readonly status: Exclude<ExecutionEnding, 'Success'>;
  readonly failedStep: string | null;
}

export const nothing: EffectResult = { outputs: {}, changes: [], restorePoints: [], targets: [], note: '' };

/** Without a try: something that it needs was not there. */
export function notTried(failure: Failure, status: 'Failed' | 'TimedOut' = 'Failed'): Ending {
  return { status, attempts: 0, result: nothing, failure };
}

export function cancelled(attempts: number, result: EffectResult = nothing): Ending {
  return { status: 'Cancelled', attempts, result };
}

/** Of a step that the engine runs itself, as the next two. Such a step has one try. */
export function flowDone(
  outputs: JsonObject,
  note = '',
  decision: { readonly jump: string | null; readonly decidedBy: readonly Reference[] } = {
    jump: null,
    decidedBy: [],
  },
): Ending {
  return { status: 'Success', attempts: 1, result: { ...nothing, outputs, note }, ...decision };
}

export function flowFailed(
  code: string,
  message: string,
  outputs: JsonObject = {},
  status: 'Failed' | 'TimedOut' = 'Failed',
): Ending {
  const failure = { code, message, retryable: false };
  return { status, attempts: 1, result: { ...nothing, outputs }, failure };
}

export function flowTimedOut(message: string, outputs: JsonObject = {}): Ending {
  return flowFailed('TIMED_OUT', message, outputs, 'TimedOut');
}

export function failureIn(ending: Ending): Failure | null {
  return 'failure' in ending ? ending.failure : null;
}
