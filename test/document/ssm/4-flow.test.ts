/** Section 4 of the reference: control flow, as far as a document is accepted or refused for it. */
import { describe, expect, test } from 'vitest';

import { accepted, call, check, refused, runbook, sleep, takenWithoutStrict } from './ssm.ts';

const steps = (...mainSteps: readonly object[]) => runbook({ mainSteps });

describe('4.1 order and 4.2 isEnd', () => {
  test('nextStep and isEnd may stand on one step, and isEnd wins', () => {
    accepted(steps(sleep('A', { isEnd: true, nextStep: 'B' }), sleep('B')));
  });
  test('steps that nothing leads to are taken', () => {
    accepted(steps(sleep('A', { isEnd: true }), sleep('B')));
    expect(check(steps(sleep('A', { isEnd: true }), sleep('B'))).diagnostics.map(({ code }) => code)).toEqual(
      ['UNREACHABLE_STEP'],
    );
  });
});

describe('4.3 failure handling', () => {
  test('onFailure: step:X goes on there, with or without isCritical', () => {
    accepted(
      steps(call('A', { onFailure: 'step:C', isCritical: false }), sleep('B', { isEnd: true }), sleep('C')),
    );
  });
  test('onFailure: Continue with nextStep is taken', () => {
    accepted(steps(call('A', { onFailure: 'Continue', nextStep: 'C' }), sleep('B'), sleep('C')));
  });
  test('a cleanup chain may lead back to an earlier step that ends', () => {
    accepted(
      steps(
        call('A', { onFailure: 'step:Undo1' }),
        sleep('Done', { isEnd: true }),
        call('Undo1', { onFailure: 'Continue', nextStep: 'Undo2' }),
        call('Undo2', { nextStep: 'Done' }),
      ),
    );
  });
});

describe('4.4 retries', () => {
  test('maxAttempts and timeoutSeconds stand together', () => {
    accepted(steps(call('A', { maxAttempts: 10, timeoutSeconds: 600 })));
  });
});

describe('4.6 cancel', () => {
  test('onCancel should not lead to actions that AWS does not support there', () => {
    const document = steps(call('A', { onCancel: 'step:B' }), sleep('B'));
    takenWithoutStrict(document);
    expect(check(document).diagnostics.map(({ code }) => code)).toContain('ON_CANCEL_TARGET');
  });
  test('onCancel names a step', () => {
    refused(steps(call('A', { onCancel: 'step:Gone' })), 'UNKNOWN_STEP');
  });
});
