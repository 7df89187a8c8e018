import { describe, expect, it } from 'vitest';
import { runCommand } from '../../../src/actions/aws/run-command.ts';
import { newMemory, type ActionContext, type BegunEffect } from '../../../src/actions/define-action.ts';
import type { Json, JsonObject } from '../../../src/json.ts';
import { AwsFailure, type Aws } from '../../../src/transports/aws.ts';
import { localTestHost } from '../host/local.ts';
import { fakeHost } from './support/fake-host.ts';

const effect = runCommand.effect as BegunEffect<unknown, Json, Json, JsonObject>;
const token = 'b-0123456789abcdef0123456789abcdef01234567';

function contextOf(over: Partial<ActionContext>): ActionContext {
  return {
    executionId: '01J',
    step: 'Step',
    token,
    signal: AbortSignal.timeout(20_000),
    aws: {
      call: () => Promise.reject(new Error('no AWS here')),
      identity: () => Promise.reject(new Error('no AWS here')),
      assume: () => {
        throw new Error('no AWS here');
      },
    },
    fetch: globalThis.fetch,
    host: (name) => fakeHost(name, {}),
    targets: (selectors) => selectors,
    log: () => ({ write: () => undefined }),
    notice: () => undefined,
    now: () => Date.now(),
    startedAt: Date.now(),
    kept: newMemory(),
    held: newMemory(),
    isSecret: () => false,
    ...over,
  };
}

describe('aws:runCommand', () => {
  it('stops both halves, and only when both confirm it', async () => {
    const statuses = ['Cancelling', 'Cancelled'];
    const calls: string[] = [];
    const aws: Aws = {
      call: ({ operation }) => {
        calls.push(operation);
        return Promise.resolve(
          operation === 'ListCommands'
            ? { Commands: [{ CommandId: 'c', Status: statuses.shift() ?? '' }] }
            : {},
        );
      },
      identity: () =>
        Promise.reject(new AwsFailure({ code: 'X', message: 'x', retryable: false, effect: 'none' })),
      assume: () => aws,
    };
    const host = fakeHost('db1', { rounds: 100 });
    const context = contextOf({ aws, host: () => host });
    const handle = {
      Token: token,
      CommandId: 'c',
      StartedAt: 0,
      Instances: ['i-0aaaaaaaaaaaaaaaa'],
      Hosts: ['db1'],
      Unsure: [],
      NotStarted: {},
    };
    await effect.stop?.(handle, {}, context);
    expect(calls).toEqual(['CancelCommand', 'ListCommands', 'ListCommands']);
    expect(host.stopped).toEqual([token]);
    await effect.release?.(handle, {}, context);
    expect(host.forgotten).toEqual([token]);
  });

  describe('on more instances than one command of SSM takes', () => {
    const instances = Array.from({ length: 120 }, (_, index) => `i-${String(index).padStart(17, '0')}`);
    const inputs = {
      DocumentName: 'AWS-RunShellScript',
      InstanceIds: instances,
      Parameters: { commands: ['id'] },
      MaxConcurrency: 30,
      MaxErrors: '10%',
    };

    /** SSM that lists what was sent, and refuses the sends from that one on. */
    function ssm({ refusesFrom = Infinity }: { refusesFrom?: number } = {}) {
      const sent: JsonObject[] = [];
      const aws: Aws = {
        call: ({ operation, params }) => {
          if (operation === 'SendCommand') {
            if (sent.length >= refusesFrom) {
              const message = 'the quota is used up';
              return Promise.reject(
                new AwsFailure({ code: 'ThrottlingException', message, retryable: true, effect: 'none' }),
              );
            }
            sent.push(params);
            return Promise.resolve({ Command: { CommandId: `c${sent.length}` } });
          }
          const commands = sent.map((command, index) => ({
            CommandId: `c${index + 1}`,
            Comment: command['Comment'] ?? '',
            Status: 'Success',
            TargetCount: 50,
            CompletedCount: 50,
          }));
          if (operation === 'ListCommands') {
            const { CommandId: id } = params;
            const found = commands.filter(({ CommandId }) => id === undefined || CommandId === id);
            return Promise.resolve({ Commands: found });
          }
          return Promise.resolve({ Status: 'Success', ResponseCode: 0, StandardOutputContent: 'ok' });
        },
        identity: () => Promise.reject(new Error('nobody asks')),
        assume: () => aws,
      };
      const context = contextOf({ aws, host: (name) => ({ ...fakeHost(name, {}), transport: 'ssm' }) });
      return { context, sent };
    }

    it('sends one command for each fifty, which together take and lose no more than is allowed, and ends as one', async () => {
      const { context, sent } = ssm();
      const handle = await effect.begin(inputs, null, context);
      expect(sent.map(({ InstanceIds }) => (InstanceIds as string[]).length)).toEqual([50, 50, 20]);
      expect(sent.map(({ Comment }) => Comment)).toEqual([token, `${token}.2`, `${token}.3`]);
      expect(sent.map(({ MaxConcurrency, MaxErrors }) => [MaxConcurrency, MaxErrors])).toEqual(
        Array.from({ length: 3 }, () => ['10', '10%']),
      );
      expect(await effect.poll(handle, inputs, null, context)).toMatchObject({
        kind: 'done',
        outputs: { CommandId: 'c1', Status: 'Success' },
      });
    });

    it('finds all of them again, and sends none twice', async () => {
      const { context, sent } = ssm();
      await effect.begin(inputs, null, context);
      const adopted = await effect.adopt(inputs, null, context);
      expect(adopted).toMatchObject({
        kind: 'running',
        handle: { CommandId: 'c1', More: [{ CommandId: 'c2' }, { CommandId: 'c3' }], NotStarted: {} },
      });
      expect(sent).toHaveLength(3);
    });

    it('names the instances of a command that SSM refused, and follows the others', async () => {
      const { context } = ssm({ refusesFrom: 2 });
      const handle = await effect.begin(inputs, null, context);
      const ending = await effect.poll(handle, inputs, null, context);
      expect(ending).toMatchObject({ kind: 'failed', code: 'COMMAND_FAILED' });
      expect(JSON.stringify(ending)).toContain('failed on 20 of 120 targets: i-00000000000000100');
    });
  });

  it('runs real shell text on a real host, keeps its output and what it failed with', async () => {
    await using here = localTestHost();
    const logged: string[] = [];
    const context = contextOf({
      host: () => here.host,
      log: (target) => ({
        write: (stream, chunk) => void logged.push(`${target}.${stream}: ${Buffer.from(chunk).toString()}`),
      }),
    });
    const inputs = {
      DocumentName: 'AWS-RunShellScript',
      InstanceIds: ['here'],
      Parameters: { commands: ['pwd', 'echo "it hurts" >&2', 'exit 3'], workingDirectory: here.folder },
    };
    const handle = await effect.begin(inputs, null, context);
    // A second begin, as after a lost reply, finds the first.
    await effect.begin(inputs, null, context);
    expect(await effect.adopt(inputs, null, context)).toMatchObject({ kind: 'running' });
    let ending = await effect.poll(handle, inputs, null, context);
    for (let round = 0; ending.kind === 'pending' && round < 100; round += 1)
      ending = await effect.poll(handle, inputs, null, context);
    expect(ending).toMatchObject({
      kind: 'failed',
      code: 'COMMAND_FAILED',
      message: 'AWS-RunShellScript failed on here: exit code 3: it hurts',
      outputs: {
        Status: 'Failed',
        ResponseCode: 3,
        Output: `${here.folder}\n\n----------ERROR-------\nit hurts\n`,
      },
    });
    expect(logged.sort()).toEqual(['here.stderr: it hurts\n', `here.stdout: ${here.folder}\n`]);
    await effect.release?.(handle, inputs, context);
  });

  it('stops real shell text with everything that it started', async () => {
    await using here = localTestHost();
    const context = contextOf({ host: () => here.host });
    const inputs = {
      DocumentName: 'AWS-RunShellScript',
      InstanceIds: ['here'],
      Parameters: { commands: ['sleep 300 & wait'] },
    };
    const handle = await effect.begin(inputs, null, context);
    await effect.stop?.(handle, inputs, context);
    expect(await effect.poll(handle, inputs, null, context)).toMatchObject({ kind: 'failed' });
    await effect.release?.(handle, inputs, context);
  });
});

