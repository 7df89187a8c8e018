import { expect, test, vi } from 'vitest';
import { failureIn, fitParameters, runChild, type Local } from '../../../src/engine/steps/child-call.ts';
import type { ExecutionResult, ExecutionInput } from '../../../src/engine/index.ts';
import { childBed, foundRunbook, type ChildBedOptions } from '../../support/child-bed.ts';
import { failedWith } from '../../support/step-bed.ts';

function local(): Local {
  const found = foundRunbook();
  if (found.kind !== 'runbook') throw new Error('it is a runbook');
  return found;
}

function bedWith(options: ChildBedOptions = {}) {
  const bed = childBed(options);
  const { frame, record } = bed;
  const calling = { frame, record, call: 'A#1:child', target: null, timeoutSeconds: null };
  return { ...bed, calling };
}

test('parameters are fitted by the host, to the runbook that was found', async () => {
  const { calling, calls } = bedWith({
    answer: ({ kind }) =>
      kind === 'fitParameters' ? { status: 'ok', value: { Name: 'fitted' } } : undefined,
  });
  const found = local();
  expect(await fitParameters(calling, found, { Name: 7 })).toEqual({ value: { Name: 'fitted' } });
  expect(calls).toMatchObject([
    {
      id: 'A#1:child:parameters',
      kind: 'fitParameters',
      onLost: 'rerun',
      input: { runbook: 'child', document: found.program.document, given: { Name: 7 }, call: 'A#1:child' },
    },
  ]);
});

test.each([[null], ['x'], [['x']]])(
  '%j is not a map of parameters, and the host is not asked',
  async (given) => {
    const { calling, calls } = bedWith();
    expect(await fitParameters(calling, local(), given)).toMatchObject({
      status: 'Failed',
      failure: {
        code: 'INVALID_INPUT',
        message: `RuntimeParameters of A is ${JSON.stringify(given)}, and must be a map`,
      },
    });
    expect(calls).toEqual([]);
  },
);

test('what does not fit fails the step, and a cancel is a cancel', async () => {
  const fitted = (outcome: ReturnType<typeof failedWith> | { readonly status: 'cancelled' }) =>
    fitParameters(bedWith({ answer: () => outcome }).calling, local(), {});
  expect(await fitted(failedWith('BAD_PARAMETERS'))).toMatchObject({
    status: 'Failed',
    failure: { code: 'BAD_PARAMETERS' },
  });
  expect(await fitted({ status: 'cancelled' })).toMatchObject({ status: 'Cancelled' });
});

test('what the child may have changed is what the step has tried', async () => {
  const acting = bedWith();
  await runChild(acting.calling, local(), { Name: 'x' });
  expect(acting.record).toMatchObject({
    attempts: [{ token: 'A', handle: null }],
    hasEnded: true,
    children: [{ call: 'A#1:child', owed: 1, acted: 'yes' }],
  });
  const idle = bedWith({ ends: () => failedWith('NO') });
  await runChild(idle.calling, local(), { Name: 'x' });
  expect(idle.record).toMatchObject({ attempts: [], hasEnded: true, children: [{ owed: 0, acted: 'no' }] });
});

test('a cancelled step starts no child, and has none on record', async () => {
  const { calling, runtime, record, children } = bedWith();
  runtime.store.isCancelled = true;
  expect(await runChild(calling, local(), {})).toMatchObject({ status: 'cancelled' });
  expect(children()).toEqual([]);
  expect(record.children).toBeUndefined();
});

test.each<[string, ExecutionInput['rollbackWhen'], string]>([
  ['a parent that is not to be taken back has no child that is', 'never', 'never'],
  ['else the runbook of the child decides', 'onFailure', 'onFailure'],
  ['else the runbook of the child decides, also where a person is asked above', 'ask', 'onFailure'],
])('%s', async (_title, rollbackWhen, expected) => {
  const { calling, children } = bedWith({ input: { rollbackWhen } });
  await runChild(calling, local(), { Name: 'x' });
  expect(children()).toMatchObject([{ rollbackWhen: expected }]);
});

test('a child has the time of the step, and never more than the time around it', async () => {
  const timeOf = async (budgetMs: number | undefined, timeoutSeconds: number | null) => {
    const bed = bedWith({ now: () => 0, ...(budgetMs === undefined ? {} : { budgetMs }) });
    const started = vi.spyOn(bed.runtime, 'child');
    await runChild({ ...bed.calling, timeoutSeconds }, local(), { Name: 'x' });
    return started.mock.calls[0]?.[0].timeoutMs;
  };
  expect(await timeOf(undefined, null)).toBeNull();
  expect(await timeOf(undefined, 30)).toBe(30_000);
  expect(await timeOf(60_000, null)).toBe(60_000);
  expect(await timeOf(60_000, 90)).toBe(60_000);
});

test('it acts where the execution does, unless the call says where', async () => {
  const [here, there] = ['eu-west-1', 'us-east-1'].map((region) => ({ roles: [], region }));
  if (here === undefined || there === undefined) throw new Error('two places');
  const { calling, children } = bedWith({ input: { location: here } });
  await runChild({ ...calling, call: 'A@1:child' }, local(), { Name: 'x' });
  await runChild({ ...calling, call: 'A@2:child', location: there }, local(), { Name: 'x' });
  expect(children().map(({ location }) => location)).toEqual([here, there]);
});

test('why a child did not end well is said with its name, its id and the step', () => {
  const result = (more: Partial<ExecutionResult>): ExecutionResult => ({
    status: 'Failed',
    rollbackStatus: 'clean',
    outputs: {},
    failedStep: null,
    failure: null,
    owed: 0,
    locks: [],
    ...more,
  });
  const failure = { code: 'NO', message: 'it said no', retryable: true };
  expect(failureIn(result({ failedStep: 'Put', failure }), 'child', '01X')).toEqual({
    code: 'NO',
    message: 'child (01X) failed at Put: it said no',
    retryable: true,
  });
  expect(failureIn(result({ status: 'TimedOut' }), 'child', '01X')).toEqual({
    code: 'CHILD_FAILED',
    message: 'child (01X) timed out',
    retryable: false,
  });
});
