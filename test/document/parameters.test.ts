import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  checkArguments,
  checkDocument,
  coerceArgument,
  parameterStoreReferences,
  parseArgument,
  parseParameterFile,
  renderDiagnostics,
  resolveParameters,
  type Document,
  type Parameter,
  type Scope,
} from '../../src/document/index.ts';
import type { Json } from '../../src/json.ts';
import { fakeCatalog } from './fake-catalog.ts';

function documentWith(parameters: Readonly<Record<string, Parameter>>): Document {
  const text = JSON.stringify({
    schemaVersion: '0.3',
    parameters,
    mainSteps: [{ name: 'A', action: 'aws:pause', inputs: {} }],
  });
  const { document, diagnostics } = checkDocument({ file: 'test.json', text }, fakeCatalog);
  if (document === undefined) throw new Error(diagnostics.map(({ message }) => message).join('; '));
  return document;
}

/** Codes and messages, as one line each. */
const problems = (parameters: Readonly<Record<string, Parameter>>, given: Record<string, Json>): string[] =>
  checkArguments(documentWith(parameters), given).map(
    ({ code, message, hint }) => `${code}: ${message}${hint === undefined ? '' : ` (${hint})`}`,
  );

const noScope: Scope = { lookup: ({ text }) => ({ kind: 'absent', why: `${text} is not known` }) };

