/** What a journal has of an activity is taken for what it says only where such a call can have come to it. */
import { expect, test } from 'vitest';
import type { ActivityKind } from '../../src/engine/index.ts';
import type { Json } from '../../src/json.ts';
import { readInstant, readOutcome, readSignal, readSlept } from '../../src/runtime/recorded-outcomes.ts';
import { runToy, runbook, step, executionId, temporaryJournal } from '../support/run-toy.ts';

const times = { startedAt: 1, endedAt: 2 };
const result = {
  outputs: { Value: 'x' },
  changes: [{ target: 'db1', subject: 'a', from: null, to: 'b' }],
  restorePoints: [{ id: 'snap-1', of: 'vol-1' }],
  targets: ['db1'],
  note: '',
};
const failure = { code: 'E', message: 'm', retryable: false };
const answers: readonly (readonly [ActivityKind, Json])[] = [
  ['identity', { account: '1', arn: 'a', region: 'r', partition: 'aws' }],
  ['prepare', { observed: null, captures: { at: 'x' } }],
  ['observe', [1, 'x']],
  ['begin', { id: 1 }],
  ['adopt', { found: 'absent' }],
  ['adopt', { found: 'running', handle: null }],
  ['adopt', { found: 'done', result }],
  ['adopt', { found: 'failed', failure, result: null }],
  ['adopt', { found: 'unknown', why: 'w' }],
  ['wait', result],
  ['stop', 'stopped'],
  ['notify', result],
  ['lock', { kind: 'taken', unheard: [] }],
  ['lock', { kind: 'held', lock: 'l', holder: 'h', since: 1, message: 'm' }],
  ['unlock', { kept: [{ lock: 'l', why: 'w' }] }],
];

test.each(answers)('%s answers %j', (kind, value) => {
  const outcome = { ...times, status: 'ok', value };
  expect(readOutcome(kind, outcome)).toEqual(outcome);
});

test.each(['wait', 'begin', 'lock'] as const)(
  '%s may have failed, timed out, been cancelled or lost',
  (kind) => {
    for (const ending of [
      { status: 'failed', ...failure, effect: 'unknown' },
      { status: 'failed', ...failure, effect: 'known', value: result },
      { status: 'timeout', absentMs: 5 },
      { status: 'cancelled' },
      { status: 'lost' },
    ])
      expect(readOutcome(kind, { ...times, ...ending })).toEqual({ ...times, ...ending });
  },
);

test.each([
  ['wait', { ...times, status: 'ok', value: null }],
  ['wait', { ...times, status: 'ok', value: { ...result, changes: [{ target: 'db1' }] } }],
  ['adopt', { ...times, status: 'ok', value: { found: 'perhaps' } }],
  ['lock', { ...times, status: 'ok', value: { kind: 'taken' } }],
  ['begin', { ...times, status: 'done', value: null }],
  ['begin', { ...times, status: 'failed', effect: 'none' }],
  ['begin', { status: 'ok', value: null }],
] as const)('%s cannot have come to %j', (kind, outcome) => {
  expect(readOutcome(kind, outcome)).toBeUndefined();
});

test('the runtime’s own calls are read the same way', () => {
  const ok = (value: Json) => ({ ...times, status: 'ok', value });
  expect([readSlept(ok('elapsed')), readInstant(ok(5))]).toEqual(['elapsed', 5]);
  expect(readSignal(ok({ status: 'signal', value: 'yes', at: 5 }))).toMatchObject({ value: 'yes' });
  expect([readSlept(ok('soon')), readInstant(ok('5')), readSignal(ok({ status: 'signal' }))]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('a journal that says what cannot be ends the run before anything is begun', async () => {
  using store = temporaryJournal();
  const put = step({ name: 'A', action: 'toy:put', inputs: { Key: 'A', Value: 'new' } });
  const during = (): Promise<void> =>
    store.journal.end(executionId, 'A:prepare', { ...times, status: 'ok', value: 7 }, []);
  await expect(runToy(runbook([put]), store, { during })).rejects.toMatchObject({
    code: 'JOURNAL_CORRUPT',
    message: expect.stringContaining('an outcome of A:prepare of execution') as string,
  });
});
