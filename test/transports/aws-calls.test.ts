/** Own calls are held to the SDK's command types; `npm run types` is what checks this file. */
import { expect, expectTypeOf, it } from 'vitest';
import { objectsIn, textIn } from '../../src/actions/aws/reply.ts';
import type { Aws, JsonObject } from '../../src/transports/aws.ts';
import { callAws } from '../../src/transports/aws-calls.ts';

const aws: Pick<Aws, 'call'> = {
  call: async () => ({ Reservations: [{ Instances: [{ InstanceId: 'i-1' }] }] }),
};
const ids = { InstanceIds: ['i-1'] };

it('a call of a service that Belay knows by type compiles only with its members', async () => {
  await callAws(aws, { service: 'ec2', operation: 'DescribeInstances', params: ids });
  // @ts-expect-error InstanceIdz is not a member of the request
  await callAws(aws, { service: 'ec2', operation: 'DescribeInstances', params: { InstanceIdz: ['i-1'] } });
  // @ts-expect-error a text is not a list
  await callAws(aws, { service: 'ec2', operation: 'DescribeInstances', params: { InstanceIds: 'i-1' } });
  // @ts-expect-error EC2 has no such operation
  await callAws(aws, { service: 'ec2', operation: 'DescribeInstanses', params: ids });
  // @ts-expect-error Name is required
  await callAws(aws, { service: 'ssm', operation: 'GetParameter', params: {} });
  const nested = { Filters: [{ Name: 'state', Values: ['running'] }] };
  await callAws(aws, { service: 'ec2', operation: 'DescribeVolumes', params: nested });
  await callAws(aws, {
    service: 'ec2',
    operation: 'DescribeVolumes',
    // @ts-expect-error Nmae is not a member of a filter
    params: { Filters: [{ Nmae: 'state' }] },
  });
});

it('its reply is read by the members that the reply has', async () => {
  const reply = await callAws(aws, { service: 'ec2', operation: 'DescribeInstances', params: ids });
  const [instance = {}] = objectsIn(reply, 'Reservations').flatMap((each) => objectsIn(each, 'Instances'));
  expect(textIn(instance, 'InstanceId')).toBe('i-1');
  // @ts-expect-error Reservation is not a member of the reply
  expect(objectsIn(reply, 'Reservation')).toEqual([]);
  // @ts-expect-error InstanceID is not a member of an instance
  expect(textIn(instance, 'InstanceID')).toBe('');
});

it('a call of another service, or by a name that is not known yet, takes any params', async () => {
  const service: string = 'ec2';
  const reply = await callAws(aws, { service, operation: 'DescribeInstances', params: { Any: 1 } });
  expectTypeOf(reply).toEqualTypeOf<JsonObject>();
  await callAws(aws, { service: 'iam', operation: 'GetRole', params: { RoleName: 'r' } });
});
