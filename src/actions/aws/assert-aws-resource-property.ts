/** aws:assertAwsResourceProperty: one call, one comparison. */
import { defineAction, done, failed } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { apiPermission } from './api-call.ts';
import { checkProperty, compareProperty, propertyInputs } from './resource-property.ts';

export const assertAwsResourceProperty = defineAction({
  name: 'aws:assertAwsResourceProperty',
  summary: 'Calls one reading operation and fails unless a property has one of the desired values.',
  source:
    'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-assertAwsResourceProperty.html',
  example: `
- name: AssertEncryptionByDefault
  action: aws:assertAwsResourceProperty
  inputs:
    Service: ec2
    Api: GetEbsEncryptionByDefault
    PropertySelector: $.EbsEncryptionByDefault
    DesiredValues: ['True']
`,
  inputs: propertyInputs,
  outputs: strictObject({}),
  timeoutSeconds: undefined,
  permissions: (step) => [apiPermission(step)],
  targets: () => [],
  hasHostTargets: false,
  check: checkProperty,
  effect: {
    kind: 'read',
    poll: async (step, context) => {
      const { isDesired, sentence } = await compareProperty(step, context);
      return isDesired ? done({}) : failed('ASSERTION_FAILED', sentence);
    },
  },
  undo: { kind: 'notNeeded' },
});
