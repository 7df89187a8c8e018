/** Sections 1.3 to 1.5 of the reference: what is refused when an execution is started, and how values of parameters are written. */
import { describe, expect, test } from 'vitest';
import { checkArguments, parseArgument, resolveParameters } from '../../../src/document/index.ts';
import type { Json, JsonObject } from '../../../src/json.ts';
import { accepted, check, refused, runbook } from './ssm.ts';

function documentWith(parameters: object) {
  const { document } = check(runbook({ parameters }), false);
  if (document === undefined) throw new Error('the document is not right');
  return document;
}
const problems = (definition: object, value: Json | undefined) =>
  checkArguments(documentWith({ P: definition }), value === undefined ? {} : { P: value }).map(
    ({ code }) => code,
  );
/** As a text of the command line, or the one entry of StartAutomationExecution's list, is read. */
const read = (type: string, text: string) => {
  const parameter = documentWith({ P: { type } }).parameters['P'];
  if (parameter === undefined) throw new Error('there is no parameter');
  return parseArgument(parameter, text);
};

describe('1.3 at start', () => {
  test('an unknown parameter name is refused', () => {
    expect(checkArguments(documentWith({}), { Q: 'x' }).map(({ code }) => code)).toEqual([
      'UNKNOWN_PARAMETER',
    ]);
  });
  test('a required parameter is one without a default', () => {
    expect(problems({ type: 'String' }, undefined)).toEqual(['MISSING_PARAMETER']);
    expect(problems({ type: 'String', default: '' }, undefined)).toEqual([]);
  });
  test('allowedValues, allowedPattern and the limits of size are held to', () => {
    expect(problems({ type: 'String', allowedValues: ['a', 'b'] }, 'c')).toEqual(['VALUE_NOT_ALLOWED']);
    expect(problems({ type: 'String', allowedPattern: '^a+$' }, 'b')).toEqual(['PATTERN_MISMATCH']);
    expect(problems({ type: 'String', minChars: 2 }, 'a')).toEqual(['OUT_OF_RANGE']);
    expect(problems({ type: 'String', maxChars: 2 }, 'abc')).toEqual(['OUT_OF_RANGE']);
    expect(problems({ type: 'StringList', minItems: 1 }, [])).toEqual(['OUT_OF_RANGE']);
    expect(problems({ type: 'StringList', maxItems: 1 }, ['a', 'b'])).toEqual(['OUT_OF_RANGE']);
  });
  test('allowedValues tell upper case from lower case, and the nearest value is named', () => {
    const [problem] = checkArguments(
      documentWith({ P: { type: 'String', allowedValues: ['Install', 'Uninstall'] } }),
      { P: 'install' },
    );
    expect(problem?.code).toBe('VALUE_NOT_ALLOWED');
    expect(`${problem?.message} ${problem?.hint}`).toContain('Install');
  });
});

