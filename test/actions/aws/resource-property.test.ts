import { describe, expect, it } from 'vitest';
import { equals } from '../../../src/actions/aws/resource-property.ts';

describe('a property has a desired value', () => {
  it.each([
    [true, 'True'],
    [true, 'true'],
    [false, 'FALSE'],
    [true, true],
    [3, '3'],
    [0.5, '0.5'],
    [3, 3],
    ['available', 'available'],
    ['true', 'true'],
    ['3', 3],
  ])('%j is %j', (value, desired) => {
    expect(equals(value, desired)).toBe(true);
  });

  it.each([
    [true, 'False'],
    [true, '1'],
    ['true', 'True'],
    ['Available', 'available'],
    [3, '3.0'],
    [null, 'null'],
    [{}, '{}'],
    [['a'], 'a'],
  ])('%j is not %j', (value, desired) => {
    expect(equals(value, desired)).toBe(false);
  });
});
