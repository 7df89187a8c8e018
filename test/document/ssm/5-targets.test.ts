/** Section 5 of the reference: targets and rate control, as aws:executeAutomation takes them. */
import { describe, test } from 'vitest';

import { accepted, refused, runbook } from './ssm.ts';

const child = (inputs: object) =>
  runbook({
    mainSteps: [
      {
        name: 'Child',
        action: 'aws:executeAutomation',
        inputs: { DocumentName: 'AWS-StopEC2Instance', ...inputs },
      },
    ],
  });
const targets = (Key: string, Values: readonly string[]) => ({
  TargetParameterName: 'InstanceId',
  Targets: [{ Key, Values }],
});

describe('5.1 target forms', () => {
  test.each([
    ['ParameterValues', ['i-1', 'i-2']],
    ['tag:Role', ['db']],
    ['ResourceGroup', ['fleet']],
    ['AWS::EC2::Instance', ['*']],
  ])('Key may be %s', (key, values) => {
    accepted(child(targets(key, values)));
  });
  test('TargetMaps is exclusive with Targets', () => {
    accepted(child({ TargetMaps: [{ InstanceId: ['i-1'] }, { InstanceId: ['i-2'] }] }));
    refused(child({ ...targets('tag:Role', ['db']), TargetMaps: [{ InstanceId: ['i-1'] }] }), 'WRONG_INPUT');
  });
});

describe('5.2 MaxConcurrency and 5.3 MaxErrors', () => {
  test.each(['1', '10', '10%', '100%'])('MaxConcurrency may be %s', (MaxConcurrency) => {
    accepted(child({ ...targets('tag:Role', ['db']), MaxConcurrency }));
  });
  test.each(['0', '-1', '101%', 'all'])('MaxConcurrency cannot be %s', (MaxConcurrency) => {
    refused(child({ ...targets('tag:Role', ['db']), MaxConcurrency }), 'WRONG_INPUT');
  });
  test.each(['0', '3', '0%', '10%', '100%'])('MaxErrors may be %s', (MaxErrors) => {
    accepted(child({ ...targets('tag:Role', ['db']), MaxErrors }));
  });
  test.each(['-1', '101%', 'none'])('MaxErrors cannot be %s', (MaxErrors) => {
    refused(child({ ...targets('tag:Role', ['db']), MaxErrors }), 'WRONG_INPUT');
  });
});
