/** Section 3.2 of the reference: what it says of single inputs, action by action. */
import { describe, expect, test } from 'vitest';

import { accepted, call, check, refused, runbook, sleep, takenWithoutStrict } from './ssm.ts';

const step = (action: string, inputs: object, more: object = {}) =>
  runbook({ mainSteps: [{ name: 'A', action, inputs, ...more }, sleep('B')] });
const codes = (document: Parameters<typeof check>[0]) =>
  check(document)
    .diagnostics.filter(({ severity }) => severity === 'error')
    .map(({ code }) => code);
/** Refused, by whatever code says it best. */
const notTaken = (document: Parameters<typeof check>[0]): void => expect(codes(document)).not.toEqual([]);

describe('aws:createStack', () => {
  const stack = (more: object) =>
    step('aws:createStack', { StackName: 'stack', TemplateBody: '{}', ...more });
  test('takes either TemplateBody or TemplateURL', () => {
    notTaken(stack({ TemplateURL: 'https://s3.amazonaws.com/b/k' }));
  });
  test('StackName begins with a letter, holds letters, digits and dashes, and has at most 128 characters', () => {
    for (const StackName of ['a', 'A-1', 'x'.repeat(128), 'Helper-{{automation:EXECUTION_ID}}'])
      accepted(stack({ StackName }));
    for (const StackName of ['1a', 'a_b', '', 'x'.repeat(129)]) notTaken(stack({ StackName }));
  });
  test('TemplateBody has at most 51,200 bytes', () => {
    accepted(stack({ TemplateBody: `{"Description":"${'x'.repeat(51_000)}"}` }));
    notTaken(stack({ TemplateBody: `{"Description":"${'x'.repeat(51_200)}"}` }));
  });
  test('Capabilities are CAPABILITY_IAM, CAPABILITY_NAMED_IAM and CAPABILITY_AUTO_EXPAND', () => {
    accepted(stack({ Capabilities: ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM', 'CAPABILITY_AUTO_EXPAND'] }));
    notTaken(stack({ Capabilities: ['CAPABILITY_ALL'] }));
  });
  test('takes either DisableRollback or OnFailure, which may be spelt onFailure', () => {
    for (const more of [
      { DisableRollback: true },
      { OnFailure: 'DELETE' },
      { OnFailure: 'DO_NOTHING' },
      { onFailure: 'ROLLBACK' },
    ])
      accepted(stack(more));
    notTaken(stack({ DisableRollback: true, OnFailure: 'DELETE' }));
    notTaken(stack({ OnFailure: 'IGNORE' }));
  });
  test('has at most 5 NotificationARNs, and TimeoutInMinutes of at least 1', () => {
    const arns = (count: number) =>
      Array.from({ length: count }, (_, n) => `arn:aws:sns:eu-west-1:111122223333:t${n}`);
    accepted(stack({ NotificationARNs: arns(5), TimeoutInMinutes: 1 }));
    notTaken(stack({ NotificationARNs: arns(6) }));
    notTaken(stack({ TimeoutInMinutes: 0 }));
  });
  test('takes either StackPolicyBody or StackPolicyURL', () => {
    accepted(stack({ StackPolicyBody: '{}' }));
    notTaken(stack({ StackPolicyBody: '{}', StackPolicyURL: 'https://s3.amazonaws.com/b/k' }));
  });
});

describe('aws:deleteStack', () => {
  test('takes RoleARN, ClientRequestToken and RetainResources.member.N', () => {
    accepted(
      step('aws:deleteStack', {
        StackName: 's',
        RoleARN: 'arn:aws:iam::111122223333:role/r',
        ClientRequestToken: 't',
        'RetainResources.member.1': 'Bucket',
      }),
    );
  });
});

describe('aws:createTags', () => {
  const tags = (ResourceType: string) =>
    step('aws:createTags', { ResourceType, ResourceIds: ['x-1'], Tags: [{ Key: 'a', Value: 'b' }] });
  test.each(['EC2', 'ManagedInstance', 'MaintenanceWindow', 'Parameter'])(
    'ResourceType may be %s',
    (type) => {
      accepted(tags(type));
    },
  );
  test('no other ResourceType exists', () => notTaken(tags('Bucket')));
});

describe('aws:executeScript', () => {
  const script = (inputs: object) => step('aws:executeScript', inputs);
  const python = { Runtime: 'python3.11', Handler: 'f', Script: 'def f(e, c):\n  return {}' };
  test.each(['python3.6', 'python3.7', 'python3.8', 'python3.9', 'python3.11', 'python3.13'])(
    'Runtime may be %s',
    (Runtime) => accepted(script({ ...python, Runtime })),
  );
  test.each(['PowerShell Core 6.0', 'PowerShell 7.0', 'PowerShell 7.4'])('Runtime may be %s', (Runtime) => {
    accepted(script({ Runtime, Script: 'Get-Date' }));
  });
  test('no other Runtime exists', () => {
    for (const Runtime of ['nodejs18.x', 'bash', 'ruby']) notTaken(script({ ...python, Runtime }));
  });
  test('takes a Script, or an Attachment with a function of one of its modules', () => {
    const files = { 'a.zip': { checksums: { sha256: 'a'.repeat(64) } } };
    const attached = { Runtime: 'python3.11', Handler: 'a.f', Attachment: 'a.zip' };
    accepted({ ...script(attached), files });
  });
  test('Script is one text, and a list is refused with that reason', () => {
    const { diagnostics } = check(script({ ...python, Script: ['def f(e, c):', '  return {}'] }));
    const [error] = diagnostics.filter(({ severity }) => severity === 'error');
    expect(error?.message).toMatch(/Script.*text/i);
  });
  test('InputPayload is a map, or JSON or YAML text, with expressions anywhere in it', () => {
    for (const InputPayload of [
      { a: 1, b: [true, { c: '{{ global:REGION }}' }], d: 'x-{{ global:ACCOUNT_ID }}' },
      '{"a": 1}',
      'a: 1',
    ])
      accepted(script({ ...python, InputPayload }));
  });
  test('ends after 600 seconds', () => {
    accepted(step('aws:executeScript', python, { timeoutSeconds: 600 }));
    const longer = step('aws:executeScript', python, { timeoutSeconds: 601 });
    refused(longer, 'SSM_LIMIT');
    takenWithoutStrict(longer);
  });
});

describe('aws:invokeLambdaFunction', () => {
  const invoke = (more: object, about: object = {}) =>
    step('aws:invokeLambdaFunction', { FunctionName: 'f', ...more }, about);
  test.each(['RequestResponse', 'Event', 'DryRun'])('InvocationType may be %s', (InvocationType) => {
    accepted(invoke({ InvocationType }));
  });
  test.each(['Tail', 'None'])('LogType may be %s', (LogType) => accepted(invoke({ LogType })));
  test('no other InvocationType and LogType exist', () => {
    notTaken(invoke({ InvocationType: 'Later' }));
    notTaken(invoke({ LogType: 'All' }));
  });
  test('takes Payload as text and InputPayload as a map, one beside the other', () => {
    accepted(invoke({ Payload: '{"a": 1}', InputPayload: { a: 1 }, Qualifier: '1', ClientContext: 'e30=' }));
  });
  test('ends after 300 seconds', () => {
    accepted(invoke({}, { timeoutSeconds: 300 }));
    takenWithoutStrict(invoke({}, { timeoutSeconds: 600 }));
  });
});

describe('aws:executeStateMachine', () => {
  test('takes stateMachineArn, name and input as JSON text, in lower-case keys', () => {
    accepted(
      step('aws:executeStateMachine', {
        stateMachineArn: 'arn:aws:states:eu-west-1:111122223333:stateMachine:m',
        name: 'run-{{automation:EXECUTION_ID}}',
        input: '{"a": 1}',
      }),
    );
  });
});

describe('aws:invokeWebhook', () => {
  test('takes IntegrationName and Body', () => {
    accepted(step('aws:invokeWebhook', { IntegrationName: 'hook', Body: '{"text": "{{ global:DATE }}"}' }));
  });
});

describe('aws:loop', () => {
  const inner = (more: Readonly<Record<string, unknown>> = {}) => sleep('Inner', more);
  const loop = (inputs: object, more: object = {}) =>
    runbook({
      mainSteps: [
        {
          name: 'L',
          action: 'aws:loop',
          inputs: { Iterators: ['a', 'b'], Steps: [inner()], ...inputs },
          ...more,
        },
        sleep('Behind'),
      ],
    });
  const condition = { Variable: '{{ L.CurrentIteration }}', NumericLesser: 3 };
  test('takes exactly one of Iterators and LoopCondition', () => {
    notTaken(loop({ LoopCondition: condition }));
    notTaken(loop({ Iterators: undefined }));
  });
  test.each(['Boolean', 'Integer', 'String', 'StringMap'])(
    'IteratorDataType may be %s',
    (IteratorDataType) => {
      accepted(loop({ IteratorDataType, Iterators: '{{ global:REGION }}' }));
    },
  );
  test('no other IteratorDataType exists', () => notTaken(loop({ IteratorDataType: 'StringList' })));
  test('LoopCondition is a condition of a branch without NextStep, with And, Or and Not', () => {
    for (const LoopCondition of [
      condition,
      { And: [condition, { Variable: '{{ global:REGION }}', StringEquals: 'x' }] },
      { Or: [condition, { Variable: '{{ global:REGION }}', StringEquals: 'x' }] },
      { Not: condition },
    ])
      accepted(loop({ Iterators: undefined, LoopCondition }));
    notTaken(loop({ Iterators: undefined, LoopCondition: { ...condition, NextStep: 'Behind' } }));
  });
  test('MaxIterations is from 1 to 100, and Iterators holds at most 100', () => {
    for (const MaxIterations of [1, 100]) accepted(loop({ MaxIterations }));
    notTaken(loop({ MaxIterations: 0 }));
    refused(loop({ MaxIterations: 101 }), 'SSM_LIMIT');
    takenWithoutStrict(loop({ MaxIterations: 101 }));
    accepted(loop({ Iterators: Array.from({ length: 100 }, (_, n) => `x${n}`) }));
    refused(loop({ Iterators: Array.from({ length: 101 }, (_, n) => `x${n}`) }), 'SSM_LIMIT');
  });
  test('its steps read CurrentIteratorValue and CurrentIteration', () => {
    accepted(
      loop({
        Steps: [
          call(
            'Inner',
            {},
            { InstanceIds: ['{{ L.CurrentIteratorValue }}'], NextToken: '{{ L.CurrentIteration }}' },
          ),
        ],
      }),
    );
  });
  test('onCancel is not allowed on the loop, and allowed on the steps in it', () => {
    notTaken(loop({}, { onCancel: 'step:Behind' }));
    accepted(loop({ Steps: [call('Inner', { onCancel: 'step:Last' }), call('Last')] }));
  });
  test('a step in it may jump outside of the loop', () => {
    accepted(loop({ Steps: [inner({ nextStep: 'Behind' })] }));
    accepted(loop({ Steps: [inner({ onFailure: 'step:Behind' })] }));
  });
  test('a jump that leads back in front of the loop is a circle', () => {
    refused(
      runbook({
        mainSteps: [
          sleep('First'),
          {
            name: 'L',
            action: 'aws:loop',
            inputs: { Iterators: ['a'], Steps: [inner({ nextStep: 'First' })] },
          },
        ],
      }),
      'CYCLE',
    );
  });
  test('loops nest', () => {
    const nested = {
      name: 'M',
      action: 'aws:loop',
      inputs: { Iterators: ['{{ L.CurrentIteratorValue }}'], Steps: [inner()] },
    };
    accepted(loop({ Steps: [nested] }));
  });
});

describe('aws:updateVariable', () => {
  const updating = (Name: string, Value: unknown, more: object = {}) =>
    runbook({
      variables: { Text: { type: 'String', default: 'x' }, Count: { type: 'Integer', default: 0 } },
      mainSteps: [{ name: 'A', action: 'aws:updateVariable', inputs: { Name, Value }, ...more }, sleep('B')],
    });
  test('Name is variable:<name>, and the newer page has variable:{{name}}', () => {
    accepted(updating('variable:Text', 'y'));
    accepted(updating('variable:{{Text}}', 'y'));
  });
  test('a variable that is not declared is refused', () => notTaken(updating('variable:Gone', 'y')));
  test('Value has exactly the type of the variable', () => {
    accepted(updating('variable:Count', 3));
    notTaken(updating('variable:Count', 'three'));
  });
  test('onCancel is not supported', () => notTaken(updating('variable:Text', 'y', { onCancel: 'step:B' })));
});

describe('aws:runCommand', () => {
  const run = (more: object) =>
    step('aws:runCommand', {
      DocumentName: 'AWS-RunPatchBaseline',
      InstanceIds: ['i-0123456789abcdef0'],
      Parameters: { Operation: ['Scan'] },
      ...more,
    });
  test('takes InstanceIds or Targets, and not both', () => {
    notTaken(run({ Targets: [{ Key: 'tag:a', Values: ['b'] }] }));
  });
  test('Comment has at most 100 characters', () => {
    accepted(run({ Comment: 'x'.repeat(100) }));
    notTaken(run({ Comment: 'x'.repeat(101) }));
  });
  test('DocumentHashType is Sha256 or Sha1', () => {
    for (const DocumentHashType of ['Sha256', 'Sha1']) accepted(run({ DocumentHash: 'a', DocumentHashType }));
    notTaken(run({ DocumentHash: 'a', DocumentHashType: 'MD5' }));
  });
  test('TimeoutSeconds is from 30 to 2,592,000', () => {
    for (const TimeoutSeconds of [30, 2_592_000, '600']) accepted(run({ TimeoutSeconds }));
    for (const TimeoutSeconds of [29, 2_592_001]) notTaken(run({ TimeoutSeconds }));
  });
  test('takes rate control, output and notification as SendCommand does', () => {
    accepted(
      run({
        DocumentVersion: '$LATEST',
        MaxConcurrency: '50%',
        MaxErrors: '0',
        OutputS3BucketName: 'b',
        OutputS3KeyPrefix: 'p',
        CloudWatchOutputConfig: { CloudWatchOutputEnabled: true, CloudWatchLogGroupName: 'g' },
        NotificationConfig: {
          NotificationArn: 'arn:aws:sns:eu-west-1:111122223333:t',
          NotificationEvents: ['All'],
        },
        ServiceRoleArn: 'arn:aws:iam::111122223333:role/r',
      }),
    );
  });
});

describe('aws:runInstances', () => {
  test('counts are numbers or texts', () => {
    for (const count of [1, '2'])
      accepted(
        step('aws:runInstances', { ImageId: 'ami-1', MinInstanceCount: count, MaxInstanceCount: count }),
      );
  });
  test('takes what RunInstances takes', () => {
    accepted(
      step('aws:runInstances', {
        ImageId: 'ami-1',
        InstanceType: 't3.micro',
        KeyName: 'k',
        SecurityGroupIds: ['sg-1'],
        SubnetId: 'subnet-1',
        IamInstanceProfileName: 'p',
        TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'a', Value: 'b' }] }],
        UserData: 'IyEvYmluL3NoCg==',
        BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { VolumeSize: 8 } }],
        MetadataOptions: { HttpTokens: 'required' },
        Monitoring: { Enabled: true },
        InstanceInitiatedShutdownBehavior: 'stop',
        DisableApiTermination: false,
      }),
    );
  });
});

