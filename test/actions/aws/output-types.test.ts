/** What is said of declared outputs before the call is what the conversion would say of every value afterwards. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkOutputTypes } from '../../../src/actions/aws/output-types.ts';
import { outputTypes, selectOutput, type OutputType } from '../../../src/document/index.ts';
import type { Json, JsonObject } from '../../../src/json.ts';
import type { AwsModels, ReplyPart } from '../../../src/transports/aws.ts';
import { createAwsModels } from '../../../src/transports/aws/models.ts';

const models = createAwsModels();
const isExpression = (value: unknown) => typeof value === 'string' && value.includes('{{');
const check = (call: JsonObject, Selector: string, Type: OutputType, of: AwsModels = models) =>
  checkOutputTypes(call, [{ Name: 'Out', Selector, Type }], { isExpression, models: of });

const instances = { Service: 'ec2', Api: 'DescribeInstances' };
const volume = { Service: 'ec2', Api: 'CreateVolume', AvailabilityZone: 'eu-west-1a', Size: 1 };

describe('a type that nothing in the reply becomes', () => {
  test.each<[string, OutputType, string]>([
    ['$.VolumeId', 'StringMap', 'VolumeId of the reply of ec2 CreateVolume is text'],
    ['$.Size', 'Boolean', 'Size of the reply of ec2 CreateVolume is a whole number'],
    ['$.CreateTime', 'Integer', 'CreateTime of the reply of ec2 CreateVolume is a time'],
    ['$.Tags', 'StringMap', 'Tags of the reply of ec2 CreateVolume is a list of maps'],
    ['$.Tags[0]', 'MapList', 'Tags[0] of the reply of ec2 CreateVolume is a map'],
    ['$.Tags', 'Integer', 'Tags of the reply of ec2 CreateVolume is a list of maps'],
  ])('%s as %s is refused where the call changes something', (selector, type, message) => {
    expect(check(volume, selector, type)).toMatchObject([
      { code: 'NEVER_FITS', key: 'Type', isWarning: false, message: expect.stringContaining(message) },
    ]);
  });

  test('is a warning where the call only reads', () => {
    expect(check(instances, '$.Reservations', 'Boolean')).toMatchObject([
      { code: 'NEVER_FITS', isWarning: true },
    ]);
  });
});

test('what the conversions of SSM make of a value is no problem', () => {
  const state = '$.Reservations[0].Instances[0].State';
  for (const [selector, type] of [
    [`${state}.Code`, 'String'],
    [`${state}.Code`, 'StringList'],
    [`${state}.Name`, 'Integer'],
    [state, 'StringMap'],
    [state, 'String'],
    ['$.Reservations[0].Instances[0].EbsOptimized', 'StringList'],
    ['$.Reservations[0].Instances[0].LaunchTime', 'String'],
    ['$.Reservations[0].Instances[0].Tags', 'MapList'],
    ['$.ResponseMetadata.HTTPStatusCode', 'Integer'],
  ] as const)
    expect(check(instances, selector, type)).toEqual([]);
});

test('a part that the reply does not have is named, with the one that is meant', () => {
  expect(check(instances, '$.Reservation[0].Instances', 'MapList')).toMatchObject([
    { code: 'NEVER_FOUND', key: 'Selector', isWarning: true, hint: 'Did you mean Reservations?' },
  ]);
});

test('where nobody can tell, nothing is said', () => {
  expect(check(instances, '$.Reservations..InstanceId', 'Integer')).toEqual([]);
  expect(check(instances, '$.Reservations[-1]', 'Integer')).toEqual([]);
  expect(check({ ...instances, Api: '{{ Api }}' }, '$.Reservations', 'Boolean')).toEqual([]);
  expect(check({ Service: 'nosuch', Api: 'Thing' }, '$.A', 'Boolean')).toEqual([]);
});

/** Values of each kind of part, as the transport gives them. */
const values: Readonly<Record<Exclude<ReplyPart['kind'], 'absent' | 'list'>, fc.Arbitrary<Json>>> = {
  text: fc.oneof(fc.string(), fc.constantFrom('12', 'true', '1.5')),
  time: fc
    .date({ noInvalidDate: true, min: new Date('1970-01-01'), max: new Date('2100-01-01') })
    .map((at) => at.toISOString()),
  whole: fc.maxSafeInteger(),
  number: fc.oneof(fc.double({ noDefaultInfinity: true, noNaN: true }), fc.constant(3)),
  boolean: fc.boolean(),
  map: fc.dictionary(fc.string(), fc.string()).map((map): Json => ({ ...map })),
};
const kinds = Object.keys(values) as (keyof typeof values)[];

test.each(outputTypes)('what is refused as %s never converts, and of what is not some value does', (type) => {
  const parts: [ReplyPart, fc.Arbitrary<Json>][] = [
    ...kinds.map((kind): [ReplyPart, fc.Arbitrary<Json>] => [{ kind }, values[kind]]),
    ...kinds.map((of): [ReplyPart, fc.Arbitrary<Json>] => [
      { kind: 'list', of },
      fc.array(values[of], { maxLength: 3 }),
    ]),
  ];
  for (const [part, arbitrary] of parts) {
    const knowing: AwsModels = { ...models, reply: () => part };
    const isRefused = check(volume, '$.Part', type, knowing).length > 0;
    const converts = (value: Json) => selectOutput('$.Part', type, { Part: value }).kind === 'value';
    const sample = fc.sample(arbitrary, 300);
    expect([part, sample.some(converts)]).toEqual([part, !isRefused]);
  }
});
