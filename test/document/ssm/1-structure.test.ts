/** Section 1 of the reference: what a document may consist of. */
import { describe, test } from 'vitest';

import { accepted, call, refused, runbook, sleep, takenWithoutStrict } from './ssm.ts';

const parameter = (definition: object, more: object = {}) =>
  runbook({ parameters: { P: definition }, ...more });

describe('1.1 top-level keys', () => {
  test("schemaVersion is '0.3', and the unquoted 0.3 is taken too", () => {
    accepted(runbook());
    accepted(
      'schemaVersion: 0.3\nmainSteps:\n  - { name: W, action: "aws:sleep", inputs: { Duration: PT1S } }\n',
    );
    refused(runbook({ schemaVersion: '0.4' }), 'SCHEMA_VERSION');
    refused({ mainSteps: [sleep('W')] }, 'MISSING_KEY');
  });
  test('schemaVersion of a Command document is told apart', () => {
    for (const version of ['1.2', '2.0', '2.2'])
      refused(runbook({ schemaVersion: version }), 'COMMAND_DOCUMENT');
  });
  test('description, assumeRole, parameters, outputs and files are optional', () => {
    const sha256 = 'a'.repeat(64);
    accepted(runbook({ description: '*x*', assumeRole: '', parameters: {}, outputs: [], files: {} }));
    accepted(
      runbook({
        files: { 'a.py': { checksums: { sha256 } }, 'b.zip': { checksums: { 'SHA-256': sha256 } } },
      }),
    );
  });
  test('assumeRole is an ARN, a parameter in braces, or a text with a global in it', () => {
    accepted(runbook({ assumeRole: 'arn:aws:iam::111122223333:role/r' }));
    for (const role of ['{{R}}', '{{ R }}'])
      accepted(runbook({ assumeRole: role, parameters: { R: { type: 'String', default: '' } } }));
    accepted(runbook({ assumeRole: 'arn:{{global:AWS_PARTITION}}:iam::{{global:ACCOUNT_ID}}:role/r' }));
  });
  test('a constant in assumeRole is the ARN of a role', () => {
    for (const role of ['Patcher', 'arn:aws:iam::111122223333:user/u']) {
      refused(runbook({ assumeRole: role }), 'WRONG_VALUE', /ARN of a role/);
      takenWithoutStrict(runbook({ assumeRole: role }));
    }
  });
  test('{{ssm:…}} is not allowed in assumeRole', () => {
    refused(runbook({ assumeRole: '{{ssm:/role}}' }), 'SSM_REFERENCE');
  });
  test('mainSteps has at least one step', () => {
    refused(runbook({ mainSteps: [] }), 'WRONG_VALUE', /no step/);
    refused({ schemaVersion: '0.3' }, 'MISSING_KEY', /mainSteps/);
  });
  test('outputs is a list of "step.Output", without braces', () => {
    accepted(
      runbook({ mainSteps: [call('A', { outputs: [{ Name: 'x', Selector: '$.x' }] })], outputs: ['A.x'] }),
    );
    refused(
      runbook({
        mainSteps: [call('A', { outputs: [{ Name: 'x', Selector: '$.x' }] })],
        outputs: ['{{ A.x }}'],
      }),
      'BAD_OUTPUT',
    );
  });
  test('no other key is known', () => {
    refused(runbook({ owner: 'me' }), 'UNKNOWN_KEY');
  });
  test('a runbook has at most 5 attachments', () => {
    const files = (count: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [
          `f${index}.py`,
          { checksums: { sha256: 'a'.repeat(64) } },
        ]),
      );
    accepted(runbook({ files: files(5) }));
    refused(runbook({ files: files(6) }), 'SSM_LIMIT', /6 attachments/);
    takenWithoutStrict(runbook({ files: files(6) }));
  });
});

