/** Sections 1.3, 1.5 and 3.2 of the reference: names, types and bounds that AWS holds single inputs to, and Belay under --strict-ssm alone. */
import { describe, expect, test } from 'vitest';

import { accepted, check, refused, runbook, sleep, takenWithoutStrict } from './ssm.ts';

const step = (action: string, inputs: object, more: object = {}) =>
  runbook({ mainSteps: [{ name: 'A', action, inputs }, sleep('B')], ...more });
const run = (more: object, document: object = {}) =>
  step(
    'aws:runCommand',
    {
      DocumentName: 'AWS-RunPatchBaseline',
      InstanceIds: ['i-0123456789abcdef0'],
      Parameters: { Operation: ['Scan'] },
      ...more,
    },
    document,
  );
const of = (type: string) => ({ parameters: { P: { type } } });

describe('1.3 types of parameters', () => {
  test.each(['Integer', 'Boolean', 'StringMap', 'String'])(
    'a parameter of type %s is not an InstanceIds of aws:runCommand when the document is made',
    (type) => {
      const document = run({ InstanceIds: '{{ P }}' }, of(type));
      refused(document, 'WRONG_INPUT', new RegExp(`\\{\\{ P \\}\\} is ${type}`));
      takenWithoutStrict(document);
    },
  );
  test('a StringList is, and a String as one of its elements', () => {
    accepted(run({ InstanceIds: '{{ P }}' }, of('StringList')));
    accepted(run({ InstanceIds: ['{{ P }}'] }, of('String')));
    accepted(run({ Parameters: { Operation: '{{ P }}' } }, of('String')));
  });
  test('a String may be a number of aws:runCommand, for its schema takes text there', () => {
    accepted(run({ TimeoutSeconds: '{{ P }}' }, of('String')));
    refused(run({ TimeoutSeconds: '{{ P }}' }, of('StringMap')), 'WRONG_INPUT');
  });
  test('of every other action the type shows when the step runs', () => {
    const document = step(
      'aws:runInstances',
      { ImageId: 'ami-1', MaxInstanceCount: '{{ P }}' },
      of('StringMap'),
    );
    accepted(document);
    expect(check(document).diagnostics).toMatchObject([{ code: 'WRONG_INPUT', severity: 'warning' }]);
  });
});

describe('1.5 names of documents', () => {
  test.each(['aws:runCommand', 'aws:executeAutomation'])(
    '%s takes 3 to 128 letters, digits and _ - . or an ARN',
    (action) => {
      const named = (DocumentName: string) =>
        step(action, {
          DocumentName,
          ...(action === 'aws:runCommand' ? { InstanceIds: ['i-0123456789abcdef0'] } : {}),
        });
      for (const name of [
        'abc',
        'Team_Stop-1.2',
        'x'.repeat(128),
        'arn:aws:ssm:eu-west-1:111122223333:document/Team-Stop',
      ])
        accepted(named(name));
      for (const name of ['ab', 'Team Stop', 'a$bc', 'x'.repeat(129)]) {
        refused(named(name), 'WRONG_INPUT', /3 to 128/);
        takenWithoutStrict(named(name));
      }
    },
  );
});

describe('aws:runCommand', () => {
  test('DocumentVersion is $DEFAULT, $LATEST or a number', () => {
    for (const DocumentVersion of ['$DEFAULT', '$LATEST', '3']) accepted(run({ DocumentVersion }));
    for (const DocumentVersion of ['latest', '0', 'v2']) refused(run({ DocumentVersion }), 'WRONG_INPUT');
  });
  test('MaxConcurrency and MaxErrors are counts or percentages', () => {
    for (const value of ['1', '10%', '100%']) accepted(run({ MaxConcurrency: value, MaxErrors: value }));
    accepted(run({ MaxErrors: '0' }));
    for (const MaxConcurrency of ['0', '101%', 'all']) refused(run({ MaxConcurrency }), 'WRONG_INPUT');
    for (const MaxErrors of ['-1', '101%', 'none']) refused(run({ MaxErrors }), 'WRONG_INPUT');
  });
  const targets = (...Targets: readonly object[]) =>
    step('aws:runCommand', { DocumentName: 'AWS-RunPatchBaseline', Targets });
  const values = (count: number) => Array.from({ length: count }, (_, n) => `v${n}`);
  test.each([
    'tag:Role',
    'tag-key',
    'InstanceIds',
    'resource-groups:Name',
    'resource-groups:ResourceTypeFilters',
  ])('the Key of a target may be %s', (Key) => accepted(targets({ Key, Values: ['i-0123456789abcdef0'] })));
  test('no other Key exists', () => {
    refused(targets({ Key: 'Role', Values: ['db'] }), 'WRONG_INPUT', /not by Role/);
  });
  test('there are at most 5 targets, each with at most 50 values', () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, n) => ({ Key: `tag:t${n}`, Values: ['v'] }));
    accepted(targets(...many(5)));
    refused(targets(...many(6)), 'WRONG_INPUT');
    accepted(targets({ Key: 'tag:Role', Values: values(50) }));
    refused(targets({ Key: 'tag:Role', Values: values(51) }), 'SSM_LIMIT', /51 values/);
    takenWithoutStrict(targets({ Key: 'tag:Role', Values: values(51) }));
  });
});