describe('arguments', () => {
  test('that are right have no problems', () => {
    const parameters = { Host: { type: 'String' }, Count: { type: 'Integer', default: 3 } } as const;
    expect(problems(parameters, { Host: 'db1' })).toEqual([]);
    expect(problems(parameters, { Host: 'db1', Count: 5 })).toEqual([]);
  });

  test('unknown and missing ones are told apart, with the nearest name', () => {
    expect(problems({ Host: { type: 'String', description: 'A host.\nOr two.' } }, { Hots: 'db1' })).toEqual([
      'UNKNOWN_PARAMETER: the document has no parameter Hots (Did you mean Host?)',
      'MISSING_PARAMETER: parameter Host (String) has no default and was not given (A host.)',
    ]);
  });

  test('of the wrong type are refused with what they are', () => {
    expect(problems({ N: { type: 'Integer' } }, { N: 'many' })).toEqual([
      'WRONG_TYPE: parameter N is Integer, but "many" is not a whole number',
    ]);
    expect(problems({ V: { type: 'String' } }, { V: 1.1 })).toEqual([
      'WRONG_TYPE: parameter V is String, but 1.1 is a number (Put it in quotes: "1.1".)',
    ]);
    expect(problems({ B: { type: 'Boolean' } }, { B: 'yes' })).toEqual([
      'WRONG_TYPE: parameter B is Boolean, but "yes" is neither true nor false',
    ]);
    expect(problems({ M: { type: 'StringMap' } }, { M: '{x' })).toEqual([
      'WRONG_TYPE: parameter M is StringMap, but "{x" is not a map (Give JSON: {"key": "value"}.)',
    ]);
  });

  test('outside the allowed values get the nearest one, each element of a list by itself', () => {
    expect(
      problems({ A: { type: 'String', allowedValues: ['Install', 'Remove'] } }, { A: 'install' }),
    ).toEqual([
      'VALUE_NOT_ALLOWED: "install" is not allowed for parameter A; allowed: Install, Remove (Did you mean Install?)',
    ]);
    const list = { L: { type: 'StringList', allowedValues: ['a', 'b'] } } as const;
    expect(problems(list, { L: ['a', 'b'] })).toEqual([]);
    expect(problems(list, { L: ['a', 'c'] })).toEqual([
      'VALUE_NOT_ALLOWED: "c" is not allowed for parameter L; allowed: a, b',
    ]);
    expect(problems({ N: { type: 'Integer', allowedValues: [1, 2] } }, { N: '2' })).toEqual([]);
  });

  test('are matched against the pattern as they were given', () => {
    const parameters = {
      A: { type: 'String', allowedPattern: '^\\{\\{ global:ACCOUNT_ID \\}\\}$|^\\d+$' },
    } as const;
    expect(problems(parameters, { A: '{{ global:ACCOUNT_ID }}' })).toEqual([]);
    expect(problems(parameters, { A: 'x' })).toHaveLength(1);
    expect(problems({ L: { type: 'StringList', allowedPattern: '^i-' } }, { L: ['i-1', 'x'] })).toEqual([
      'PATTERN_MISMATCH: "x" does not match the pattern of parameter L: ^i-',
    ]);
  });

  test('are counted in characters, items and entries', () => {
    expect(problems({ S: { type: 'String', minChars: 2, maxChars: 3 } }, { S: '😀' })).toEqual([
      'OUT_OF_RANGE: parameter S has 1 characters, allowed: 2 to 3 characters',
    ]);
    expect(problems({ L: { type: 'StringList', maxItems: 1 } }, { L: ['a', 'b'] })).toHaveLength(1);
    expect(problems({ M: { type: 'StringMap', minItems: 1 } }, { M: {} })).toHaveLength(1);
    expect(problems({ N: { type: 'Integer', minValue: 1, maxValue: 9 } }, { N: 10 })).toHaveLength(1);
  });

  test('with a NUL anywhere are refused', () => {
    const parameters = { S: { type: 'String' }, M: { type: 'StringMap' } } as const;
    const codes = checkArguments(documentWith(parameters), { S: 'a\0b', M: { a: [{ 'k\0': 1 }] } });
    expect(codes.map(({ code }) => code)).toEqual(['NUL_CHARACTER', 'NUL_CHARACTER']);
  });

  test('for a secret are never in a message', () => {
    const parameters = {
      P: { type: 'String', secret: true, allowedValues: ['a'], allowedPattern: '^a$', maxChars: 1 },
      Q: { type: 'AWS::EC2::Instance::Id', secret: true, maxChars: 3 },
    } as const;
    const told = problems(parameters, { P: 'hunter2', Q: 'hunter2' }).join('\n');
    expect(told).toContain('VALUE_NOT_ALLOWED');
    expect(told).not.toContain('hunter');
  });

  test('may be empty for AWS types, and unknown AWS types are strings', () => {
    const parameters = { R: { type: 'AWS::IAM::Role::Arn' }, X: { type: 'List<AWS::New::Thing>' } } as const;
    expect(problems(parameters, { R: '', X: 'a,b' })).toEqual([]);
  });

  test('with an empty default are optional, whatever their pattern or type', () => {
    const parameters = {
      A: { type: 'String', default: '', allowedPattern: '^[0-9]{12}$' },
      M: { type: 'StringMap', default: '' },
      L: { type: 'MapList', default: '' },
    } as const;
    expect(problems(parameters, {})).toEqual([]);
    expect(problems(parameters, { A: 'x' })).toHaveLength(1);
    expect(resolveParameters(documentWith(parameters), {}, noScope)).toEqual({
      ok: true,
      values: { A: '', M: {}, L: [] },
    });
  });

  test('called like members of every object are no surprise', () => {
    expect(problems({}, { constructor: 'x', ['__proto__x']: 'y' })).toHaveLength(2);
    expect(
      problems({ toString: { type: 'String' } } as Record<string, Parameter>, { toString: 'x' }),
    ).toEqual([]);
    expect(problems({ valueOf: { type: 'String' } } as Record<string, Parameter>, {})).toHaveLength(1);
  });

  test('that the default leaves open are asked for, when the default itself is not allowed', () => {
    const parameters = { S: { type: 'String', default: '<subnet>', allowedPattern: '^subnet-' } } as const;
    expect(problems(parameters, {})).toHaveLength(1);
    expect(problems(parameters, { S: 'subnet-1' })).toEqual([]);
  });
});

