/** Which refusals of AWS are a matter of time, and for how long. */
import { describe, expect, it } from 'vitest';
import { AwsFailure } from '../../../src/transports/aws.ts';
import { laterOf, retryAfterMs } from '../../../src/transports/aws/later.ts';

const later = (code: string, message = ''): number | 'grows' | 'never' => {
  const found = laterOf({ code, message });
  return found === undefined ? 'never' : (found.afterMs ?? 'grows');
};

describe('a refusal that says later', () => {
  it.each([
    ['RequestLimitExceeded', 'Request limit exceeded.'],
    ['Throttling', 'Rate exceeded'],
    ['ThrottlingException', 'Rate exceeded'],
    ['ThrottledException', ''],
    ['RequestThrottledException', ''],
    ['EC2ThrottledException', ''],
    ['TooManyRequestsException', 'Rate Exceeded.'],
    ['SlowDown', 'Reduce your request rate.'],
    ['ProvisionedThroughputExceededException', ''],
    ['PriorRequestNotComplete', ''],
    ['TooManyUpdates', 'There are concurrent updates for a resource that supports one update at a time.'],
  ])('is a rate, and its pauses grow: %s', (code, message) => {
    expect(later(code, message)).toBe('grows');
  });

  it.each([
    [
      'SnapshotCreationPerVolumeRateExceeded',
      'The maximum per volume CreateSnapshot request rate has been exceeded.',
    ],
    [
      'ConcurrentSnapshotLimitExceeded',
      'Maximum allowed in-progress snapshots for a single volume exceeded.',
    ],
    ['PendingSnapshotLimitExceeded', 'You have reached the maximum number of pending snapshots.'],
    ['ConcurrentCreateImageNoRebootLimitExceeded', ''],
    ['ConcurrentTagAccess', ''],
    ['ConcurrentModificationException', ''],
    ['OperationInProgressException', 'Another Operation on the stack is in progress'],
    ['ValidationError', 'Stack [x] is in UPDATE_IN_PROGRESS state and can not be updated.'],
    [
      'ResourceConflictException',
      'The operation cannot be performed at this time. An update is in progress for resource: f',
    ],
    ['ResourceInUseException', 'Table is being created: t'],
    ['ResourceInUseException', 'The rule r1 is currently being deleted. Please retry after some time.'],
    [
      'LimitExceededException',
      'Subscriber limit exceeded: There is a limit of 500 simultaneous table operations',
    ],
    ['AutomationExecutionLimitExceededException', ''],
    [
      'LimitExceededException',
      'config StartConfigRulesEvaluation in eu-west-1 was refused: LimitExceededException: x.',
    ],
    ['ResourceLimitExceeded', 'ec2 CopySnapshot in eu-west-1 was refused: ResourceLimitExceeded: x.'],
  ])('is a limit or a change that passes, looked at every 15 s: %s %s', (code, message) => {
    expect(later(code, message)).toBe(15_000);
  });

  it.each([
    [
      'InstanceLimitExceeded',
      'You have requested more instances (2) than your current instance limit of 1 allows',
    ],
    ['VolumeLimitExceeded', 'You have exceeded your maximum gp2 storage limit of 50 TiB in this region.'],
    ['SnapshotLimitExceeded', "You've reached the limit of your snapshots in the region."],
    ['LimitExceededException', 'Limit on the number of stacks has been reached'],
    ['VolumeModificationRateExceeded', 'Wait at least 6 hours between modifications'],
    ['ResourceInUseException', 'Table already exists: t'],
    ['ResourceConflictException', 'Function already exist: f'],
    ['ResourceLimitExceeded', 'ec2 RunInstances in eu-west-1 was refused: ResourceLimitExceeded: x.'],
    ['ValidationError', 'Stack [x] is in ROLLBACK_COMPLETE state and can not be updated.'],
    ['InvalidSnapshot.InUse', 'The snapshot snap-1 is currently in use by ami-1'],
    ['LimitExceeded', 'lambda PutFunctionConcurrency in eu-west-1 was refused: LimitExceeded: no.'],
    ['InsufficientInstanceCapacity', 'We currently do not have sufficient capacity'],
    ['UnauthorizedOperation', 'You are not authorized to perform this operation.'],
  ])('is none: %s %s', (code, message) => {
    expect(later(code, message)).toBe('never');
  });

  it('waits as long as Retry-After says, whatever the code, where the status means later', () => {
    const refusal = { code: 'X', message: '', retryAfterMs: 7_000 };
    expect(laterOf({ ...refusal, httpStatus: 429 })).toEqual({ afterMs: 7_000 });
    expect(laterOf({ ...refusal, httpStatus: 503 })).toEqual({ afterMs: 7_000 });
    expect(laterOf({ ...refusal, httpStatus: 400 })).toBeUndefined();
    expect(laterOf({ ...refusal, code: 'ThrottlingException', httpStatus: 400 })).toEqual({ afterMs: 7_000 });
    expect(laterOf({ ...refusal, httpStatus: 429, retryAfterMs: 1e12 })).toEqual({ afterMs: 3_600_000 });
  });

  it('is never one whose call may have happened', () => {
    const lost = new AwsFailure({ code: 'Throttling', message: '', retryable: true, effect: 'unknown' });
    expect(lost.later).toBeUndefined();
  });
});

describe('Retry-After', () => {
  const now = Date.UTC(2026, 0, 1);
  it('is seconds or a date; anything else is not there', () => {
    expect(retryAfterMs('3', now)).toBe(3_000);
    expect(retryAfterMs(' 0 ', now)).toBe(0);
    expect(retryAfterMs('Thu, 01 Jan 2026 00:00:30 GMT', now)).toBe(30_000);
    expect(retryAfterMs('Wed, 31 Dec 2025 00:00:30 GMT', now)).toBe(0);
    for (const none of [undefined, '', 'soon', '-1', '1e9', 'Xxx, 99'])
      expect(retryAfterMs(none, now)).toBeUndefined();
  });
});
