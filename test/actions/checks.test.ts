/** What the actions of AWS find wrong before a run: what a schema cannot say. */
import { describe, expect, it } from 'vitest';
import { createCatalog } from '../../src/actions/index.ts';
import type { JsonObject } from '../../src/json.ts';
import { createAwsModels } from '../../src/transports/aws/models.ts';

const catalog = createCatalog(createAwsModels());
const isExpression = (value: unknown) => typeof value === 'string' && value.includes('{{');

function check(action: string, inputs: JsonObject): string[] {
  const problems = catalog.action(action)?.check?.(inputs, isExpression) ?? [];
  return problems.map(({ code, path, message }) => `${code} at ${path.join('.')}: ${message}`);
}

describe('aws:executeAwsApi', () => {
  const call = (params: JsonObject) =>
    check('aws:executeAwsApi', { Service: 'ec2', Api: 'DescribeInstances', ...params });

  it('names a misspelt operation, service or member, and what was meant', () => {
    expect(call({ Api: 'DescribeInstnces' })).toEqual([
      'UNKNOWN_OPERATION at Api: ec2 has no operation DescribeInstnces. Did you mean DescribeInstances?',
    ]);
    expect(call({ Service: 'ec' })[0]).toMatch(/^UNKNOWN_SERVICE at Service: AWS has no service named ec /);
    expect(call({ Filters: [{ Nmae: 'tag:Role', Values: ['db'] }] })[0]).toMatch(
      /^UNKNOWN_MEMBER at Filters.0.Nmae: .*Did you mean Name\?$/,
    );
  });

  it('takes every accepted spelling, and leaves values that hold an expression alone', () => {
    expect(call({ Service: 'EC2', Api: 'describe-instances', MaxResults: '{{ Pages }}' })).toEqual([]);
    expect(call({ Filters: [{ Name: '{{ Name }}', Values: ['a', '{{ Values }}'] }] })).toEqual([]);
    expect(call({ Service: '{{ Service }}', Nonsense: 1 })).toEqual([]);
  });

  it('finds a wrong type', () => {
    expect(call({ MaxResults: 'many' })[0]).toMatch(/^WRONG_TYPE at MaxResults: /);
  });
});

describe('aws:assertAwsResourceProperty and aws:waitForAwsResourceProperty', () => {
  const property = {
    Service: 'ec2',
    Api: 'DescribeVolumes',
    PropertySelector: '$.Volumes[0].State',
    DesiredValues: ['available'],
  };

  it.each(['aws:assertAwsResourceProperty', 'aws:waitForAwsResourceProperty'])('%s', (action) => {
    expect(check(action, property)).toEqual([]);
    expect(check(action, { ...property, PropertySelector: '$.Volumes[' })[0]).toMatch(
      /^BAD_SELECTOR at PropertySelector: /,
    );
    expect(check(action, { ...property, PropertySelector: '{{ Selector }}' })).toEqual([]);
    expect(check(action, { ...property, VolumIds: [] })[0]).toMatch(/^UNKNOWN_MEMBER at VolumIds: /);
    expect(check(action, { ...property, Api: 'DeleteVolume', VolumeId: 'vol-1' })).toEqual([
      'WRONG_INPUT at Api: ec2 DeleteVolume does not only read, so it cannot be asked for a property; call it with aws:executeAwsApi and then ask',
    ]);
  });
});

describe('aws:createTags', () => {
  it('takes one resource unless they are of EC2', () => {
    const tags = { ResourceIds: ['a', 'b'], Tags: [{ Key: 'k', Value: 'v' }] };
    expect(check('aws:createTags', tags)).toEqual([]);
    expect(check('aws:createTags', { ...tags, ResourceType: 'Parameter' })).toEqual([
      'WRONG_INPUT at ResourceIds: Parameter takes one resource per step, and ResourceIds has 2',
    ]);
  });
});

describe('aws:sleep', () => {
  it.each([
    [{ Duration: 'PT10M' }, undefined],
    [{ Timestamp: '2026-01-31T02:00:00Z' }, undefined],
    [{ TimeStamp: '{{ When }}' }, undefined],
    [{}, /either Duration or Timestamp, and is given neither/],
    [{ Duration: 'PT1M', Timestamp: '2026-01-31T02:00:00Z' }, /given Duration and Timestamp/],
    [{ Duration: '10m' }, /"10m" is not an ISO 8601 duration/],
    [{ Duration: 'P7D' }, /P7D is 604800 s; a sleep lasts at most 604799 s/],
    [{ Timestamp: 'tomorrow' }, /"tomorrow" is not an ISO 8601 instant/],
  ])('%j', (inputs, problem) => {
    const found = check('aws:sleep', inputs);
    if (problem === undefined) expect(found).toEqual([]);
    else expect(found).toEqual([expect.stringMatching(problem)]);
  });
});

describe('aws:approve', () => {
  it('cannot want more approvals than there are approvers, each counted once', () => {
    expect(check('aws:approve', { Approvers: ['a', 'b'], MinRequiredApprovals: 2 })).toEqual([]);
    expect(check('aws:approve', { Approvers: ['a', 'a'], MinRequiredApprovals: 2 })[0]).toMatch(
      /can never be approved, unless one of them is a group of belay\.yaml$/,
    );
    expect(check('aws:approve', { Approvers: ['{{ People }}'], MinRequiredApprovals: 3 })).toEqual([]);
  });
});
