import { expect, test } from 'vitest';
import type { ActivityCall, OutcomeResult } from '../../../src/engine/index.ts';
import { child } from '../../../src/engine/steps/child.ts';
import { childBed, type ChildBedOptions } from '../../support/child-bed.ts';
import { step } from '../../support/run-toy.ts';
import { failedWith, gave } from '../../support/step-bed.ts';

const parameters = { RuntimeParameters: { Name: 'x' } };
const pauses = [step({ name: 'Hold', action: 'aws:pause' })];
const found =
  (outcome: OutcomeResult<'findRunbook'>) =>
  (call: ActivityCall): OutcomeResult | undefined =>
    call.kind === 'findRunbook' ? outcome : undefined;

/** A clock that only sleeps move. */
function withoutWaiting(options: ChildBedOptions) {
  let now = 0;
  return childBed({
    ...options,
    now: () => now,
    pause: (ms) => {
      now += ms;
      return Promise.resolve();
    },
  });
}

test('the runbook that the host finds runs as one execution below, and the step gives what it came to', async () => {
  const { run, record, asked, children } = childBed({
    inputs: parameters,
    outputs: ['Put.Value', 'Put.None'],
  });
  const ending = await child(run);
  expect(ending).toMatchObject({
    status: 'Success',
    result: {
      outputs: {
        Output: ['x', 'No output available yet because the step is not successfully executed'],
        ExecutionId: expect.any(String),
        Status: 'Success',
      },
      note: expect.stringMatching(/^child, /),
    },
  });
  expect(asked('findRunbook')).toMatchObject([
    { id: 'A:runbook', input: { name: 'child.yaml', version: null } },
  ]);
  expect(children()).toMatchObject([{ parameters: { Name: 'x' } }]);
  expect(record.children).toMatchObject([{ call: 'A#1:child', acted: 'yes', owed: 1 }]);
});

test('outputs that the step declares are read from those of the child', async () => {
  const run = (Type: 'String' | 'Integer') => {
    const outputs = [{ Name: 'Wanted', Selector: "$.Outputs['Put.Value']", Type }];
    return child(childBed({ inputs: parameters, outputs: ['Put.Value'], step: { outputs } }).run);
  };
  expect(await run('String')).toMatchObject({ status: 'Success', result: { outputs: { Wanted: 'x' } } });
  expect(await run('Integer')).toMatchObject({
    status: 'Failed',
    failure: { code: 'OUTPUT_MISMATCH', message: expect.stringMatching(/^output Wanted of A: /) },
  });
});

test('a runbook that only the service has is an effect of the action, and no execution of ours', async () => {
  const { run, asked, children } = childBed({
    answer: (call) =>
      call.kind === 'wait'
        ? gave({ Status: 'Success' })
        : found({ status: 'ok', value: { kind: 'service' } })(call),
  });
  expect(await child(run)).toMatchObject({ status: 'Success', result: { outputs: { Status: 'Success' } } });
  expect(asked('begin')).toHaveLength(1);
  expect(children()).toEqual([]);
});

test('a document of the service goes to other accounts by the service, and no runbook is looked for', async () => {
  const inputs = { DocumentName: 'AWS-RestartEC2Instance', TargetLocations: [{ Regions: ['eu-west-1'] }] };
  const { run, asked } = childBed({ inputs, answer: ({ kind }) => (kind === 'wait' ? gave({}) : undefined) });
  expect(await child(run)).toMatchObject({ status: 'Success' });
  expect(asked('findRunbook')).toEqual([]);
  expect(asked('begin')).toHaveLength(1);
});

test.each([[''], [7], [null], [['child.yaml']]])('%j names no runbook, and nobody is asked', async (name) => {
  const { run, calls } = childBed({ inputs: { DocumentName: name } });
  expect(await child(run)).toMatchObject({
    status: 'Failed',
    failure: {
      code: 'INVALID_INPUT',
      message: `DocumentName of A is ${JSON.stringify(name)}, and must be a name`,
    },
  });
  expect(calls).toEqual([]);
});

test('what the host cannot find fails the step in the words of the host, and a cancel is a cancel', async () => {
  const missing = childBed({ answer: found(failedWith('NOT_FOUND')) });
  expect(await child(missing.run)).toMatchObject({
    status: 'Failed',
    failure: { code: 'NOT_FOUND', message: 'NOT_FOUND came back' },
  });
  const cancelled = childBed({ answer: found({ status: 'cancelled' }) });
  expect(await child(cancelled.run)).toMatchObject({ status: 'Cancelled' });
  for (const { children } of [missing, cancelled]) expect(children()).toEqual([]);
});

test('where a child fails another one is started as long as there are tries, and each stays in the record', async () => {
  const bed = withoutWaiting({
    inputs: parameters,
    step: { maxAttempts: 3 },
    ends: () => failedWith('BROKEN', 'known'),
  });
  expect(await child(bed.run)).toMatchObject({
    status: 'Failed',
    attempts: 3,
    failure: {
      code: 'BROKEN',
      message: expect.stringMatching(/^child \(.+\) failed at Put: BROKEN came back$/),
    },
  });
  expect(bed.record.children?.map(({ call }) => call)).toEqual(['A#1:child', 'A#2:child', 'A#3:child']);
  expect(bed.events().filter((event) => (event as { type: string }).type === 'AttemptFailed')).toMatchObject([
    { step: 'A', attempt: 1, of: 3 },
    { step: 'A', attempt: 2, of: 3 },
  ]);
});

test('a child that comes through ends the tries', async () => {
  let tries = 0;
  const bed = withoutWaiting({
    inputs: parameters,
    step: { maxAttempts: 3 },
    ends: () => ((tries += 1) < 2 ? failedWith('BROKEN', 'known') : gave({})),
  });
  expect(await child(bed.run)).toMatchObject({ status: 'Success', attempts: 2 });
  expect(bed.children()).toHaveLength(2);
});

test('a child that does not end in its time is cancelled, and the step has timed out', async () => {
  const { run, children } = childBed({ inputs: parameters, steps: pauses });
  expect(await child({ ...run, timeoutSeconds: 0.05 })).toMatchObject({
    status: 'TimedOut',
    failure: {
      code: 'TIMED_OUT',
      message: expect.stringMatching(/^child \(.+\) did not end within 0\.05 s and was cancelled$/),
    },
    result: { outputs: { Status: 'TimedOut' } },
  });
  expect(children()).toMatchObject([{ isCancelled: true }]);
});

test('a cancel reaches through to the child, and the step says which one it was', async () => {
  const { run, runtime, record } = childBed({ inputs: parameters, steps: pauses });
  const ending = child(run);
  // The child waits for a person.
  await expect.poll(() => runtime.store.children.size).toBe(1);
  runtime.store.isCancelled = true;
  expect(await ending).toMatchObject({ status: 'Cancelled' });
  expect(record.children).toMatchObject([{ call: 'A#1:child', acted: 'no' }]);
});
