import { expect, test } from 'vitest';
import { prepared } from '../../../src/engine/steps/prepared.ts';
import { failedWith, stepBed } from '../../support/step-bed.ts';

const ok = () => ({ status: 'ok', value: { observed: { was: 1 }, captures: { at: 'x' } } }) as const;

test('the state before the effect is kept before the step acts', async () => {
  const { next, run, record, inner, calls } = stepBed({ descriptor: { observes: true }, answer: ok });
  await prepared(next)(run);
  expect(calls).toMatchObject([{ id: 'A:prepare', kind: 'prepare', onLost: 'rerun' }]);
  expect(record).toMatchObject({ before: { was: 1 }, captures: { at: 'x' } });
  expect(inner).toHaveLength(1);
});

test('a step that observes and captures nothing is asked nothing', async () => {
  const { next, run, inner, calls } = stepBed();
  await prepared(next)(run);
  expect(calls).toEqual([]);
  expect(inner).toHaveLength(1);
});

test('inputs of an API read are resolved, and a command is not', async () => {
  const { next, run, calls } = stepBed({
    step: {
      capture: {
        api: { kind: 'api', inputs: { Id: '{{ P }}' }, selector: '$.x' },
        shell: { kind: 'command', command: 'echo {{ P }}' },
      },
    },
    input: { parameters: { P: 'i-1' } },
    answer: ok,
  });
  await prepared(next)(run);
  expect(calls[0]?.input).toMatchObject({
    captures: { api: { inputs: { Id: 'i-1' } }, shell: { command: 'echo {{ P }}' } },
  });
});

test('what cannot be read fails the step before it acts, and says so', async () => {
  const { next, run, inner } = stepBed({
    descriptor: { observes: true },
    answer: () => failedWith('UNREACHABLE'),
  });
  expect(await prepared(next)(run)).toMatchObject({
    status: 'Failed',
    attempts: 0,
    failure: { code: 'UNREACHABLE', message: 'before A: UNREACHABLE came back' },
  });
  expect(inner).toEqual([]);
});

test('a cancel ends it cancelled', async () => {
  const bed = stepBed({ descriptor: { observes: true }, answer: () => ({ status: 'cancelled' }) });
  expect(await prepared(bed.next)(bed.run)).toMatchObject({ status: 'Cancelled' });
  expect(bed.inner).toEqual([]);
});
