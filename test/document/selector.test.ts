import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { outputTypes, selectOutput, validateSelector, type OutputType } from '../../src/document/index.ts';
import type { Json } from '../../src/json.ts';

const response: Json = {
  Reservations: [
    { Instances: [{ InstanceId: 'i-1', State: { Name: 'running', Code: 16 }, Monitored: true }] },
    { Instances: [{ InstanceId: 'i-2', State: { Name: 'stopped', Code: 80 }, Tags: [{ Key: 'a' }] }] },
  ],
  'dashed-name': 'x',
  Ratio: 1.5,
  Nothing: null,
  Empty: [],
  ResponseMetadata: { HTTPStatusCode: 200 },
};

const value = (selected: Json) => ({ kind: 'value', value: selected });

describe('a definite path', () => {
  test.each<[string, OutputType, Json]>([
    ['$.Reservations[0].Instances[0].InstanceId', 'String', 'i-1'],
    ['$.Reservations[-1].Instances[0].InstanceId', 'String', 'i-2'],
    ['$.ResponseMetadata.HTTPStatusCode', 'Integer', 200],
    ['$.Reservations[0].Instances[0].Monitored', 'Boolean', true],
    ['$.Reservations[0].Instances[0].State', 'StringMap', { Name: 'running', Code: 16 }],
    ['$.Reservations[1].Instances[0].Tags', 'MapList', [{ Key: 'a' }]],
    ['$.dashed-name', 'String', 'x'],
    ["$['dashed-name']", 'String', 'x'],
    ['$.Empty', 'StringList', []],
    ['$.Nothing', 'Integer', null],
  ])('%s as %s gives the value itself', (selector, type, expected) => {
    expect(selectOutput(selector, type, response)).toEqual(value(expected));
  });

  test('that leads nowhere is absent, not a failure', () => {
    expect(selectOutput('$.Reservations[5].Instances', 'MapList', response)).toEqual({ kind: 'absent' });
    expect(selectOutput('$.Platform', 'String', response)).toEqual({ kind: 'absent' });
  });

  test('to a map gives JSON text where String is declared', () => {
    const selected = selectOutput('$.Reservations[0].Instances[0].State', 'String', response);
    expect(selected).toEqual(value('{"Name":"running","Code":16}'));
    expect(selectOutput('$.ResponseMetadata.HTTPStatusCode', 'String', response)).toEqual(value('200'));
  });

  test('to something else than was declared says what is there', () => {
    expect(selectOutput('$.Ratio', 'Integer', response)).toEqual({
      kind: 'mismatch',
      message: '$.Ratio finds a fraction, but the declared type is Integer',
    });
    expect(selectOutput('$.dashed-name', 'StringMap', response)).toMatchObject({ kind: 'mismatch' });
    expect(selectOutput('$.Reservations', 'StringList', response)).toMatchObject({ kind: 'mismatch' });
  });
});

describe('a deep scan, filter or wildcard', () => {
  test('gives a list, in the order of the document', () => {
    expect(selectOutput('$..InstanceId', 'StringList', response)).toEqual(value(['i-1', 'i-2']));
    expect(selectOutput('$.Reservations[*].Instances[*].State.Code', 'StringList', response)).toEqual(
      value(['16', '80']),
    );
  });

  test('gives a list of one for one match, and its element where String is declared', () => {
    const running = "$.Reservations[*].Instances[?(@.State.Name == 'running')].InstanceId";
    expect(selectOutput(running, 'StringList', response)).toEqual(value(['i-1']));
    expect(selectOutput(running, 'String', response)).toEqual(value('i-1'));
  });

  test('that finds nothing is an empty list, and absent where a single value is declared', () => {
    expect(selectOutput('$..Platform', 'StringList', response)).toEqual(value([]));
    expect(selectOutput('$..Platform', 'String', response)).toEqual({ kind: 'absent' });
  });

  test('that finds several does not fit a single value', () => {
    expect(selectOutput('$..InstanceId', 'String', response)).toEqual({
      kind: 'mismatch',
      message: '$..InstanceId finds 2 values, and String holds one',
    });
  });

  test('over one list gives that list', () => {
    expect(selectOutput('$..Tags', 'MapList', response)).toEqual(value([{ Key: 'a' }]));
  });
});

