/** belay run --targets: what the words come to, and what is refused before anything is started. */
import { expect, test } from 'vitest';
import type { Document } from '../../src/document/index.ts';
import { overTargets } from '../../src/cli/over-targets.ts';
import type { RawOptions } from '../../src/cli/options.ts';
import type { JsonObject } from '../../src/json.ts';
import type { StartRequest } from '../../src/runtime/belay.ts';
import { Refusal } from '../../src/runtime/refusal.ts';
import { runbook } from '../support/run-toy.ts';

const document: Document = runbook([], {
  parameters: {
    Host: { type: 'String' },
    Version: { type: 'String' },
    Count: { type: 'Integer', default: 1 },
  },
});
const request: StartRequest = {
  file: '/srv/patch.yaml',
  texts: { Version: '15', Count: '3' },
  values: {},
  secrets: {},
  sandbox: false,
};
const targets = { targets: ['tag:Role=db,web'], targetParameter: 'Host' };

function stepOf(options: RawOptions, asked: Partial<StartRequest> = {}): JsonObject {
  const { file } = overTargets({ ...request, ...asked }, document, options);
  if (typeof file === 'string') throw new Error('it is one execution');
  return (JSON.parse(file.text) as { mainSteps: { inputs: JsonObject }[] }).mainSteps[0]?.inputs ?? {};
}

function refusalOf(options: RawOptions, asked: Partial<StartRequest> = {}, of: Document = document): string {
  try {
    overTargets({ ...request, ...asked }, of, options);
  } catch (error) {
    if (error instanceof Refusal) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'nothing';
}

test('without --targets it is the same request', () => {
  expect(overTargets(request, document, {})).toBe(request);
});

test('a tag, its values, the parameter and the limits become the inputs of one step', () => {
  expect(stepOf({ ...targets, maxConcurrency: '10%', maxErrors: '1', strictErrors: true })).toEqual({
    DocumentName: '/srv/patch.yaml',
    RuntimeParameters: { Version: '15', Count: 3 },
    Targets: [{ Key: 'tag:Role', Values: ['db', 'web'] }],
    TargetParameterName: 'Host',
    MaxConcurrency: '10%',
    MaxErrors: '1',
    StrictErrors: true,
  });
});

test('hosts are named as the inventory has them, as often as wanted', () => {
  expect(stepOf({ targets: ['db{1..3}', 'group:web'], targetParameter: 'Host' })['Targets']).toEqual([
    { Key: 'Hosts', Values: ['db{1..3}', 'group:web'] },
  ]);
});

test('a value that is given twice is one target', () => {
  const twice = stepOf({ targets: ['ParameterValues=a, b,a'], targetParameter: 'Host' });
  expect(twice['Targets']).toEqual([{ Key: 'ParameterValues', Values: ['a', 'b'] }]);
});

test('an interactive run is of one execution', () => {
  expect(refusalOf(targets, { mode: 'Interactive' })).toContain('NOT_WITH_TARGETS');
});

test('the only parameter of a runbook need not be named', () => {
  const single = runbook([], { parameters: { Host: { type: 'String' } } });
  const { file } = overTargets({ ...request, texts: {} }, single, { targets: ['ParameterValues=a'] });
  expect(typeof file === 'string' ? '' : file.text).toContain('"TargetParameterName":"Host"');
});

test.each([
  [
    { targets: ['tag:Role='], targetParameter: 'Host' },
    {},
    'BAD_PAIR --targets tag:Role=: there is no value',
  ],
  [{ targets: ['tag:Role=db'] }, {}, 'MISSING_PARAMETER --targets needs --target-parameter'],
  [{ ...targets, targetParameter: 'Hots' }, {}, 'UNKNOWN_PARAMETER --target-parameter Hots'],
  [targets, { texts: {} }, 'MISSING_PARAMETER parameter Version'],
  [targets, { texts: { Version: '15', Count: 'x' } }, 'WRONG_TYPE parameter Count is Integer'],
  [targets, { texts: { Version: '15', Host: 'a' } }, 'GIVEN_TWICE parameter Host is given'],
  [targets, { secrets: { Version: 'env:X' } }, 'SECRET_NOT_ALLOWED --secret Version cannot go'],
  [{ targets: ['tag:A=x', 'tag:B=y'], targetParameter: 'Host' }, {}, 'TARGETS --targets tag:A=x and tag:B=y'],
  [
    { targets: ['AWS::EC2::Instance=i-1'], targetParameter: 'Host' },
    {},
    'TARGETS --targets AWS::EC2::Instance=i-1: AWS::EC2::Instance takes * alone',
  ],
  [{ targets: ['tag:Role'], targetParameter: 'Host' }, {}, 'BAD_PAIR --targets tag:Role: a tag has a value'],
  [{ ...targets, maxConcurrency: '0' }, {}, 'BAD_LIMIT --max-concurrency 0'],
  [{ ...targets, maxErrors: '200%' }, {}, 'BAD_LIMIT --max-errors 200%'],
  [{ maxErrors: '1' }, {}, 'NO_TARGETS --max-errors is for the targets of --targets'],
  [{ strictErrors: true }, {}, 'NO_TARGETS --strict-errors'],
] as const)('%j with %j is refused: %s', (options, asked, message) => {
  expect(refusalOf(options, asked)).toContain(message);
});

test('locations become those of the step, with the limits where there are no other targets', () => {
  const places = 'Accounts=111122223333,444455556666,Regions=eu-west-1,us-east-1,ExecutionRoleName=Ops';
  const place = {
    Accounts: ['111122223333', '444455556666'],
    Regions: ['eu-west-1', 'us-east-1'],
    ExecutionRoleName: 'Ops',
  };
  const whole = { values: { Host: 'db1' } };
  expect(stepOf({ targetLocations: [places], maxErrors: '1' }, whole)).toEqual({
    DocumentName: '/srv/patch.yaml',
    RuntimeParameters: { Version: '15', Count: 3, Host: 'db1' },
    TargetLocations: [{ ...place, TargetLocationMaxErrors: '1' }],
  });
  expect(stepOf({ ...targets, targetLocations: [places], maxErrors: '1' })).toMatchObject({
    Targets: [{ Key: 'tag:Role', Values: ['db', 'web'] }],
    MaxErrors: '1',
    TargetLocations: [place],
  });
});

test.each([
  ['Account=111122223333', 'Account is not a key'],
  ['111122223333', 'belongs to no key'],
  ['Accounts=', 'no value behind Accounts'],
  ['Accounts=12', '12 is not an account'],
  ['Accounts=ou-abcd-12345678', 'is not an account'],
  ['ExecutionRoleName=a,b', 'has one value'],
  ['Regions=a,Regions=b', 'given twice'],
])('the locations %s are refused: %s', (text, why) => {
  expect(refusalOf({ targetLocations: [text] }, { values: { Host: 'db1' } })).toContain(why);
});
