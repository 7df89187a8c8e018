/** The published table: design section 6. */
import { expect, test } from 'vitest';
import {
  endedOf,
  exitCodeMeanings,
  exitCodeOf,
  exitCodes,
  refusalExitCode,
  rollbackExitCodeOf,
  type Ended,
} from '../../src/cli/exit-codes.ts';
import { failedPatch, viewAfter } from './story.ts';

type Row = readonly [
  status: Ended['status'],
  rollbackStatus: Ended['rollbackStatus'],
  failureCode: string | null,
  changedAnything: boolean,
  code: number,
];

const rows: readonly Row[] = [
  ['Success', 'notRequested', null, true, 0],
  ['Success', 'clean', null, true, 0],
  ['Success', 'partial', null, true, 4],
  ['Failed', 'notRequested', 'BAD', true, 1],
  ['Cancelled', 'notRequested', null, true, 1],
  ['TimedOut', 'notRequested', 'TIMED_OUT', true, 7],
  ['Failed', 'clean', 'BAD', true, 3],
  ['Cancelled', 'clean', null, true, 3],
  ['TimedOut', 'clean', 'TIMED_OUT', true, 3],
  ['Failed', 'partial', 'BAD', true, 4],
  ['Failed', 'failed', 'BAD', true, 4],
  ['Cancelled', 'failed', null, true, 4],
  ['Failed', 'notRequested', 'REJECTED', false, 5],
  ['Failed', 'notRequested', 'REJECTED', true, 5],
  ['Failed', 'clean', 'REJECTED', true, 3],
  ['Failed', 'notRequested', 'NON_COMPLIANT', false, 8],
  ['Failed', 'notRequested', 'NON_COMPLIANT', true, 1],
  ['Failed', 'partial', 'NON_COMPLIANT', true, 4],
  ['Failed', 'notRequested', 'UNDETERMINED', false, 9],
  ['Failed', 'notRequested', 'UNDETERMINED', true, 1],
];

test.each(rows)('%s, rollback %s, failure %s, changed %s → %d', (...row) => {
  const [status, rollbackStatus, failureCode, changedAnything, code] = row;
  expect(exitCodeOf({ status, rollbackStatus, failureCode, changedAnything })).toBe(code);
});

test('the deciding failure is the one of the step that decided the status', () => {
  expect(endedOf(viewAfter(failedPatch))).toEqual({
    status: 'Failed',
    rollbackStatus: 'notRequested',
    failureCode: 'VERSION_MISMATCH',
    changedAnything: true,
  });
});

test.each([
  ['clean', [], 0],
  ['notRequested', [], 0],
  ['partial', [], 4],
  ['failed', [], 4],
  ['clean', [{ step: 'Patch' }], 5],
] as const)('belay rollback that ends %s with drift %j → %d', (rollbackStatus, drift, code) => {
  expect(rollbackExitCodeOf({ rollbackStatus, drift, refused: null, repeated: null })).toBe(code);
});

test.each(['LOCKED', 'LOCK_UNPROVEN'])('%s is a refusal, unless something was changed', (failureCode) => {
  const end = { status: 'Failed' as const, rollbackStatus: 'notRequested' as const, failureCode };
  expect(exitCodeOf({ ...end, changedAnything: false })).toBe(5);
  expect(exitCodeOf({ ...end, changedAnything: true })).toBe(1);
  const refused = { code: failureCode, message: 'host:db1 is held', retryable: false };
  expect(rollbackExitCodeOf({ rollbackStatus: 'notRequested', drift: [], repeated: null, refused })).toBe(5);
});

test.each([
  ['usage', 2],
  ['refused', 5],
  ['waiting', 6],
] as const)('a refusal of kind %s → %d', (kind, code) => {
  expect(refusalExitCode(kind)).toBe(code);
});

test('every code has its meaning in the help, and no meaning is without a code', () => {
  const codes = Object.values(exitCodes).map(String);
  expect(exitCodeMeanings.map(({ code }) => code)).toEqual(codes);
});