describe('1.2 step keys', () => {
  const steps = (...mainSteps: readonly object[]) => runbook({ mainSteps });
  test('a name is of letters, digits and underscores, and unique', () => {
    accepted(steps(sleep('A_1'), sleep('a_1')));
    refused(steps(sleep('A-1')), 'STEP_NAME');
    refused(steps(sleep('A'), sleep('A')), 'DUPLICATE_STEP');
  });
  test('name and action are required', () => {
    refused(steps({ action: 'aws:pause', inputs: {} }), 'MISSING_KEY', /name/);
    refused(steps({ name: 'A', inputs: {} }), 'MISSING_KEY', /action/);
  });
  test('inputs are required, {} for pause', () => {
    accepted(steps({ name: 'A', action: 'aws:pause', inputs: {} }));
    refused(steps({ name: 'A', action: 'aws:pause' }), 'MISSING_KEY', /no inputs/);
    takenWithoutStrict(steps({ name: 'A', action: 'aws:pause' }));
  });
  test('maxAttempts is a whole number of total attempts', () => {
    accepted(steps(sleep('A', { maxAttempts: 3 })));
    refused(steps(sleep('A', { maxAttempts: 0 })), 'WRONG_VALUE');
    refused(steps(sleep('A', { maxAttempts: 'many' })), 'WRONG_TYPE');
  });
  test('timeoutSeconds is a whole number, a text or an expression', () => {
    accepted(steps(sleep('A', { timeoutSeconds: 600 })));
    accepted(steps(sleep('A', { timeoutSeconds: '600' })));
    accepted(
      runbook({
        parameters: { T: { type: 'Integer', default: 60 } },
        mainSteps: [sleep('A', { timeoutSeconds: '{{ T }}' })],
      }),
    );
    refused(steps(sleep('A', { timeoutSeconds: 'soon' })), 'WRONG_TYPE');
  });
  test('onFailure is Abort, Continue or step:<name>', () => {
    for (const onFailure of ['Abort', 'Continue', 'step:B'])
      accepted(steps(sleep('A', { onFailure }), sleep('B')));
    for (const onFailure of ['Ignore', 'abort', 'B'])
      refused(steps(sleep('A', { onFailure }), sleep('B')), 'WRONG_VALUE');
  });
  test('onCancel is Abort or step:<name>', () => {
    for (const onCancel of ['Abort', 'step:B']) accepted(steps(call('A', { onCancel }), call('B')));
    refused(steps(call('A', { onCancel: 'Continue' }), call('B')), 'WRONG_VALUE');
  });
  test('isCritical and isEnd are booleans, or "true" and "false"', () => {
    for (const value of [true, false, 'true', 'false'])
      accepted(steps(sleep('A', { isCritical: value, isEnd: 'false' }), sleep('B', { isEnd: value })));
    refused(steps(sleep('A', { isEnd: 'perhaps' })), 'WRONG_TYPE');
  });
  test('nextStep names a step', () => {
    accepted(steps(sleep('A', { nextStep: 'B' }), sleep('B')));
    refused(steps(sleep('A', { nextStep: 'C' }), sleep('B')), 'UNKNOWN_STEP');
  });
  test('outputs at step level is legal on any action', () => {
    accepted(steps(sleep('A', { outputs: [{ Name: 'x', Selector: '$.Retry', Type: 'String' }] })));
  });
  test('no other key is known', () => {
    refused(steps(sleep('A', { precondition: {} })), 'UNKNOWN_KEY');
  });
});

describe('1.3 validation when the document is created', () => {
  test('references to unknown step names are refused', () => {
    refused(runbook({ mainSteps: [sleep('A', { onFailure: 'step:Gone' })] }), 'UNKNOWN_STEP');
  });
  test('infinite loops are refused, and the cycle is told', () => {
    refused(runbook({ mainSteps: [sleep('A'), sleep('B', { nextStep: 'A' })] }), 'CYCLE', /A → B → A/);
  });
  test('cycle detection includes nextStep, onFailure, onCancel and branch targets', () => {
    for (const key of ['onFailure', 'onCancel'])
      refused(runbook({ mainSteps: [call('A'), call('B', { [key]: 'step:A' })] }), 'CYCLE');
    const choices = [{ NextStep: 'A', Variable: '{{ global:REGION }}', StringEquals: 'x' }];
    refused(
      runbook({ mainSteps: [sleep('A'), { name: 'B', action: 'aws:branch', inputs: { Choices: choices } }] }),
      'CYCLE',
    );
  });
  test('{{ssm:}} directly inside step inputs is invalid', () => {
    refused(runbook({ mainSteps: [sleep('A', { inputs: { Duration: '{{ssm:/x}}' } })] }), 'SSM_REFERENCE');
  });
  test('backward jumps are legal as long as the steps form no cycle', () => {
    accepted(
      runbook({
        mainSteps: [
          call('A', { onFailure: 'step:Clean' }),
          sleep('End', { isEnd: true }),
          sleep('Clean', { nextStep: 'End' }),
        ],
      }),
    );
  });
});

