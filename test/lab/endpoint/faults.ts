/** Faults that a test orders for coming calls: refusals, cut connections, delays, and answers from before a change. */
import type { ApiCall } from './api-call.ts';
import { ApiError } from './reply.ts';

export type FaultAction =
  /** Refused as too frequent; nothing happens. */
  | 'throttle'
  /** Refused with the service's internal error; nothing happens. */
  | 'error500'
  /** The connection is cut before anything happens. */
  | 'reset'
  /** It happens, and the connection is cut without a byte of answer; with `staleReads` the next readings do not know of it either. */
  | 'lost-reply'
  /** It happens; the next readings of that kind of resource (3, or `staleReads`) answer from before it. */
  | 'stale'
  /** It happens, but only after that time. */
  | { readonly delayMs: number }
  /** Refused as not authorised; nothing happens. */
  | { readonly deny: true }
  /** Refused with a code and words of the test's own; nothing happens. */
  | { readonly refuse: Refusal };

export interface Refusal {
  readonly code: string;
  readonly message: string;
  /** 400 when absent. */
  readonly status?: number;
  readonly retryAfterSeconds?: number;
}

export interface Fault {
  readonly match: {
    /** `CreateSnapshot`; `ssm:SendCommand` where the name alone is ambiguous; `*` for every operation. */
    readonly op: string;
    /** Only the nth matching call counted from when the fault was added, 1 being the next. */
    readonly nth?: number;
    /** Every so manieth matching call. Without `nth` and `every`, each one. */
    readonly every?: number;
    /** Only so many, from the first. */
    readonly times?: number;
    /** Counts only calls whose parameters, as JSON, contain this text. */
    readonly contains?: string;
  };
  readonly do: FaultAction;
  readonly staleReads?: number;
}

export interface Faults {
  /** Returns what takes the fault away again. */
  add(fault: Fault): () => void;
  clear(): void;
  /** How often each fault was played, in the order they were added. */
  played(): readonly { readonly fault: Fault; readonly times: number }[];
}

/** The faults' side that the router sees: counts the call and says what to play, if anything. */
export interface FaultPlayer extends Faults {
  next(call: ApiCall): Fault | undefined;
}

export function createFaults(): FaultPlayer {
  const added: { fault: Fault; seen: number; times: number }[] = [];
  return {
    add: (fault) => {
      const entry = { fault, seen: 0, times: 0 };
      added.push(entry);
      return () => {
        const index = added.indexOf(entry);
        if (index >= 0) added.splice(index, 1);
      };
    },
    clear: () => {
      added.length = 0;
    },
    played: () => added.map(({ fault, times }) => ({ fault, times })),
    next: (call) => {
      let chosen: Fault | undefined;
      for (const entry of added) {
        if (!matches(entry.fault, call)) continue;
        entry.seen += 1;
        if (chosen !== undefined || !isDue(entry.fault, entry.seen)) continue;
        entry.times += 1;
        chosen = entry.fault;
      }
      return chosen;
    },
  };
}

function matches({ match: { op, contains } }: Fault, call: ApiCall): boolean {
  if (op !== '*' && op !== call.operation && op !== `${call.service}:${call.operation}`) return false;
  return contains === undefined || JSON.stringify(call.params).includes(contains);
}

function isDue({ match: { nth, every, times } }: Fault, seen: number): boolean {
  if (times !== undefined && seen > times) return false;
  if (nth !== undefined) return seen === nth;
  return every === undefined || seen % every === 0;
}

/** For the journal: `throttle`, `delayMs` … */
export function faultName({ do: action }: Fault): string {
  return typeof action === 'string' ? action : (Object.keys(action)[0] ?? '');
}

/** The refusal that the fault asks for; undefined when the call is to happen. */
export function refusal(action: FaultAction, call: ApiCall): ApiError | undefined {
  const isEc2 = call.service === 'ec2';
  if (action === 'throttle') {
    if (isEc2) return new ApiError('RequestLimitExceeded', 'Request limit exceeded.', 503);
    const code = call.protocol === 'json' || call.protocol === 'cbor' ? 'ThrottlingException' : 'Throttling';
    return new ApiError(code, 'Rate exceeded', 400);
  }
  if (action === 'error500')
    return isEc2
      ? new ApiError('InternalError', 'An internal error has occurred', 500)
      : new ApiError('InternalServerError', 'Internal server error', 500);
  if (typeof action === 'object' && 'refuse' in action) {
    const { code, message, status = 400, retryAfterSeconds } = action.refuse;
    return new ApiError(code, message, status, retryAfterSeconds);
  }
  if (typeof action === 'object' && 'deny' in action) {
    const message = `User: arn:aws:iam::123456789012:user/lab is not authorized to perform: ${call.service}:${call.operation}`;
    return isEc2
      ? new ApiError(
          'UnauthorizedOperation',
          `You are not authorized to perform this operation. ${message}`,
          403,
        )
      : new ApiError('AccessDeniedException', message, 400);
  }
  return undefined;
}
