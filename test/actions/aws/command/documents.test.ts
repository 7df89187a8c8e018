/** Command documents on a real host of the inventory, through all of Belay. */
import { afterAll, describe, expect, test } from 'vitest';
import { failureOf, ScriptDesk, type Ran } from '../../../support/script-desk.ts';

const desk = new ScriptDesk();
desk.write('belay.yaml', JSON.stringify({ hosts: { here: { transport: 'local' } } }));
afterAll(() => desk[Symbol.dispose]());

interface Step {
  readonly name: string;
  readonly [key: string]: unknown;
}

const shell = (name: string, lines: readonly string[], more: object = {}, inputs: object = {}): Step => ({
  name,
  action: 'aws:runShellScript',
  inputs: { runCommand: lines, ...inputs },
  ...more,
});

async function run(
  steps: readonly Step[],
  {
    parameters = {},
    given = {},
    version = '2.2',
  }: { parameters?: object; given?: object; version?: string } = {},
): Promise<Ran> {
  desk.write('Doc.json', JSON.stringify({ schemaVersion: version, parameters, mainSteps: steps }));
  return desk.run(runbook('Doc', given));
}

const runbook = (name: string, given: object) =>
  JSON.stringify({
    schemaVersion: '0.3',
    mainSteps: [
      {
        name: 'Run',
        action: 'aws:runCommand',
        inputs: { DocumentName: name, InstanceIds: ['here'], Parameters: given },
      },
    ],
  });

