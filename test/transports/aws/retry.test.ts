import { describe, expect, it } from 'vitest';
import { AwsFailure } from '../../../src/transports/aws.ts';
import { backoffMs, type RetryPolicy, sendWithRetries } from '../../../src/transports/aws/retry.ts';

const failure = (code: string, effect: 'none' | 'unknown', retryable = true): AwsFailure =>
  new AwsFailure({ code, message: `${code} came back.`, retryable, effect });

/** Fails with each in turn, then succeeds. */
function script(...failures: AwsFailure[]): { attempt: () => Promise<string>; sent: () => number } {
  let sent = 0;
  const attempt = async (): Promise<string> => {
    const next = failures[sent];
    sent += 1;
    if (next !== undefined) throw next;
    return 'done';
  };
  return { attempt, sent: () => sent };
}

const policy = (more: Partial<RetryPolicy> = {}): RetryPolicy => ({
  attempts: 4,
  repeatable: false,
  signal: undefined,
  sleep: async () => undefined,
  random: () => 1,
  ...more,
});

describe('sendWithRetries', () => {
  it('pauses longer after each failure, and longer from the start when throttled', async () => {
    const pauses: number[] = [];
    const sleep = async (delayMs: number): Promise<void> => void pauses.push(delayMs);
    await sendWithRetries(
      script(failure('UNREACHABLE', 'none'), failure('UNREACHABLE', 'none')).attempt,
      policy({ sleep }),
    );
    await sendWithRetries(
      script(failure('Throttling', 'none'), failure('Throttling', 'none')).attempt,
      policy({ sleep }),
    );
    expect(pauses).toEqual([200, 400, 1_000, 2_000]);
  });

  it('pauses a random part of that, and never more than eight seconds', () => {
    expect(backoffMs(1, failure('UNREACHABLE', 'none'), 0.5)).toBe(100);
    expect(backoffMs(30, failure('UNREACHABLE', 'none'), 1)).toBe(8_000);
    expect(backoffMs(30, failure('SlowDown', 'none'), 0)).toBe(0);
  });

  it('stops at the first failure that is not retryable', async () => {
    const { attempt, sent } = script(failure('UNREACHABLE', 'none'), failure('AccessDenied', 'none', false));
    await expect(sendWithRetries(attempt, policy())).rejects.toMatchObject({
      code: 'AccessDenied',
      effect: 'none',
    });
    expect(sent()).toBe(2);
  });

  it('stops at the first doubt, unless a second arrival changes nothing', async () => {
    const once = script(failure('NO_REPLY', 'unknown'));
    await expect(sendWithRetries(once.attempt, policy())).rejects.toMatchObject({ effect: 'unknown' });
    expect(once.sent()).toBe(1);
    expect(
      await sendWithRetries(script(failure('NO_REPLY', 'unknown')).attempt, policy({ repeatable: true })),
    ).toBe('done');
  });

  it('keeps the doubt about an earlier attempt through later refusals', async () => {
    const { attempt } = script(
      failure('NO_REPLY', 'unknown'),
      failure('UNREACHABLE', 'none'),
      failure('Gone', 'none', false),
    );
    await expect(sendWithRetries(attempt, policy({ repeatable: true }))).rejects.toMatchObject({
      code: 'Gone',
      effect: 'unknown',
      retryable: false,
      message: 'Gone came back. Sent 3 times. The reply to an earlier attempt was lost.',
    });
  });

  it('does not swallow what is no failure of a call', async () => {
    const attempt = async (): Promise<never> => {
      throw new TypeError('a bug');
    };
    await expect(sendWithRetries(attempt, policy())).rejects.toThrow(TypeError);
  });
});
