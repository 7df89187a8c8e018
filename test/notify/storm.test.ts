import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  eventNames,
  fold,
  isDue,
  pauseMs,
  singlesMax,
  stormMs,
  summaryOf,
  textCharactersMax,
  type Sent,
  type Waiting,
} from '../../src/notify/index.ts';

const now = Date.UTC(2026, 11, 6, 2);
const waiting = (count: number): Waiting[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `m${index}`,
    event: 'runFailed',
    at: now,
    subject: `run ${index} failed`,
  }));

it('a few messages are sent each for itself', () => {
  expect(fold(waiting(singlesMax), [], now)).toMatchObject({ kind: 'singles' });
});

it('a storm is one summary, and the next one waits', () => {
  const folding = fold(waiting(30), [], now);
  expect(folding).toEqual({ kind: 'summary', ids: waiting(30).map(({ id }) => id) });
  const sent: Sent[] = [{ at: now, kind: 'summary' }];
  expect(fold(waiting(11), sent, now + 1)).toEqual({ kind: 'hold', until: now + stormMs });
  expect(fold(waiting(11), sent, now + stormMs)).toMatchObject({ kind: 'summary' });
});

it('a summary names the most urgent first and stays within its bound', () => {
  const messages: Waiting[] = [
    ...waiting(40),
    { id: 'x', event: 'rolledBackFailed', at: now, subject: 'patch failed, rollback FAILED' },
  ];
  const { subject, text } = summaryOf(messages);
  expect(subject).toBe('Belay: 41 messages at once: 1 rolledBackFailed, 40 runFailed');
  expect(text.split('\n')[1]).toBe('  2026-12-06T02:00:00Z  patch failed, rollback FAILED');
  expect(text).toContain('21 more');
});

/** What a channel is sent when messages come at these times and every minute somebody looks. */
function simulate(arrivals: readonly number[]): { readonly sent: Sent[]; readonly told: string[] } {
  const sent: Sent[] = [];
  const told: string[] = [];
  let open: Waiting[] = [];
  const last = Math.max(0, ...arrivals) + 3 * stormMs;
  for (let at = 0; at <= last; at += 60_000) {
    arrivals.forEach((arrival, index) => {
      if (arrival > at - 60_000 && arrival <= at)
        open.push({ id: `m${index}`, event: 'runFailed', at: arrival, subject: 's' });
    });
    if (open.length === 0) continue;
    const folding = fold(open, sent, at);
    if (folding.kind === 'hold') continue;
    told.push(...folding.ids);
    if (folding.kind === 'summary') sent.push({ at, kind: 'summary' });
    else for (const _ of folding.ids) sent.push({ at, kind: 'single' });
    open = open.filter(({ id }) => !folding.ids.includes(id));
  }
  return { sent, told };
}

it('whatever comes, each message is told exactly once, within the bound of any ten minutes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 4 * stormMs }), { maxLength: 120 }), (arrivals) => {
      const { sent, told } = simulate(arrivals);
      expect(told.toSorted()).toEqual(arrivals.map((_, index) => `m${index}`).toSorted());
      for (const { at } of sent) {
        const within = sent.filter((each) => each.at >= at && each.at < at + stormMs);
        expect(within.filter(({ kind }) => kind === 'single').length).toBeLessThanOrEqual(singlesMax);
        expect(within.filter(({ kind }) => kind === 'summary').length).toBeLessThanOrEqual(1);
      }
    }),
  );
});

it('a summary of anything is a bounded text', () => {
  const message = fc.record({
    id: fc.string(),
    event: fc.constantFrom(...eventNames),
    at: fc.integer({ min: 0, max: now }),
    subject: fc.string({ unit: 'binary', maxLength: 300 }),
  });
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 50 }), (messages) => {
      const { subject, text } = summaryOf(messages);
      expect(text.length).toBeLessThanOrEqual(textCharactersMax);
      expect(subject.length).toBeLessThanOrEqual(140);
      expect(subject).not.toContain('\n');
    }),
  );
});

it('pauses double from ten seconds to an hour, and what a receiver asks for counts up to that', () => {
  expect([1, 2, 3, 9, 10, 400].map((attempts) => pauseMs(attempts) / 1000)).toEqual([
    10, 20, 40, 2560, 3600, 3600,
  ]);
  expect(pauseMs(1, 120_000)).toBe(120_000);
  expect(pauseMs(1, 86_400_000)).toBe(3_600_000);
});

it('a clock that was set back silences no channel', () => {
  expect(isDue(now + 3_600_001, now)).toBe(true);
  expect(isDue(now + 3_000_000, now)).toBe(false);
});
