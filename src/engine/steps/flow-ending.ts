/** How the steps end that the engine runs itself: branch, sleep, pause, approve. */
import type { Reference } from '../../document/index.ts';
import type { JsonObject } from '../../json.ts';
import type { Failure } from '../failure.ts';

export type FlowEnding =
  | {
      readonly status: 'Success';
      readonly outputs: JsonObject;
      readonly note: string;
      /** A branch's target. */
      readonly jump: string | null;
      /** References that a taken choice rested on. */
      readonly decidedBy: readonly Reference[];
    }
  | { readonly status: 'Failed' | 'TimedOut'; readonly failure: Failure; readonly outputs: JsonObject }
  | { readonly status: 'Cancelled' };

export function flowDone(outputs: JsonObject, note = ''): FlowEnding {
  return { status: 'Success', outputs, note, jump: null, decidedBy: [] };
}

export function flowFailed(code: string, message: string, outputs: JsonObject = {}): FlowEnding {
  return { status: 'Failed', failure: { code, message, retryable: false }, outputs };
}

export function flowTimedOut(message: string, outputs: JsonObject = {}): FlowEnding {
  return { status: 'TimedOut', failure: { code: 'TIMED_OUT', message, retryable: false }, outputs };
}