const outputsOf = ({ view }: Ran) => view.steps[0]?.outputs;
/** What was printed, without the headings of the plugins. */
const printed = ({ log }: Ran) =>
  log.split('\n').filter((line) => line !== '' && !/^(\[|belay: )/.test(line));

describe('a Command document beside the runbook', () => {
  test('runs its plugins in order, with its parameters in their places', async () => {
    const ran = await run(
      [
        shell('One', ['echo one {{ Name }}', 'echo {{ More }}']),
        shell('Two', ['echo two', 'echo "$SSM_Safe" {{ Safe }} $((1+1))']),
      ],
      {
        parameters: {
          Name: { type: 'String' },
          More: { type: 'StringList', default: ['a', 'b'] },
          Safe: { type: 'String', interpolationType: 'ENV_VAR', default: '$(echo hurt) "' },
        },
        given: { Name: ['web'] },
      },
    );
    expect(ran.view.status).toBe('Success');
    expect(ran.log).toContain('\n[a,b]\n');
    expect(printed(ran)).toEqual(['one web', 'two', '$(echo hurt) " $(echo hurt) " 2']);
    expect(outputsOf(ran)).toMatchObject({ Status: 'Success', Output: null, ResponseCode: null });
  });

  test('gives code and output where it has one plugin', async () => {
    const ran = await run([shell('One', ['echo out', 'echo err >&2', 'exit 4'])]);
    expect(outputsOf(ran)).toMatchObject({
      Status: 'Failed',
      ResponseCode: 4,
      Output: 'out\n\n----------ERROR-------\nerr\n',
    });
    expect(failureOf(ran).message).toBe('Doc failed on here: exit code 4: err');
  });

  test('goes on after a plugin that failed, and fails in the end', async () => {
    const ran = await run([shell('One', ['exit 3']), shell('Two', ['echo two']), shell('Three', ['exit 5'])]);
    expect(printed(ran)).toEqual(['two']);
    expect(failureOf(ran).message).toContain('exit code 3');
    expect(ran.log).toContain('belay: One ended with exit code 3');
  });

  test.each([
    ['onFailure: exit', { onFailure: 'exit' }, 3, 'Failed', ['last']],
    ['onFailure: successAndExit', { onFailure: 'successAndExit' }, 3, 'Success', ['last']],
    ['onSuccess: exit', { onSuccess: 'exit' }, 0, 'Success', ['last']],
    ['exit code 168', {}, 168, 'Success', ['last']],
    ['exit code 169', {}, 169, 'Failed', ['last']],
  ])('ends by %s, and its finallyStep runs all the same', async (_, inputs, code, status, wanted) => {
    const ran = await run([
      shell('One', [`exit ${code}`], {}, inputs),
      shell('Two', ['echo two']),
      shell('Last', ['echo last'], {}, { finallyStep: true }),
    ]);
    expect([outputsOf(ran)?.['Status'], printed(ran)]).toEqual([status, wanted]);
  });

  test('that asks for a reboot fails on the machine that Belay runs on, which is not rebooted', async () => {
    const ran = await run([shell('One', ['exit 194']), shell('Two', ['echo two'])]);
    expect(failureOf(ran).message).toMatch(
      /asks for a reboot.*the machine that Belay runs on; nothing was rebooted/,
    );
    expect([outputsOf(ran)?.['Status'], printed(ran)]).toEqual(['Failed', []]);
  });

  test('skips what is for another platform, and what its parameters do not ask for', async () => {
    const ran = await run(
      [
        shell('Windows', ['echo no'], { precondition: { StringEquals: ['platformType', 'Windows'] } }),
        {
          name: 'Agent',
          action: 'aws:updateSsmAgent',
          precondition: { StringEquals: ['platformType', 'Windows'] },
          inputs: { agentName: 'a', source: 's' },
        },
        shell('Stop', ['echo stop'], { precondition: { StringEquals: ['{{ What }}', 'stop'] } }),
        shell('Start', ['echo start'], { precondition: { StringEquals: ['{{ What }}', 'start'] } }),
        shell('Linux', ['echo linux'], { precondition: { StringEquals: ['Linux', 'platformType'] } }),
      ],
      { parameters: { What: { type: 'String' } }, given: { What: 'start' } },
    );
    expect([ran.view.status, printed(ran)]).toEqual(['Success', ['start', 'linux']]);
  });

  test('runs a program by its first line, in its folder, with what the platform is called', async () => {
    const ran = await run([
      shell(
        'One',
        [
          '#!/usr/bin/env python3',
          'import os',
          'print(os.getcwd(), bool(os.environ["AWS_SSM_PLATFORM_NAME"]))',
        ],
        {},
        { workingDirectory: '/usr' },
      ),
    ]);
    expect(printed(ran)).toEqual(['/usr True']);
  });

  test('ends a plugin at its time, goes on with the others and says so', async () => {
    const ran = await run([
      shell('One', ['sleep 600'], {}, { timeoutSeconds: '5' }),
      shell('Two', ['echo two']),
    ]);
    // The host's shell has a word of its own on it.
    expect(printed(ran).filter((line) => line !== 'Killed')).toEqual(['two']);
    expect(failureOf(ran).message).toContain('ExecutionTimedOut');
    expect(ran.log).toContain('belay: One ran longer than its timeoutSeconds (5 s) and was ended');
  }, 30_000);

  test('runs another document in its place', async () => {
    desk.write(
      'commands/Inner.yaml',
      "schemaVersion: '2.2'\nparameters: { A: { type: String } }\nmainSteps:\n  - { name: I, action: 'aws:runShellScript', inputs: { runCommand: ['echo inner {{ A }}'] } }",
    );
    const inner = {
      documentType: 'SSMDocument',
      documentPath: 'Inner',
      documentParameters: { A: '{{ B }}' },
    };
    const builtIn = {
      documentType: 'SSMDocument',
      documentPath: 'AWS-RunShellScript',
      documentParameters: '{"commands":["echo built in"]}',
    };
    const ran = await run(
      [
        { name: 'In', action: 'aws:runDocument', inputs: inner },
        { name: 'Aws', action: 'aws:runDocument', inputs: builtIn },
      ],
      { parameters: { B: { type: 'String', default: 'b' } } },
    );
    expect(printed(ran)).toEqual(['inner b', 'built in']);
  });

  test('of 1.2 runs as one of 2.2', async () => {
    desk.write(
      'Old.json',
      JSON.stringify({
        schemaVersion: '1.2',
        parameters: { commands: { type: 'StringList' } },
        runtimeConfig: {
          'aws:runShellScript': {
            properties: [{ id: '0.aws:runShellScript', runCommand: '{{ commands }}' }],
          },
        },
      }),
    );
    const ran = await desk.run(runbook('Old', { commands: ['echo a', 'echo b'] }));
    expect(outputsOf(ran)).toMatchObject({ Status: 'Success', Output: 'a\nb\n', ResponseCode: 0 });
  });
});

describe('nothing begins where', () => {
  test.each([
    [
      'the document is not there',
      'None',
      {},
      'UNSUPPORTED_DOCUMENT',
      'neither beside the runbook nor in commands/',
    ],
    ['it is one of AWS for the agent', 'AWS-ConfigureAWSPackage', {}, 'BAD_DOCUMENT', ''],
    [
      'a parameter is missing',
      'Needy',
      {},
      'BAD_PARAMETERS',
      'the parameter A has no default and is not given',
    ],
    [
      'there is no such parameter',
      'Needy',
      { A: 'x', B: 'y' },
      'BAD_PARAMETERS',
      'there is no parameter B; the document has A',
    ],
    ['a value does not match', 'Needy', { A: 'X' }, 'BAD_PARAMETERS', 'A'],
    ['a plugin is only for the agent', 'Agent', {}, 'UNSUPPORTED_DOCUMENT', 'no need of the agent'],
    ['the document is not right', 'Wrong', {}, 'BAD_DOCUMENT', 'Wrong.yaml:3:'],
  ])('%s', async (_, name, given, code, said) => {
    desk.write(
      'Needy.yaml',
      "schemaVersion: '2.2'\nparameters: { A: { type: String, allowedPattern: '^[a-z]$' } }\nmainSteps:\n  - { name: S, action: 'aws:runShellScript', inputs: { runCommand: ['echo {{ A }}'] } }",
    );
    desk.write(
      'Agent.yaml',
      "schemaVersion: '2.2'\nmainSteps:\n  - { name: S, action: 'aws:updateSsmAgent', inputs: { agentName: a, source: s } }",
    );
    desk.write(
      'Wrong.yaml',
      "schemaVersion: '2.2'\nmainSteps:\n  - { name: S, action: 'aws:runShellScript', inputs: {} }",
    );
    const starting = desk.start(runbook(name, given));
    await expect(starting).rejects.toMatchObject({ code, message: expect.stringContaining(said) as string });
  });
});
