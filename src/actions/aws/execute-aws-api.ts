/** aws:executeAwsApi: one call of any operation of any service, by name. */
import { Type } from 'typebox';
import type { JsonObject } from '../../json.ts';
import { defineAction, done, type Effect } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { apiCall, apiPermission, apiTargets, callName, checkApiCall, isRead } from './api-call.ts';
import { checkOutputTypes } from './output-types.ts';
import { sensitiveMembers } from './sensitive-members.ts';
import { makeCall, serviceAndApi } from './api-call.ts';

type Handle = { readonly Response: JsonObject };

const inputs = Type.Object(serviceAndApi, {
  additionalProperties: true,
  description: 'Service, Api, and next to them the members of the operation.',
});

export const executeAwsApi = defineAction({
  name: 'aws:executeAwsApi',
  summary: 'Calls one operation of an AWS service; declared outputs select from the response.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeawsapi.html',
  example: `
- name: FindHosts
  action: aws:executeAwsApi
  inputs:
    Service: ec2
    Api: DescribeInstances
    Filters:
      - { Name: 'tag:Role', Values: [database] }
  outputs:
    - Name: InstanceIds
      Selector: $.Reservations..InstanceId
      Type: StringList
`,
  inputs,
  outputs: strictObject({}),
  secretInputs: sensitiveMembers,
  timeoutSeconds: undefined,
  permissions: (step) => [apiPermission(step)],
  targets: (step) => apiTargets(apiCall(step, []).params),
  hasHostTargets: false,
  replacesRootOf: (step) => (isRootReplacement(step) ? [step.InstanceId] : []),
  check: (step, tools) => checkApiCall(step, [], tools),
  checkOutputs: checkOutputTypes,
  effect: (step) => (isRead(step) ? reading : changing),
  undo: (step) =>
    isRead(step)
      ? { kind: 'notNeeded' }
      : {
          kind: 'none',
          reason: 'nothing is known about what the operation changes; give the step an undo: of its own',
          leavesChange: true,
        },
});

type Step = { readonly Service: string; readonly Api: string };

const reading: Effect<Step, null, Handle, JsonObject> = {
  kind: 'read',
  poll: async (step, context) => done({}, { response: await makeCall(apiCall(step, []), context) }),
};

const changing: Effect<Step, null, Handle, JsonObject> = {
  kind: 'begun',
  /** The transport puts the token where the operation takes one, unless the author has given one. */
  begin: async (step, _before, context) => ({
    Response: await makeCall(apiCall(step, []), context, context.token),
  }),
  /**
   * Where the operation takes an idempotency token, the same call with the same token does nothing twice: "absent" only
   * lets the engine make it again, and AWS answers as it did the first time. Any other call may or may not have happened.
   */
  adopt: (step, _before, { models }) => {
    const operation = models?.resolve(step.Service, step.Api);
    if (operation?.tokenMember !== undefined) return Promise.resolve({ kind: 'absent' });
    const name = callName(apiCall(step, []));
    return Promise.resolve({
      kind: 'unknown',
      why: `${name} was called and its answer is lost; look in AWS whether it happened (it takes no idempotency token)`,
    });
  },
  poll: ({ Response }) => Promise.resolve(done({}, { response: Response })),
  settleMs: 0,
};

function isRootReplacement(step: Step): step is Step & { readonly InstanceId: string } {
  const isReplacement = step.Service === 'ec2' && step.Api === 'CreateReplaceRootVolumeTask';
  return isReplacement && 'InstanceId' in step && typeof step.InstanceId === 'string';
}
