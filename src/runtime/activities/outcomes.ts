/** What actions and transports throw, as outcomes. */
import { ActionFailure } from '../../actions/define-action.ts';
import type { OutcomeResult } from '../../engine/index.ts';
import { AwsFailure } from '../../transports/aws.ts';
import { HostFailure } from '../../transports/host.ts';
import { HttpFailure } from '../../transports/http/failure.ts';
import { S3Failure } from '../../transports/s3/failure.ts';

export type FailedOutcome = Extract<OutcomeResult<never>, { readonly status: 'failed' }>;

/** An expected failure as an outcome; undefined: not expected, a bug. */
export function failedOutcome(error: unknown): FailedOutcome | undefined {
  if (!(error instanceof ActionFailure || isOfTransport(error))) return undefined;
  const { code, message, retryable, effect } = error;
  return { status: 'failed', code, message, retryable, effect };
}

/** Troubles of the way to the world, which may pass while the effect goes on. */
export function isTransient(error: unknown): boolean {
  return isOfTransport(error) && error.retryable;
}

function isOfTransport(error: unknown): error is AwsFailure | HostFailure | HttpFailure | S3Failure {
  return [AwsFailure, HostFailure, HttpFailure, S3Failure].some((kind) => error instanceof kind);
}

/** A failed outcome; rethrows what is not expected. */
export function asOutcome(error: unknown): FailedOutcome {
  const outcome = failedOutcome(error);
  if (outcome === undefined) throw error;
  return outcome;
}