describe('1.4 parameter definitions', () => {
  test('type is required', () => {
    refused(parameter({ default: 'x' }), 'MISSING_KEY', /type/);
  });
  test.each(['String', 'StringList', 'Boolean', 'Integer', 'StringMap', 'MapList'])(
    '%s is a type',
    (type) => {
      accepted(parameter({ type }));
    },
  );
  test.each([
    'AWS::EC2::Instance::Id',
    'List<AWS::EC2::Instance::Id>',
    'AWS::S3::Bucket::Name',
    'List<AWS::S3::Bucket::Name>',
    'AWS::IAM::Role::Arn',
    'List<AWS::IAM::Role::Arn>',
    'AWS::EC2::Subnet::Id',
  ])('%s is a type', (type) => {
    accepted(parameter({ type }));
  });
  test('no other type exists', () => {
    for (const type of ['string', 'Number', 'SecureString', 'List<String>'])
      refused(parameter({ type }), 'PARAMETER_TYPE');
  });
  test('Boolean accepts only true and false; not "true", not 0', () => {
    for (const value of [true, false]) accepted(parameter({ type: 'Boolean', default: value }));
    refused(parameter({ type: 'Boolean', default: 'true' }), 'WRONG_TYPE');
    refused(parameter({ type: 'Boolean', default: 0 }), 'DEFAULT_VALUE');
  });
  test('Integer accepts whole numbers, not quoted', () => {
    accepted(parameter({ type: 'Integer', default: 3 }));
    refused(parameter({ type: 'Integer', default: '3' }), 'WRONG_TYPE');
    refused(parameter({ type: 'Integer', default: 1.5 }), 'DEFAULT_VALUE');
  });
  test('String accepts text', () => {
    accepted(parameter({ type: 'String', default: '3' }));
    refused(parameter({ type: 'String', default: 3 }), 'WRONG_TYPE');
    takenWithoutStrict(parameter({ type: 'String', default: 3 }));
  });
  test('StringList accepts a list of texts, a comma separated text or a JSON text', () => {
    for (const value of [['a', 'b'], 'a,b', '["a","b"]', []])
      accepted(parameter({ type: 'StringList', default: value }));
    refused(parameter({ type: 'StringList', default: [1] }), 'WRONG_TYPE');
    takenWithoutStrict(parameter({ type: 'StringList', default: [1] }));
  });
  test('allowed values of texts may be bare numbers, as in a runbook that AWS publishes', () => {
    accepted(parameter({ type: 'StringList', allowedValues: [403, 404] }));
    accepted(parameter({ type: 'String', allowedValues: [403, 404], default: '403' }));
  });
  test('StringMap accepts a map, and real documents nest lists and maps in it', () => {
    for (const value of [{}, { k: 'v' }, { k: [{ a: 'b' }] }, '{}', ''])
      accepted(parameter({ type: 'StringMap', default: value }));
    refused(parameter({ type: 'StringMap', default: ['a'] }), 'DEFAULT_VALUE');
  });
  test('MapList accepts a list of maps, or JSON of it', () => {
    for (const value of [[], [{ a: 'b' }], '[]']) accepted(parameter({ type: 'MapList', default: value }));
    refused(parameter({ type: 'MapList', default: ['a'] }), 'DEFAULT_VALUE');
  });
  test("a resource type's pattern is not applied to an empty default", () => {
    accepted(parameter({ type: 'AWS::IAM::Role::Arn', default: '' }));
  });
  test('allowedValues, allowedPattern, displayType and the limits of size are known', () => {
    accepted(
      parameter({
        type: 'StringList',
        description: 'x',
        displayType: 'textarea',
        allowedValues: ['a', 'b'],
        allowedPattern: '^[a-z]$',
        minItems: 0,
        maxItems: 2,
        minChars: 1,
        maxChars: 9,
      }),
    );
    refused(parameter({ type: 'String', displayType: 'dropdown' }), 'WRONG_VALUE');
    refused(parameter({ type: 'String', pattern: 'x' }), 'UNKNOWN_KEY');
  });
  test('a default may hold {{ssm:name}}, globals, the execution id and another parameter', () => {
    for (const value of ['{{ssm:/a/b}}', '{{global:DATE}}', '{{automation:EXECUTION_ID}}', 'x_{{ Q }}'])
      accepted(runbook({ parameters: { P: { type: 'String', default: value }, Q: { type: 'String' } } }));
  });
  test('allowedPattern is checked on the raw, unresolved value', () => {
    accepted(
      parameter({
        type: 'String',
        default: '{{ global:ACCOUNT_ID }}',
        allowedPattern: '^\\{\\{ global:ACCOUNT_ID \\}\\}$|^[0-9]{12}$',
      }),
    );
  });
  test("lookaheads of Java's regular expressions are valid", () => {
    accepted(parameter({ type: 'String', allowedPattern: '^(?!x)[a-z]+$' }));
  });
});

