/** What AWS refuses for now is asked again within the time of the activity, and a cancel ends that at once. */
import { describe, expect, it } from 'vitest';
import { pauseMs, untilTaken, type Patience } from '../../../src/runtime/activities/later.ts';
import { AwsFailure } from '../../../src/transports/aws.ts';

const refused = (code: string, retryAfterMs?: number): AwsFailure =>
  new AwsFailure({
    code,
    message: `ec2 X was refused: ${code}.`,
    retryable: false,
    effect: 'none',
    retryAfterMs,
  });
const soon = (): AwsFailure => refused('Throttling', 5);

function patience(more: Partial<Patience> = {}): Patience & { readonly notices: string[] } {
  const notices: string[] = [];
  const cancel = more.cancel ?? new AbortController().signal;
  const context = {
    now: () => Date.now(),
    notice: (text: string) => void notices.push(text),
    signal: cancel,
  };
  return { context, cancel, deadlineAt: Date.now() + 5_000, ...more, notices };
}

describe('what AWS refuses for now', () => {
  it('is asked again until AWS takes it, and the wait is told in the words of AWS', async () => {
    let asked = 0;
    const waiting = patience();
    const act = async (): Promise<string> => {
      asked += 1;
      if (asked < 7) throw soon();
      return 'taken';
    };
    expect(await untilTaken(act, waiting)).toBe('taken');
    expect([asked, waiting.notices.length]).toEqual([7, 6]);
    expect(waiting.notices[0]).toMatch(/later, trying again in 1 s: ec2 X was refused: Throttling/);
  });

  it('fails with what AWS said last when the time would be over before the next try', async () => {
    let asked = 0;
    const act = async (): Promise<never> => {
      asked += 1;
      throw asked === 1 ? soon() : refused('PendingSnapshotLimitExceeded');
    };
    await expect(untilTaken(act, patience())).rejects.toMatchObject({ code: 'PendingSnapshotLimitExceeded' });
    expect(asked).toBe(2);
  });

  it('is left at once by a cancel', async () => {
    const controller = new AbortController();
    const since = Date.now();
    setTimeout(() => controller.abort(), 20);
    const act = (): Promise<never> => Promise.reject(refused('Throttling', 60_000));
    const waiting = patience({ cancel: controller.signal, deadlineAt: since + 3_600_000 });
    expect(await untilTaken(act, waiting)).toBe('cancelled');
    expect(Date.now() - since).toBeLessThan(5_000);
  });

  it('is nothing else: every other failure comes out at once', async () => {
    await expect(
      untilTaken(() => Promise.reject(refused('UnauthorizedOperation')), patience()),
    ).rejects.toThrow('UnauthorizedOperation');
    await expect(untilTaken(() => Promise.reject(new Error('a bug')), patience())).rejects.toThrow('a bug');
  });

  it('is asked with growing pauses up to 20 s where AWS names no time, else as AWS says', () => {
    expect([1, 2, 3, 5, 6, 60].map((refusals) => pauseMs(refused('Throttling'), refusals, 0))).toEqual([
      1_000, 2_000, 4_000, 16_000, 20_000, 20_000,
    ]);
    expect(pauseMs(refused('SnapshotCreationPerVolumeRateExceeded'), 9, 0)).toBe(15_000);
    expect(pauseMs(refused('Throttling', 3_000), 9, 0)).toBe(3_000);
    expect(pauseMs(refused('Throttling'), 1, 1)).toBe(1_200);
    expect(pauseMs(refused('AccessDenied'), 1)).toBeUndefined();
  });
});