describe('text from the command line', () => {
  test.each<[Parameter['type'], string, Json]>([
    ['String', '5', '5'],
    ['String', '[a]', '[a]'],
    ['Boolean', 'true', true],
    ['Integer', '-3', -3],
    ['StringList', 'a, b,c', ['a', 'b', 'c']],
    ['StringList', '["a,b"]', ['a,b']],
    ['StringList', '[::1]:22,[::2]:22', ['[::1]:22', '[::2]:22']],
    ['StringList', '', []],
    ['StringMap', '{"a":[1]}', { a: [1] }],
    ['MapList', '[{"a":1}]', [{ a: 1 }]],
    ['MapList', '{"a":1}', [{ a: 1 }]],
    ['AWS::EC2::Instance::Id', 'i-1', 'i-1'],
    ['List<AWS::EC2::Instance::Id>', 'i-1,i-2', ['i-1', 'i-2']],
  ])('%s takes %j', (type, text, expected) => {
    expect(parseArgument({ type }, text)).toEqual({ ok: true, value: expected });
  });

  test.each<[Parameter['type'], string]>([
    ['Boolean', 'yes'],
    ['Integer', '1.5'],
    ['Integer', '99999999999999999999'],
    ['StringMap', '[]'],
    ['MapList', '[1]'],
    ['StringList', '[1]'],
    ['StringList', '["a","b'],
    ['StringList', '[a,b'],
  ])('%s refuses %j', (type, text) => {
    expect(parseArgument({ type }, text).ok).toBe(false);
  });

  test('what the AWS API sends as lists of strings fits every type', () => {
    expect(coerceArgument('String', ['x'])).toEqual({ ok: true, value: 'x' });
    expect(coerceArgument('Integer', ['3'])).toEqual({ ok: true, value: 3 });
    expect(coerceArgument('Boolean', ['false'])).toEqual({ ok: true, value: false });
    expect(coerceArgument('StringMap', ['{"k":"v"}'])).toEqual({ ok: true, value: { k: 'v' } });
    expect(coerceArgument('MapList', ['[{"k":"v"}]'])).toEqual({ ok: true, value: [{ k: 'v' }] });
    expect(coerceArgument('MapList', ['{"k":"v"}', '{"k":"w"}'])).toEqual({
      ok: true,
      value: [{ k: 'v' }, { k: 'w' }],
    });
  });

  test('never throws', () => {
    const types = fc.constantFrom<Parameter['type']>(
      'String',
      'StringList',
      'Boolean',
      'Integer',
      'StringMap',
      'MapList',
    );
    fc.assert(
      fc.property(types, fc.jsonValue(), (type, value) => {
        const result = coerceArgument(type, value as Json);
        // What fits once fits again, unchanged.
        if (result.ok) expect(coerceArgument(type, result.value)).toEqual(result);
      }),
    );
  });
});