describe('1.5 limits', () => {
  test('a document has at most 64 KB', () => {
    accepted(runbook({ description: 'x'.repeat(60_000) }));
    refused(runbook({ description: 'x'.repeat(66_000) }), 'SSM_LIMIT');
    takenWithoutStrict(runbook({ description: 'x'.repeat(66_000) }));
  });
  test('a start takes at most 200 parameters, with names of at most 50 characters', () => {
    const parameters = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`P${index}`, { type: 'String' }]));
    accepted(runbook({ parameters: parameters(200) }));
    refused(runbook({ parameters: parameters(201) }), 'SSM_LIMIT');
    accepted(runbook({ parameters: { ['a'.repeat(50)]: { type: 'String' } } }));
    refused(runbook({ parameters: { ['a'.repeat(51)]: { type: 'String' } } }), 'SSM_LIMIT');
  });
  test('a variable has a name of at most 50 characters, a text of 512, a StringList of 50 and a MapList of 200', () => {
    const variable = (type: string, value: unknown, name = 'V') =>
      runbook({ variables: { [name]: { type, default: value } } });
    const list = (count: number, item: unknown = 'x') => Array.from({ length: count }, () => item);
    for (const document of [
      variable('String', 'x'.repeat(512)),
      variable('String', '', 'a'.repeat(50)),
      variable('StringList', list(50)),
      variable('MapList', list(200, { a: 'b' })),
    ])
      accepted(document);
    for (const document of [
      variable('String', 'x'.repeat(513)),
      variable('String', '', 'a'.repeat(51)),
      variable('StringList', list(51)),
      variable('MapList', list(201, { a: 'b' })),
    ]) {
      refused(document, 'SSM_LIMIT');
      takenWithoutStrict(document);
    }
  });
  test('sleep lasts at most 604,799 s', () => {
    accepted(runbook({ mainSteps: [sleep('A', { inputs: { Duration: 'PT604799S' } })] }));
    refused(runbook({ mainSteps: [sleep('A', { inputs: { Duration: 'PT604800S' } })] }), 'WRONG_INPUT');
  });
  test('approve and pause wait at most 2,592,000 s', () => {
    const pause = (timeoutSeconds: number) =>
      runbook({ mainSteps: [{ name: 'A', action: 'aws:pause', timeoutSeconds, inputs: {} }] });
    accepted(pause(2_592_000));
    refused(pause(2_592_001), 'SSM_LIMIT');
    takenWithoutStrict(pause(2_592_001));
    const approval = (timeoutSeconds: number) =>
      runbook({
        mainSteps: [{ name: 'A', action: 'aws:approve', timeoutSeconds, inputs: { Approvers: ['a'] } }],
      });
    accepted(approval(2_592_000));
    refused(approval(2_592_001), 'SSM_LIMIT');
  });
  const approve = (inputs: object) => runbook({ mainSteps: [{ name: 'A', action: 'aws:approve', inputs }] });
  test('a step has at most 10 approvers and a message of at most 4096 characters', () => {
    const people = (count: number) => Array.from({ length: count }, (_, index) => `u${index}`);
    accepted(approve({ Approvers: people(10), Message: 'x'.repeat(4096) }));
    refused(approve({ Approvers: people(11) }), 'WRONG_INPUT');
    refused(approve({ Approvers: ['a'], Message: 'x'.repeat(4097) }), 'WRONG_INPUT');
  });
  test('runCommand takes at most 50 InstanceIds', () => {
    const ids = (count: number) => ({
      DocumentName: 'AWS-RunShellScript',
      InstanceIds: Array.from({ length: count }, (_, index) => `i-${String(index).padStart(17, '0')}`),
      Parameters: { commands: ['id'] },
    });
    const run = (count: number) =>
      runbook({ mainSteps: [{ name: 'A', action: 'aws:runCommand', inputs: ids(count) }] });
    accepted(run(50));
    refused(run(51), 'SSM_LIMIT', /51 entries, and AWS takes at most 50/);
  });
});
