import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { fitInputs, knownInputs } from '../../src/document/index.ts';
import type { Json, JsonObject } from '../../src/json.ts';

const schema: JsonObject = {
  type: 'object',
  additionalProperties: false,
  properties: {
    Count: { type: 'integer' },
    Ratio: { type: 'number' },
    Force: { type: 'boolean' },
    Name: { type: 'string' },
    Ids: { type: 'array', items: { type: 'string' } },
    Either: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
    Tags: { type: 'array', items: { type: 'object', properties: { Key: { type: 'string' } } } },
    State: { enum: ['running', 'stopped'] },
  },
};

describe('an input of one of AWS’s actions', () => {
  test.each<[string, Json, Json]>([
    ['Count', '60', 60],
    ['Count', 'many', 'many'],
    ['Count', '{{ N }}', '{{ N }}'],
    ['Ratio', '0.5', 0.5],
    ['Force', 'true', true],
    ['Force', 'False', false],
    ['Force', 'perhaps', 'perhaps'],
    ['Name', 7, '7'],
    ['Name', ['x'], 'x'],
    ['Name', ['x', 'y'], ['x', 'y']],
    ['Ids', 'i-1', ['i-1']],
    ['Ids', [1, 'i-2'], ['1', 'i-2']],
    ['Either', '60', '60'],
    ['Either', 60, 60],
    ['Tags', [{ Key: 5 }], [{ Key: '5' }]],
    ['State', 'running', 'running'],
    ['Unknown', 5, 5],
  ])('%s given as %j becomes %j', (name, given, fitted) => {
    expect(fitInputs({ [name]: given }, schema)).toEqual({ [name]: fitted });
  });

  test('that the action does not have is left out when it acts', () => {
    expect(knownInputs({ Name: 'x', Other: 1 }, schema)).toEqual({ Name: 'x' });
    expect(knownInputs({ Other: 1 }, { type: 'object' })).toEqual({ Other: 1 });
  });

  test('is fitted once and for all, whatever it holds', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('Count', 'Force', 'Name', 'Ids', 'Tags', 'x'), fc.jsonValue()),
        (given) => {
          const once = fitInputs(given as JsonObject, schema);
          expect(fitInputs(once, schema)).toEqual(once);
        },
      ),
    );
  });
});