describe('resolving parameters', () => {
  const scope: Scope = {
    lookup: (reference) => {
      if (reference.text === 'global:DATE') return { kind: 'value', value: '2026-01-31' };
      if (reference.text === 'ssm:/ids') return { kind: 'value', value: 'i-1,i-2' };
      return { kind: 'absent', why: 'it is not known' };
    },
  };

  test('fills in defaults, which may name other parameters and globals', () => {
    const document = documentWith({
      Name: { type: 'String', default: 'ami-{{ Source }}-{{ global:DATE }}' },
      Source: { type: 'String' },
      Copy: { type: 'String', default: '{{ Name }}' },
    });
    expect(resolveParameters(document, { Source: 'x' }, scope)).toEqual({
      ok: true,
      values: { Name: 'ami-x-2026-01-31', Source: 'x', Copy: 'ami-x-2026-01-31' },
    });
  });

  test('never has what only a window gives to its task, and says so', () => {
    const parameters = { W: { type: 'String', default: '{{ WINDOW_ID }}' } } as const;
    expect(resolveParameters(documentWith(parameters), {}, scope)).toMatchObject({
      problems: [
        { code: 'ABSENT_VALUE', message: expect.stringMatching(/maintenance window .*Give W a value$/) },
      ],
    });
    expect(resolveParameters(documentWith(parameters), { W: 'w' }, scope)).toMatchObject({ ok: true });
  });

  test('never resolves what the caller gave', () => {
    const document = documentWith({
      A: { type: 'String' },
      B: { type: 'String', default: '<{{ A }}>' },
    });
    expect(resolveParameters(document, { A: '{{ global:DATE }}' }, scope)).toEqual({
      ok: true,
      values: { A: '{{ global:DATE }}', B: '<{{ global:DATE }}>' },
    });
  });

  test('brings texts into the type that is declared', () => {
    const document = documentWith({
      Ids: { type: 'StringList', default: '{{ ssm:/ids }}' },
      Map: { type: 'StringMap', default: '{"a": "b"}' },
      List: { type: 'StringList', default: 'x,y' },
    });
    expect(resolveParameters(document, {}, scope)).toEqual({
      ok: true,
      values: { Ids: ['i-1', 'i-2'], Map: { a: 'b' }, List: ['x', 'y'] },
    });
    expect(parameterStoreReferences(document, {})).toEqual(['/ids']);
    expect(parameterStoreReferences(document, { Ids: ['i-3'] })).toEqual([]);
  });

  test('says which default has no value', () => {
    const document = documentWith({ A: { type: 'String', default: '{{ ssm:/gone }}' } });
    expect(resolveParameters(document, {}, noScope)).toMatchObject({
      ok: false,
      problems: [{ code: 'ABSENT_VALUE', parameter: 'A' }],
    });
  });
});

describe('a parameter file', () => {
  const document = documentWith({
    Host: { type: 'String' },
    Count: { type: 'Integer', default: 1 },
    Force: { type: 'Boolean', default: false },
    Password: { type: 'String', secret: true },
  });
  const read = (text: string) => parseParameterFile({ file: 'p.yaml', text }, document);

  test('gives values, from YAML and from JSON', () => {
    expect(read('Host: db1\nCount: 5\n').values).toEqual({ Host: 'db1', Count: 5 });
    expect(read('{"Host": ["db1"], "Force": "true"}').values).toEqual({ Host: ['db1'], Force: 'true' });
    expect(read('').values).toEqual({});
  });

  test('says what is wrong where it stands', () => {
    const source = { file: 'p.yaml', text: 'Hots: db1\nCount: many\n' };
    const { values, diagnostics } = parseParameterFile(source, document);
    expect(values).toBeUndefined();
    expect(renderDiagnostics(diagnostics, [source], { color: false })).toBe(
      [
        'p.yaml:1:1  UNKNOWN_PARAMETER',
        '  the document has no parameter Hots',
        '  1 | Hots: db1',
        '    | ^^^^',
        '  Did you mean Host?',
        'p.yaml:2:8  WRONG_TYPE',
        '  parameter Count is Integer, but "many" is not a whole number',
        '  2 | Count: many',
        '    |        ^^^^',
        '',
      ].join('\n'),
    );
  });

  test('takes no secrets, and shows none', () => {
    const source = { file: 'p.yaml', text: 'Password: hunter2\n' };
    const { diagnostics } = parseParameterFile(source, document);
    const told = renderDiagnostics(diagnostics, [source], { color: false });
    expect(told).toContain('SECRET_PARAMETER');
    expect(told).not.toContain('hunter2');
  });

  test('takes the booleans of YAML 1.1 with a warning', () => {
    const { values, diagnostics } = read('Host: db1\nForce: yes\n');
    expect(values).toEqual({ Host: 'db1', Force: true });
    expect(diagnostics.map(({ code }) => code)).toEqual(['YAML_1_1_BOOLEAN']);
  });
});