describe('aws:approve', () => {
  const approve = (more: object) => step('aws:approve', { Approvers: ['a'], ...more });
  test('the name of the topic begins with Automation', () => {
    accepted(approve({ NotificationArn: 'arn:aws:sns:eu-west-1:111122223333:Automation-asks' }));
    const other = approve({ NotificationArn: 'arn:aws:sns:eu-west-1:111122223333:asks' });
    refused(other, 'WRONG_INPUT', /begins with Automation/);
    takenWithoutStrict(other);
  });
  test('an approver is a user name, or the ARN of a user, a role or an assumed role', () => {
    accepted(
      approve({
        Approvers: [
          'bob',
          'arn:aws:iam::111122223333:user/bob',
          'arn:aws:iam::111122223333:role/OnCall',
          'arn:aws:sts::111122223333:assumed-role/OnCall/bob',
        ],
      }),
    );
  });
});

describe('aws:createStack', () => {
  test('takes 50 tags', () => {
    const tags = (count: number) =>
      step('aws:createStack', {
        StackName: 's',
        TemplateBody: '{}',
        Tags: Array.from({ length: count }, (_, n) => ({ Key: `k${n}`, Value: 'v' })),
      });
    accepted(tags(50));
    refused(tags(51), 'WRONG_INPUT', /at most 50/);
  });
  test('TemplateURL has at most 1,024 characters', () => {
    const url = (length: number) => 'https://s3.amazonaws.com/'.padEnd(length, 'k');
    accepted(step('aws:createStack', { StackName: 's', TemplateURL: url(1_024) }));
    refused(step('aws:createStack', { StackName: 's', TemplateURL: url(1_025) }), 'WRONG_INPUT');
  });
});

describe('aws:executeScript', () => {
  const files = (name: string) => ({ files: { [name]: { checksums: { sha256: 'a'.repeat(64) } } } });
  const attached = (Runtime: string, Attachment: string, Handler?: string) =>
    step(
      'aws:executeScript',
      { Runtime, Attachment, ...(Handler === undefined ? {} : { Handler }) },
      files(Attachment),
    );
  test('PowerShell is attached as a .zip, Python as a .zip or a .py', () => {
    accepted(attached('PowerShell 7.0', 'a.zip'));
    refused(attached('PowerShell 7.0', 'a.ps1'), 'WRONG_INPUT', /\.zip/);
    takenWithoutStrict(attached('PowerShell 7.0', 'a.ps1'));
    for (const name of ['a.zip', 'a.py']) accepted(attached('python3.11', name, 'a.f'));
  });
  test('a file is invoked as file.function where an Attachment is the whole program', () => {
    for (const name of ['launch.zip', 'launch.py'])
      refused(attached('python3.11', name, 'run'), 'WRONG_INPUT', /file before the function/);
    takenWithoutStrict(attached('python3.11', 'launch.py', 'run'));
    expect(check(attached('python3.11', 'launch.zip', 'run')).diagnostics).toMatchObject([
      { code: 'NO_HANDLER', severity: 'warning', message: expect.stringContaining('launch.py there') },
      { code: 'WRONG_INPUT', hint: 'Write file.run' },
    ]);
    accepted(attached('python3.11', 'launch.zip', 'other.run'));
    const Script = 'def run(events, context): pass';
    const beside = { Runtime: 'python3.11', Attachment: 'lib.zip', Handler: 'run', Script };
    accepted(step('aws:executeScript', beside, files('lib.zip')));
  });
  test('a Handler that names another module than the attached file is warned of', () => {
    const [problem] = check(attached('python3.11', 'launch.py', 'start.run')).diagnostics;
    expect(problem).toMatchObject({ code: 'NO_HANDLER', severity: 'warning', hint: 'Write launch.run' });
  });
  test('an Attachment is a file of files:, and another one is warned of', () => {
    const document = step(
      'aws:executeScript',
      { Runtime: 'python3.11', Attachment: 'b.zip', Handler: 'b.f' },
      files('a.zip'),
    );
    accepted(document);
    expect(check(document).diagnostics).toMatchObject([
      {
        code: 'UNKNOWN_REFERENCE',
        severity: 'warning',
        message: expect.stringContaining('files: names a.zip'),
      },
    ]);
  });
  test('a JSON runbook may hold a Script, for a text is a text', () => {
    accepted(
      JSON.stringify(
        step('aws:executeScript', {
          Runtime: 'python3.11',
          Handler: 'f',
          Script: 'def f(events, context):\n  return {}',
        }),
      ),
    );
  });
});

