/** A secret that a runbook sends where others read it: refused at validation, and again before the effect. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { actions } from '../../src/actions/index.ts';
import { secretInputsOf } from '../../src/actions/define-action.ts';
import { Desk } from '../support/command-line.ts';

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
  desk.write('belay.yaml', { hosts: { here: { transport: 'local' } } });
});
afterEach(() => desk[Symbol.dispose]());

const undo = { none: 'a test' };
const runbook = (mainSteps: readonly object[]): string =>
  desk.write('leak.yaml', {
    schemaVersion: '0.3',
    parameters: { S: { type: 'String', secret: true } },
    mainSteps,
  });

test.each([
  [
    'the parameters of a command that SSM keeps',
    'aws:executeAwsApi',
    {
      Service: 'ssm',
      Api: 'SendCommand',
      DocumentName: 'AWS-RunShellScript',
      Parameters: { commands: ['{{ S }}'] },
    },
  ],
  [
    'a plain parameter of Parameter Store',
    'aws:executeAwsApi',
    { Service: 'ssm', Api: 'PutParameter', Name: '/x', Type: 'String', Value: '{{ S }}' },
  ],
  [
    'a tag',
    'aws:createTags',
    { ResourceIds: ['i-0123456789abcdef0'], Tags: [{ Key: 'a', Value: '{{ S }}' }] },
  ],
  ['the path of a file', 'host:file', { Host: 'here', Path: '/tmp/{{ S }}', Content: 'x' }],
  ['an argument of a command', 'host:command', { Host: 'here', Command: ['echo', '{{ S }}'] }],
  [
    'the commands of aws:runCommand',
    'aws:runCommand',
    { DocumentName: 'AWS-RunShellScript', InstanceIds: ['here'], Parameters: { commands: ['echo {{ S }}'] } },
  ],
  ['the address of a request', 'http:check', { Url: 'http://127.0.0.1/{{ S }}' }],
])('%s takes none', async (_, action, inputs) => {
  runbook([{ name: 'Leak', action, inputs, undo }]);
  const said = await desk.belay(['validate', 'leak.yaml']);
  expect({ code: said.code, said: said.stderr + said.stdout }).toMatchObject({
    code: 2,
    said: expect.stringContaining('SECRET_PARAMETER'),
  });
});

test('what was made to keep one takes it: Env, Content, a SecureString', async () => {
  runbook([
    {
      name: 'A',
      action: 'host:command',
      inputs: { Host: 'here', Script: 'true', Env: { S: 'x{{ S }}' } },
      undo,
    },
    { name: 'B', action: 'host:file', inputs: { Host: 'here', Path: '/tmp/x', Content: '{{ S }}' } },
    {
      name: 'C',
      action: 'aws:executeAwsApi',
      inputs: { Service: 'ssm', Api: 'put_parameter', Name: '/x', Type: 'SecureString', Value: '{{ S }}' },
      undo,
    },
  ]);
  const said = await desk.belay(['validate', 'leak.yaml']);
  expect({ code: said.code, said: said.stderr + said.stdout }).toMatchObject({ code: 0 });
});

test('one that an output brings along is stopped before the effect', async () => {
  runbook([
    {
      name: 'Say',
      action: 'host:command',
      inputs: { Host: 'here', Script: 'printf %s "$S"', Env: { S: '{{ S }}' } },
      undo,
    },
    {
      name: 'Leak',
      action: 'host:command',
      inputs: { Host: 'here', Command: ['touch', '{{ Say.Stdout }}'] },
      undo,
    },
  ]);
  const said = await desk.belay(['run', 'leak.yaml', '-y', '--secret', 'S=env:S'], {
    env: { S: 'Str0ng-and-long' },
  });
  expect(said.code).toBe(1);
  expect(said.stderr).toContain('SECRET_NOT_ALLOWED');
  expect(said.stderr).not.toContain('Str0ng');
});

test('of all actions, these inputs take one and no others', () => {
  const taking = [...actions.values()].flatMap((action) => {
    const inputs = typeof action.secretInputs === 'function' ? ['by the call'] : secretInputsOf(action, {});
    return inputs.length === 0 ? [] : [`${action.name}: ${inputs.join(', ')}`];
  });
  expect(taking.toSorted()).toMatchInlineSnapshot(`
    [
      "aws:approve: Message",
      "aws:executeAutomation: by the call",
      "aws:executeAwsApi: by the call",
      "aws:executeScript: InputPayload",
      "aws:invokeLambdaFunction: by the call",
      "check:minio: AccessKey, SecretKey",
      "host:binary: Source",
      "host:command: Env",
      "host:file: Content",
      "http:check: Headers",
      "minio:backup: AccessKey, SecretKey, Target.AccessKey, Target.SecretKey",
      "minio:heal: AccessKey, SecretKey",
      "minio:info: AccessKey, SecretKey",
      "minio:lifecycle: AccessKey, SecretKey",
      "minio:restartCluster: AccessKey, SecretKey",
      "minio:restore: AccessKey, SecretKey, Target.AccessKey, Target.SecretKey",
      "minio:rotateAccessKey: AccessKey, SecretKey, OldSecretKey, NewSecretKey",
      "minio:settle: AccessKey, SecretKey",
      "minio:watchAccessKey: AccessKey, SecretKey",
      "postgresql:canFollow: ConnInfo",
      "postgresql:follow: ConnInfo",
      "postgresql:rebuildStandby: ConnInfo",
      "ssh:proveKey: PrivateKey",
      "tls:installCertificate: Certificate, PrivateKey",
    ]
  `);
});

test('a runbook below gets one as its own secret parameter, and as nothing else', async () => {
  const below = (secret: boolean): string =>
    desk.write('below.yaml', {
      schemaVersion: '0.3',
      parameters: { Key: { type: 'String', allowedPattern: '^Str0ng', ...(secret ? { secret } : {}) } },
      mainSteps: [
        {
          name: 'Use',
          action: 'host:command',
          inputs: {
            Host: 'here',
            Command: ['sh', '-c', 'test "$K" = Str0ng-and-long'],
            Env: { K: '{{ Key }}' },
          },
          undo,
        },
      ],
    });
  const call = (DocumentName: string): string =>
    runbook([
      {
        name: 'Call',
        action: 'aws:executeAutomation',
        inputs: { DocumentName, RuntimeParameters: { Key: '{{ S }}' } },
      },
    ]);
  const run = () =>
    desk.belay(['run', 'leak.yaml', '-y', '--secret', 'S=env:S'], { env: { S: 'Str0ng-and-long' } });
  below(true);
  call('below.yaml');
  const took = await run();
  expect(took.stderr).not.toContain('Str0ng');
  expect(took.code, took.stderr).toBe(0);
  const id = /\b[0-9A-HJKMNP-TV-Z]{12}\b/.exec(took.stderr)?.[0] ?? '';
  for (const words of [
    ['show', id, '--json'],
    ['list', '--json', '--all'],
    ['list', '--json', '--all', '--brief'],
  ]) {
    const { stdout } = await desk.belay(words);
    expect(stdout).not.toMatch(/Str0ng|secret:[0-9a-f]{32}/);
  }

  below(false);
  const refused = await run();
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('is given a secret, and is not secret there');

  // What Systems Manager would run takes none at all.
  call('AWS-UpdateLinuxAmi');
  expect((await desk.belay(['validate', 'leak.yaml'])).stderr).toContain('SECRET_PARAMETER');
});