describe('aws:copyImage, aws:createImage', () => {
  test('take descriptions, encryption and block devices', () => {
    accepted(
      step('aws:copyImage', {
        SourceRegion: 'eu-west-1',
        SourceImageId: 'ami-1',
        ImageName: 'name',
        ImageDescription: 'd',
        Encrypted: true,
        KmsKeyId: 'k',
        ClientToken: 't',
      }),
    );
    accepted(
      step('aws:createImage', {
        InstanceId: 'i-1',
        ImageName: 'name',
        ImageDescription: 'd',
        NoReboot: true,
        BlockDeviceMappings: [{ DeviceName: '/dev/sdf', Ebs: { VolumeSize: 8 } }],
      }),
    );
  });
});

describe('aws:sleep', () => {
  test('Duration is not negative, and a Timestamp may be past', () => {
    notTaken(step('aws:sleep', { Duration: '-PT1S' }));
    accepted(step('aws:sleep', { Timestamp: '2001-01-01T00:00:00Z' }));
    for (const Duration of ['PT10M', 'P1D', 'P1DT2H3M4S', 'PT0S']) accepted(step('aws:sleep', { Duration }));
  });
});

describe('aws:executeAwsApi', () => {
  test('has no streaming operations', () => {
    notTaken(
      step('aws:executeAwsApi', { Service: 'lambda', Api: 'InvokeWithResponseStream', FunctionName: 'f' }),
    );
  });
  test('a service and an operation that AWS does not have are refused', () => {
    notTaken(step('aws:executeAwsApi', { Service: 'ec3', Api: 'DescribeInstances' }));
    notTaken(step('aws:executeAwsApi', { Service: 'ec2', Api: 'DescribeInstancez' }));
  });
});
