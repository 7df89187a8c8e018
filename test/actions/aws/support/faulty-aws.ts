/** Wraps an Aws: records what is called, and lets chosen calls go wrong the way that networks and AWS let them. */
import type { JsonObject } from '../../../../src/json.ts';
import { AwsFailure, type Aws, type AwsCall } from '../../../../src/transports/aws.ts';

export type Fault = {
  /** `ec2:CreateSnapshot` */
  readonly on: string;
  /** How many calls it hits; default 1. */
  readonly times?: number;
} & (
  | /** It is done, and nobody hears of it. */ { readonly do: 'lostReply' }
  | /** Answered from before the change. */ { readonly do: 'stale'; readonly reply: JsonObject }
  | {
      readonly do: 'refuse';
      readonly code: string;
      readonly message?: string;
      readonly retryable?: boolean;
      readonly httpStatus?: number;
    }
);

export interface RecordedCall {
  readonly name: string;
  readonly call: AwsCall;
}

export function faultyAws(inner: Aws, faults: readonly Fault[] = []): { aws: Aws; calls: RecordedCall[] } {
  const calls: RecordedCall[] = [];
  const left = new Map(faults.map((fault) => [fault, fault.times ?? 1]));
  const aws: Aws = {
    call: async (call, options) => {
      const name = `${call.service}:${call.operation}`;
      calls.push({ name, call });
      const fault = faults.find((candidate) => candidate.on === name && (left.get(candidate) ?? 0) > 0);
      if (fault === undefined) return inner.call(call, options);
      left.set(fault, (left.get(fault) ?? 0) - 1);
      switch (fault.do) {
        case 'stale':
          return fault.reply;
        case 'lostReply':
          await inner.call(call, options);
          throw new AwsFailure({
            code: 'NO_REPLY',
            message: `${name}: the connection ended before the reply`,
            retryable: true,
            effect: 'unknown',
          });
        case 'refuse':
          throw new AwsFailure({
            code: fault.code,
            message: `${name} was refused: ${fault.code}${fault.message === undefined ? '' : `: ${fault.message}`}`,
            retryable: fault.retryable ?? false,
            effect: 'none',
            httpStatus: fault.httpStatus,
          });
        default:
          return fault satisfies never;
      }
    },
    identity: (signal) => inner.identity(signal),
    assume: () => aws,
  };
  return { aws, calls };
}