describe('aws:invokeLambdaFunction', () => {
  test('Payload is JSON', () => {
    accepted(
      step('aws:invokeLambdaFunction', { FunctionName: 'f', Payload: '{"a": [1, "{{ global:DATE }}"]}' }),
    );
    accepted(step('aws:invokeLambdaFunction', { FunctionName: 'f', Payload: '"text"' }));
    refused(
      step('aws:invokeLambdaFunction', { FunctionName: 'f', Payload: '{"a"' }),
      'WRONG_INPUT',
      /not JSON/,
    );
  });
});

describe('aws:runInstances', () => {
  test('takes either the ARN of a profile or its name', () => {
    const profile = { IamInstanceProfileArn: 'arn:aws:iam::111122223333:instance-profile/p' };
    accepted(step('aws:runInstances', { ImageId: 'ami-1', ...profile }));
    refused(
      step('aws:runInstances', { ImageId: 'ami-1', ...profile, IamInstanceProfileName: 'p' }),
      'WRONG_INPUT',
    );
  });
  test('takes the rest of what RunInstances takes', () => {
    accepted(
      step('aws:runInstances', {
        ImageId: 'ami-1',
        SecurityGroups: ['default'],
        NetworkInterfaces: [{ DeviceIndex: 0, SubnetId: 'subnet-1' }],
        Placement: { Tenancy: 'default' },
        PrivateIpAddress: '10.0.0.1',
        EbsOptimized: false,
        KernelId: 'aki-1',
        RamdiskId: 'ari-1',
        ClientToken: 't',
        AdditionalInfo: 'x',
      }),
    );
  });
});

describe('aws:sleep', () => {
  test('takes one of Duration and Timestamp', () => {
    refused(
      step('aws:sleep', { Duration: 'PT1S', Timestamp: '2030-01-01T00:00:00Z' }),
      'WRONG_INPUT',
      /either/,
    );
  });
});

test('a list of steps under a misspelt name is told with the right one', () => {
  const loop = step('aws:loop', { Iterators: ['a'], steps: [] });
  expect(check(loop, false).diagnostics).toContainEqual(
    expect.objectContaining({ code: 'UNKNOWN_INPUT', severity: 'error', hint: 'Did you mean Steps?' }),
  );
});

test('a list in an input that takes several kinds is told by its element, and by nothing else', () => {
  const commands = (value: unknown) =>
    step('aws:runCommand', {
      DocumentName: 'AWS-RunShellScript',
      InstanceIds: ['i-0123456789abcdef0'],
      Parameters: { commands: value },
    });
  for (const value of [[{ 'Fn::Join': 'x' }], ['uptime', ['nested']]])
    expect(check(commands(value), false).diagnostics).toMatchObject([
      {
        code: 'WRONG_INPUT',
        message: expect.stringMatching(/^Parameters\.commands\[\d\] of .* must be text/),
      },
    ]);
});
