import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, lettersOf, nearest } from '../../../src/transports/aws/names.ts';

describe('lettersOf', () => {
  it.each(['DescribeDBInstances', 'describe_db_instances', 'describe-db-instances'])(
    'reads %s alike',
    (name) => {
      expect(lettersOf(name)).toBe('describedbinstances');
    },
  );
});

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['abc', '', 3],
    ['kitten', 'sitting', 3],
    ['nmae', 'name', 1],
    ['instanceidz', 'instanceids', 1],
  ])('of %j and %j is %i', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
  });

  it('is the same both ways, zero only for equals, and never more than the longer word', () => {
    assert(
      property(string(), string(), (a, b) => {
        const distance = editDistance(a, b);
        expect(editDistance(b, a)).toBe(distance);
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      }),
    );
  });
});

describe('nearest', () => {
  it('finds what was probably meant', () => {
    expect(nearest('InstanceIdz', ['Filters', 'InstanceIds', 'DryRun'])).toBe('InstanceIds');
    expect(nearest('instance_ids', ['Filters', 'InstanceIds'])).toBe('InstanceIds');
  });

  it('suggests nothing rather than something else', () => {
    expect(nearest('Colour', ['Filters', 'InstanceIds', 'DryRun'])).toBeUndefined();
    expect(nearest('x', [])).toBeUndefined();
  });
});