describe('1.4 values', () => {
  test.each<[string, string, Json]>([
    ['String', 'x', 'x'],
    ['String', '3', '3'],
    ['StringList', 'a,b', ['a', 'b']],
    ['StringList', '["a","b"]', ['a', 'b']],
    ['Boolean', 'true', true],
    ['Boolean', 'false', false],
    ['Integer', '3', 3],
    ['StringMap', '{"k":"v"}', { k: 'v' }],
    ['MapList', '[{"a":"b"}]', [{ a: 'b' }]],
  ])('%s is read from %s', (type, text, value) => {
    expect(read(type, text)).toEqual({ ok: true, value });
  });
  test.each([
    ['Boolean', 'yes'],
    ['Boolean', '1'],
    ['Integer', '3.5'],
    ['Integer', 'three'],
    ['StringMap', '{"k"'],
    ['StringMap', '["a"]'],
    ['MapList', '{"a":"b"'],
  ])('%s is not read from %s', (type, text) => {
    expect(read(type, text).ok).toBe(false);
  });
  test.each([
    ['AWS::EC2::Instance::Id', 'i-0123456789abcdef0', 'i-XYZ'],
    ['AWS::EC2::Instance::Id', 'mi-01234567', 'x-01234567'],
    ['AWS::S3::Bucket::Name', 'my-bucket.1', 'My_Bucket'],
    ['AWS::IAM::Role::Arn', 'arn:aws:iam::123456789012:role/x', 'arn:aws:iam::1:user/x'],
    ['AWS::IAM::Role::Arn', 'arn:aws-us-gov:iam::123456789012:role/path/x', 'x'],
  ])('a default of %s may be %s and not %s', (type, right, wrong) => {
    accepted(runbook({ parameters: { P: { type, default: right } } }));
    refused(runbook({ parameters: { P: { type, default: wrong } } }), 'DEFAULT_VALUE');
    accepted(runbook({ parameters: { P: { type: `List<${type}>`, default: [right] } } }));
    refused(
      runbook({ parameters: { P: { type: `List<${type}>`, default: [right, wrong] } } }),
      'DEFAULT_VALUE',
    );
    // A host of the inventory may stand where a document of AWS asks for an instance.
    expect(problems({ type }, wrong)).toEqual([]);
  });
  test('another type of a resource takes any text, and a list of it any texts', () => {
    expect(problems({ type: 'AWS::EC2::Subnet::Id' }, 'anything')).toEqual([]);
    expect(problems({ type: 'List<AWS::EC2::Subnet::Id>' }, ['a', 'b'])).toEqual([]);
  });
  test('allowedPattern and allowedValues of a list are for each of its elements', () => {
    expect(problems({ type: 'StringList', allowedPattern: '^[a-z]$' }, ['a', 'B'])).toEqual([
      'PATTERN_MISMATCH',
    ]);
    expect(problems({ type: 'StringList', allowedValues: ['a', 'b'] }, ['a', 'c'])).toEqual([
      'VALUE_NOT_ALLOWED',
    ]);
  });
  test('interpolationType is read, although it acts in Command documents only', () => {
    accepted(runbook({ parameters: { P: { type: 'String', interpolationType: 'ENV_VAR' } } }));
  });
  test('a default that names another parameter is resolved once: what a person gave is not looked into', () => {
    const document = documentWith({
      P: { type: 'String', default: 'from_{{ Q }}' },
      Q: { type: 'String' },
    });
    const resolved = resolveParameters(document, { Q: '{{ global:REGION }}' }, {
      parameters: {},
      outputs: () => undefined,
    } as never);
    expect(resolved).toMatchObject({
      ok: true,
      values: { P: 'from_{{ global:REGION }}' } satisfies JsonObject,
    });
  });
});

describe('1.1 variables', () => {
  const variable = (definition: object) => runbook({ variables: { V: definition } });
  test.each([
    ['Boolean', true],
    ['Integer', 3],
    ['String', 'x'],
    ['StringList', ['a']],
    ['StringMap', { a: 'b' }],
    ['StringMap', '{}'],
    ['MapList', [{ a: 'b' }]],
    ['MapList', '[]'],
  ])('type %s with the default %j', (type, value) => {
    accepted(variable({ type, default: value }));
  });
  test('no other type exists, and a default of another type is refused', () => {
    for (const definition of [
      { type: 'Number', default: 1 },
      { type: 'Integer', default: 'x' },
      { type: 'Boolean', default: 'perhaps' },
      { type: 'StringMap', default: ['a'] },
    ]) {
      const { diagnostics } = check(variable(definition));
      expect(
        diagnostics.some(({ severity }) => severity === 'error'),
        JSON.stringify(definition),
      ).toBe(true);
    }
  });
});

describe('1.1 files', () => {
  test.each(['sha256', 'SHA256', 'sha-256', 'SHA-256'])('a checksum may be spelt %s', (name) => {
    accepted(runbook({ files: { 'a.py': { checksums: { [name]: 'a'.repeat(64) } } } }));
  });
  test('a checksum is a sha256, and size is a number; one that no file can have is warned of', () => {
    accepted(runbook({ files: { 'a.py': { checksums: { sha256: 'A'.repeat(64) }, size: 12 } } }));
    const md5 = check(runbook({ files: { 'a.py': { checksums: { md5: 'a'.repeat(32) } } } }));
    expect(md5.diagnostics.map(({ code }) => code)).toContain('UNKNOWN_KEY');
    refused(runbook({ files: { 'a.py': { checksums: {} } } }), 'MISSING_KEY');
    const short = check(runbook({ files: { 'a.py': { checksums: { sha256: 'a' } } } }));
    expect(short.diagnostics.map(({ code, severity }) => `${code} ${severity}`)).toEqual([
      'WRONG_VALUE warning',
    ]);
  });
});
