/** aws:waitForAwsResourceProperty: asks until the property has a desired value. */
import { AwsFailure } from '../../transports/aws.ts';
import { defineAction, done, pending } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { apiPermission } from './api-call.ts';
import { checkProperty, compareProperty, propertyInputs } from './resource-property.ts';

const pollMs = 2_000;
/** After throttling or an error of the service, asking as often as before makes it worse. */
const pollAfterErrorMs = 10_000;

export const waitForAwsResourceProperty = defineAction({
  name: 'aws:waitForAwsResourceProperty',
  summary: 'Asks one reading operation until a property has one of the desired values.',
  source:
    'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-waitForAwsResourceProperty.html',
  example: `
- name: WaitUntilAvailable
  action: aws:waitForAwsResourceProperty
  timeoutSeconds: 600
  inputs:
    Service: ec2
    Api: DescribeVolumes
    VolumeIds: ['{{ CreateVolume.VolumeId }}']
    PropertySelector: $.Volumes[0].State
    DesiredValues: [available]
`,
  inputs: propertyInputs,
  outputs: strictObject({}),
  timeoutSeconds: 3600,
  permissions: (step) => [apiPermission(step)],
  targets: () => [],
  hasHostTargets: false,
  check: checkProperty,
  effect: {
    kind: 'read',
    poll: async (step, context) => {
      try {
        const { isDesired, sentence } = await compareProperty(step, context);
        return isDesired ? done({}) : pending(pollMs, sentence);
      } catch (error) {
        if (!(error instanceof AwsFailure) || context.signal.aborted || !mayPass(error)) throw error;
        return pending(pollAfterErrorMs, `asking again after ${error.code}: ${error.message}`);
      }
    },
  },
  undo: { kind: 'notNeeded' },
});

/**
 * SSM's own simulator swallows every error until the time is up. Here only those that time can heal: throttling, errors
 * of the service or the connection, and a resource that does not exist yet. A refusal is final.
 */
function mayPass({ retryable, code, httpStatus }: AwsFailure): boolean {
  return retryable || httpStatus === 404 || /NotFound|NoSuch|DoesNotExist/.test(code);
}
