/** Defaults from Parameter Store: the run acts on what stands there, and a SecureString is a secret. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAws } from '../../src/transports/aws/client.ts';
import { Desk, idOf } from '../support/command-line.ts';
import { rowsOf } from '../support/secret-search/forms.ts';
import { motoMissing, startMoto, type MotoServer } from '../transports/aws/moto-server.ts';

const region = 'eu-west-1';
const secure = 'the-secure-pass-phrase';

describe.skipIf(motoMissing)(`moto${motoMissing === undefined ? '' : ` (${motoMissing})`}`, () => {
  let moto: MotoServer;
  let desk: Desk;
  beforeAll(async () => {
    moto = await startMoto();
    const credentials = () => Promise.resolve({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'x' });
    const aws = createAws({ endpoint: moto.endpoint, region, credentials });
    for (const [Name, Type, Value] of [
      ['/db/plain', 'String', 'plainvalue'],
      ['/db/list', 'StringList', 'one,two'],
      ['/db/secure', 'SecureString', secure],
    ] as const)
      await aws.call({ service: 'ssm', operation: 'PutParameter', params: { Name, Type, Value } });
  }, 120_000);
  afterAll(() => moto?.close());
  beforeEach(() => {
    desk = new Desk({
      AWS_ENDPOINT_URL: moto.endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'x',
    });
    desk.write('belay.yaml', { hosts: { here: { transport: 'local' } } });
  });
  afterEach(() => desk[Symbol.dispose]());

  const printing = (parameters: object, more: object = {}): string =>
    desk.write('print.yaml', {
      schemaVersion: '0.3',
      parameters,
      mainSteps: [
        {
          name: 'Print',
          action: 'host:command',
          inputs: {
            Host: 'here',
            Env: { X: '{{ X }}' },
            Script: 'printf %s "$X"; printf %s "$X" | wc -c >&2',
            ...more,
          },
          undo: { none: 'it prints' },
        },
      ],
      outputs: ['Print.Stdout', 'Print.Stderr'],
    });
  const outputsOf = async (id: string): Promise<unknown> => {
    const shown = await desk.belay(['show', id, '--json']);
    return (JSON.parse(shown.stdout) as { outputs: unknown }).outputs;
  };

  test('a plain parameter is the real value, and a list a list', async () => {
    printing({
      X: { type: 'String', default: 'is {{ ssm:/db/plain }}{{ Y }}' },
      Y: { type: 'StringList', default: '{{ ssm:/db/list }}' },
    });
    const run = await desk.belay(['run', 'print.yaml', '-y']);
    expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 });
    expect(await outputsOf(idOf(run))).toMatchObject({ 'Print.Stdout': 'is plainvalue["one","two"]' });
  });

  test.each([
    ['found to be one', { type: 'String', default: '{{ ssm:/db/secure }}' }],
    ['declared to be one', { type: 'String', default: '{{ ssm:/db/secure }}', secret: true }],
    ['a plain one, declared to be one', { type: 'String', default: '{{ ssm:/db/plain }}', secret: true }],
  ])('a secret is %s: it arrives, and is kept nowhere', async (_, X) => {
    const value = X.default.includes('plain') ? 'plainvalue' : secure;
    printing({ X });
    const run = await desk.belay(['run', 'print.yaml', '-y', '--json']);
    expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 });
    const id = (JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '') as { executionId: string })
      .executionId;
    expect(await outputsOf(id)).toEqual({
      'Print.Stdout': '***',
      'Print.Stderr': `${value.length}\n`,
    });
    const rows = rowsOf(join(desk.state, 'journal.db')).toString();
    expect(run.stdout + run.stderr + rows).not.toContain(value);
    expect(rows).toContain(`ssm:${X.default.slice(7, -3)}`);
  });

  test('a SecureString in the midst of a text, or where no secret may be, is refused before anything begins', async () => {
    printing({ X: { type: 'String', default: 'x {{ ssm:/db/secure }}' } });
    const part = await desk.belay(['run', 'print.yaml', '-y']);
    expect(part).toMatchObject({ code: 2, stderr: expect.stringContaining('SECURE_STRING') });
    printing({ X: { type: 'String', default: '{{ ssm:/db/secure }}' } });
    desk.write('branch.yaml', {
      schemaVersion: '0.3',
      parameters: { X: { type: 'String', default: '{{ ssm:/db/secure }}' } },
      mainSteps: [
        {
          name: 'Branch',
          action: 'aws:branch',
          inputs: { Choices: [{ Variable: '{{ X }}', StringEquals: 'a', NextStep: 'End' }] },
        },
        { name: 'End', action: 'aws:sleep', inputs: { Duration: 'PT1S' } },
      ],
    });
    const branch = await desk.belay(['run', 'branch.yaml', '-y']);
    expect(branch).toMatchObject({ code: 2, stderr: expect.stringContaining('SECRET_PARAMETER') });
    expect((await desk.belay(['list'])).stdout).not.toMatch(/print|branch/);
  });
});
