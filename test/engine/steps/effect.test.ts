import { expect, test } from 'vitest';
import { runEffect, type EffectCall } from '../../../src/engine/steps/effect.ts';
import type { ActivityCall, AnswerOf, OutcomeResult } from '../../../src/engine/index.ts';
import { failedWith, gave, stepBed } from '../../support/step-bed.ts';

/** A clock that only sleeps move; what is not answered here went well. */
function bedWith(answer: (call: ActivityCall) => OutcomeResult | undefined, more: Partial<EffectCall> = {}) {
  let now = 0;
  const bed = stepBed({
    now: () => now,
    pause: (ms) => {
      now += ms;
      return Promise.resolve();
    },
    answer: (call) => answer(call) ?? usual(call),
  });
  const call: EffectCall = {
    id: 'A#1',
    step: 'A',
    work: { action: 'toy:put', inputs: { Key: 'k' }, before: null },
    isBegun: true,
    mayBeUnderWay: false,
    token: 'the token',
    timeoutMs: 90_000,
    ...more,
  };
  return {
    ...bed,
    ids: () => bed.calls.map(({ id }) => id),
    slept: () => now,
    run: () => runEffect(bed.frame, call),
  };
}

function usual({ kind }: ActivityCall): OutcomeResult {
  if (kind === 'begin') return { status: 'ok', value: 'handle' };
  if (kind === 'stop') return { status: 'ok', value: 'stopped' };
  return gave({ Value: 1 });
}

/** The reply to every beginning is lost, and the world says that of it. */
const lost =
  (found: AnswerOf['adopt']) =>
  ({ kind }: ActivityCall): OutcomeResult | undefined => {
    if (kind === 'begin') return failedWith('NO_REPLY', 'unknown');
    return kind === 'adopt' ? { status: 'ok', value: found } : undefined;
  };

test('it is begun once and waited for, all under its token', async () => {
  const { run, calls, ids } = bedWith(() => undefined);
  expect(await run()).toMatchObject({
    status: 'Success',
    handle: 'handle',
    result: { outputs: { Value: 1 } },
  });
  expect(ids()).toEqual(['A#1:begin1', 'A#1:wait']);
  expect(new Set(calls.map(({ token }) => token))).toEqual(new Set(['the token']));
  expect(calls.map(({ onLost }) => onLost)).toEqual(['report', 'rerun']);
});

test('what is harmless to do again is only waited for', async () => {
  const { run, ids } = bedWith(() => undefined, { isBegun: false });
  expect(await run()).toMatchObject({ status: 'Success', handle: null });
  expect(ids()).toEqual(['A#1:wait']);
});

test('a beginning that is known to have changed nothing is not a try to look for', async () => {
  const { run, ids } = bedWith(({ kind }) => (kind === 'begin' ? failedWith('DENIED') : undefined));
  expect(await run()).toMatchObject({ status: 'Failed', effect: 'none', failure: { code: 'DENIED' } });
  expect(ids()).toEqual(['A#1:begin1']);
});

test('one whose reply was lost is found again, and not begun a second time', async () => {
  const { run, ids, events } = bedWith(lost({ found: 'running', handle: 'found' }));
  expect(await run()).toMatchObject({ status: 'Success', handle: 'found' });
  expect(ids()).toEqual(['A#1:begin1', 'A#1:adopt1.1', 'A#1:wait']);
  expect(events()).toMatchObject([{ type: 'EffectAdopted', step: 'A', found: 'running' }]);
});

test('one that has come to its end meanwhile is not waited for', async () => {
  const { value: result } = gave({ Value: 2 }) as { readonly value: AnswerOf['wait'] };
  const done = bedWith(lost({ found: 'done', result }));
  expect(await done.run()).toMatchObject({ status: 'Success', result: { outputs: { Value: 2 } } });
  expect(done.ids()).toEqual(['A#1:begin1', 'A#1:adopt1.1']);
  const failure = { code: 'BROKEN', message: 'it broke', retryable: false };
  const broken = bedWith(lost({ found: 'failed', failure, result: null }));
  expect(await broken.run()).toMatchObject({ status: 'Failed', effect: 'known', failure });
});