describe('a value of another type than was declared', () => {
  const data: Json = {
    text: 'abc',
    digits: '42',
    word: 'True',
    five: 5,
    yes: true,
    one: ['x'],
    oneNumber: [7],
    oneBoolean: [false],
    two: ['x', 'y'],
    map: { a: 1 },
  };

  test.each<[string, OutputType, Json]>([
    ['text', 'StringList', ['abc']],
    ['digits', 'Integer', 42],
    ['word', 'Boolean', true],
    ['five', 'String', '5'],
    ['five', 'StringList', ['5']],
    ['yes', 'String', 'true'],
    ['yes', 'StringList', ['true']],
    ['one', 'String', 'x'],
    ['oneNumber', 'Integer', 7],
    ['oneBoolean', 'Boolean', false],
  ])('%s becomes a %s', (name, type, expected) => {
    expect(selectOutput(`$.${name}`, type, data)).toEqual(value(expected));
    expect(selectOutput(`$..${name}`, type, data)).toEqual(value(expected));
  });

  test.each<[string, OutputType]>([
    ['text', 'Integer'],
    ['text', 'Boolean'],
    ['digits', 'Boolean'],
    ['five', 'Boolean'],
    ['yes', 'Integer'],
    ['two', 'Integer'],
    ['map', 'StringList'],
    ['map', 'MapList'],
    ['text', 'StringMap'],
    ['one', 'MapList'],
  ])('%s is no %s', (name, type) => {
    expect(selectOutput(`$.${name}`, type, data)).toMatchObject({ kind: 'mismatch' });
  });
});

describe("a selector in the spellings of AWS's own documents", () => {
  const data: Json = {
    SnapshotId: 'snap-1',
    Payload: { X: 'p' },
    Volumes: [{ State: 'in-use', Tags: [{ Key: 'Role', Value: 'db' }] }],
    AutomationExecution: { Outputs: { 'bake.ImageId': ['ami-1'] } },
    'a:b': 'colon',
  };

  test.each<[string, Json]>([
    ['SnapshotId', 'snap-1'],
    ['Payload.X', 'p'],
    [' $.SnapshotId ', 'snap-1'],
    ['.SnapshotId', 'snap-1'],
    ['$.Volumes.[0].State', 'in-use'],
    ['Volumes[0].State', 'in-use'],
    ["$.AutomationExecution.Outputs.'bake.ImageId'[0]", 'ami-1'],
    ['$.AutomationExecution.Outputs."bake.ImageId"[0]', 'ami-1'],
    ['$.a:b', 'colon'],
    ["$.Volumes[0].Tags[?(@.Key == 'Role')].Value", 'db'],
    ["$..Tags[?(@.Key=='Role')].Value", 'db'],
  ])('%s is read', (selector, expected) => {
    expect(validateSelector(selector)).toBeUndefined();
    expect(selectOutput(selector, 'String', data)).toEqual(value(expected));
  });
});

describe('a selector', () => {
  test('is refused for a reason', () => {
    expect(validateSelector(' ')).toBe('it is empty');
    expect(validateSelector('$.a[')).toBeTypeOf('string');
    expect(validateSelector('$')).toBeUndefined();
    expect(validateSelector('$.Payload.matches[2]')).toBeUndefined();
  });

  test('cannot call the functions that can hang', () => {
    for (const name of ['match', 'search']) {
      expect(validateSelector(`$.a[?${name}(@, '(a+)+$')]`)).toContain(name);
    }
    const started = performance.now();
    selectOutput("$.a[?match(@, '(a+)+$')]", 'StringList', { a: ['a'.repeat(40) + '!'] });
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test('never throws, whatever it finds', () => {
    const json = fc.jsonValue({ maxDepth: 5 }) as fc.Arbitrary<Json>;
    const selectors = fc.constantFrom('$', '$.a', '$..a', '$[0]', '$.*', "$..[?(@.a == 'b')]", '$[', 'x');
    fc.assert(
      fc.property(selectors, fc.constantFrom(...outputTypes), json, (selector, type, data) => {
        expect(['value', 'absent', 'mismatch']).toContain(selectOutput(selector, type, data).kind);
      }),
    );
  });
});
