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

describe('4.6 onCancel', () => {
  test.each([
    ['aws:approve', { Approvers: ['a'] }],
    ['aws:copyImage', { SourceRegion: 'eu-west-1', SourceImageId: 'ami-1', ImageName: 'n' }],
    ['aws:createImage', { InstanceId: 'i-1', ImageName: 'n' }],
    ['aws:createStack', { StackName: 's', TemplateBody: '{}' }],
    ['aws:createTags', { ResourceIds: ['i-1'], Tags: [{ Key: 'a', Value: 'b' }] }],
    ['aws:pause', {}],
    ['aws:runInstances', { ImageId: 'ami-1' }],
    ['aws:sleep', { Duration: 'PT1S' }],
  ])('%s is not supported as its target', (action, inputs) => {
    const document = steps(call('A', { onCancel: 'step:B' }), { name: 'B', action, inputs });
    expect(check(document).diagnostics.map(({ code }) => code)).toContain('ON_CANCEL_TARGET');
  });
  test.each([
    ['aws:changeInstanceState', { InstanceIds: ['i-1'], DesiredState: 'stopped' }],
    ['aws:executeAwsApi', { Service: 'ec2', Api: 'DescribeInstances' }],
    ['aws:deleteStack', { StackName: 's' }],
    ['aws:deleteImage', { ImageId: 'ami-1' }],
  ])('%s is', (action, inputs) => {
    const document = steps(call('A', { onCancel: 'step:B' }), { name: 'B', action, inputs });
    expect(check(document).diagnostics.map(({ code }) => code)).not.toContain('ON_CANCEL_TARGET');
  });
});

describe('4.2 isEnd and 4.3 onFailure beside each other', () => {
  test('isEnd may stand beside onFailure: step:X, which is taken on failure', () => {
    accepted(steps(call('A', { isEnd: true, onFailure: 'step:B' }), sleep('B')));
  });
  test('isEnd may stand beside onFailure: Continue', () => {
    accepted(steps(call('A', { isEnd: true, onFailure: 'Continue' })));
  });
  test('isCritical: false with Abort is taken', () => {
    accepted(steps(call('A', { isCritical: false }), sleep('B')));
  });
});