test('one that the world knows nothing of is begun again, at most three times', async () => {
  const { run, ids } = bedWith(lost({ found: 'absent' }));
  expect(await run()).toMatchObject({ status: 'Failed', effect: 'none', failure: { code: 'NO_REPLY' } });
  expect(ids()).toEqual([
    'A#1:begin1',
    'A#1:adopt1.1',
    'A#1:begin2',
    'A#1:adopt2.1',
    'A#1:begin3',
    'A#1:adopt3.1',
  ]);
});

test('where an earlier try may be under way it is looked for before anything is begun', async () => {
  const { run, ids } = bedWith(
    ({ kind }) =>
      kind === 'adopt' ? { status: 'ok', value: { found: 'running', handle: 'old' } } : undefined,
    { mayBeUnderWay: true },
  );
  expect(await run()).toMatchObject({ status: 'Success', handle: 'old' });
  expect(ids()).toEqual(['A#1:adopt0.1', 'A#1:wait']);
});

test('a world that does not answer is asked three times, and then nobody knows', async () => {
  const { run, ids, slept } = bedWith(({ kind }) => {
    if (kind === 'begin') return failedWith('NO_REPLY', 'unknown');
    return kind === 'adopt' ? failedWith('UNREACHABLE') : undefined;
  });
  expect(await run()).toMatchObject({
    status: 'Failed',
    effect: 'unknown',
    failure: { code: 'UNREACHABLE' },
  });
  expect(ids()).toEqual(['A#1:begin1', 'A#1:adopt1.1', 'A#1:adopt1.2', 'A#1:adopt1.3']);
  expect(slept()).toBeGreaterThan(0);
});

test.each([
  ['happened', { status: 'Success', result: { note: 'a person confirmed that it happened' } }],
  ['didNotHappen', { status: 'Failed', effect: 'none', failure: { code: 'OUTCOME_UNKNOWN' } }],
])('what only a person can find out is asked of one: %s', async (answer, expected) => {
  const { run, runtime, events } = bedWith(lost({ found: 'unknown', why: 'the shell ran, or did not' }));
  runtime.store.signal('continue:A', answer, 'one', 0);
  expect(await run()).toMatchObject(expected);
  expect(events()).toMatchObject([
    {
      type: 'StepWaiting',
      step: 'A',
      waiting: { kind: 'unknownOutcome', message: 'the shell ran, or did not' },
    },
  ]);
});

test('one that does not end in its time is stopped, and what was seen last is told', async () => {
  const late = (stop: OutcomeResult) =>
    bedWith(({ kind }) => {
      if (kind === 'wait') return { status: 'timeout', seen: 'volume is optimizing' };
      return kind === 'stop' ? stop : undefined;
    });
  expect(await late({ status: 'ok', value: 'stopped' }).run()).toMatchObject({
    status: 'TimedOut',
    stopped: true,
    failure: {
      code: 'TIMED_OUT',
      message: expect.stringMatching(/^A did not end within 90 s and was stopped.*optimizing/),
    },
  });
  expect(await late(failedWith('UNREACHABLE')).run()).toMatchObject({
    stopped: false,
    failure: {
      message: expect.stringMatching(
        /^A did not end within 90 s and could not be stopped for certain: UNREACHABLE came back/,
      ),
    },
  });
});

test('a cancel stops what was begun, and before that begins nothing', async () => {
  const during = bedWith(({ kind }) => (kind === 'wait' ? { status: 'cancelled' } : undefined));
  expect(await during.run()).toEqual({ status: 'Cancelled', handle: 'handle', effect: 'unknown' });
  expect(during.calls.at(-1)).toMatchObject({ id: 'A#1:stop', ignoreCancel: true });
  const before = bedWith(() => undefined);
  before.runtime.store.isCancelled = true;
  expect(await before.run()).toEqual({ status: 'Cancelled', handle: null, effect: 'none' });
  expect(before.ids()).toEqual([]);
});