describe('the check of aws:runCommand', () => {
  const check = (inputs: JsonObject) =>
    (
      runCommand.check?.(inputs, {
        isExpression: (value) => typeof value === 'string' && value.includes('{{'),
        models: { check: () => [], resolve: () => undefined },
      }) ?? []
    ).map(({ code, path }) => `${code} ${path.join('.')}`.trim());
  const shell = { DocumentName: 'AWS-RunShellScript', Parameters: { commands: ['id'] } };

  it.each([
    [{ ...shell, InstanceIds: ['db1'] }, []],
    [{ ...shell }, ['WRONG_INPUT']],
    [{ ...shell, InstanceIds: ['db1'], Targets: [] }, ['WRONG_INPUT', 'WRONG_INPUT Targets']],
    [{ ...shell, InstanceIds: [] }, ['WRONG_INPUT InstanceIds']],
    [{ ...shell, InstanceIds: '{{ Ids }}', Targets: '{{ Targets }}' }, []],
    [{ ...shell, InstanceIds: ['db1'], Targets: '{{ Targets }}' }, []],
    [{ ...shell, InstanceIds: ['db1'], Parameters: {} }, ['MISSING_INPUT Parameters']],
    [{ ...shell, InstanceIds: ['db1'], Parameters: '{{ Parameters }}' }, []],
    [
      { ...shell, InstanceIds: ['db1'], Parameters: { commands: ['id'], workDirectory: '/' } },
      ['UNKNOWN_INPUT Parameters.workDirectory'],
    ],
    [
      { ...shell, InstanceIds: ['db1'], Parameters: { commands: ['id'], executionTimeout: ['1h'] } },
      ['WRONG_INPUT Parameters.executionTimeout'],
    ],
    [
      { ...shell, InstanceIds: ['db1'], Parameters: { commands: ['id'], executionTimeout: '{{ Limit }}' } },
      [],
    ],
    [
      { DocumentName: 'AWS-ConfigureAWSPackage', InstanceIds: ['i-0b1e9d3a7c5f42680', 'db1', '{{ Id }}'] },
      ['UNSUPPORTED_DOCUMENT InstanceIds.1'],
    ],
    [{ DocumentName: '{{ Document }}', InstanceIds: ['db1'] }, []],
  ])('%j: %j', (inputs, problems) => {
    expect(check(inputs)).toEqual(problems);
  });
});
