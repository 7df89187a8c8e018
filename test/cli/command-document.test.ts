/** `belay run COMMAND-DOCUMENT --targets …`, as people type it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Desk } from '../support/command-line.ts';

let desk: Desk;
beforeAll(() => {
  desk = new Desk();
  desk.write('belay.yaml', {
    hosts: { here: { transport: 'local' }, there: { transport: 'local' } },
    groups: { all: ['here', 'there'] },
  });
  desk.write('hello.yaml', {
    schemaVersion: '2.2',
    parameters: {
      Name: { type: 'String', allowedPattern: '^[a-z]+$', interpolationType: 'ENV_VAR' },
      Lines: { type: 'StringList', default: ['echo one', 'echo two'] },
    },
    mainSteps: [
      {
        name: 'Hello',
        action: 'aws:runShellScript',
        inputs: { runCommand: ['{{ Lines }}', 'echo "hello $SSM_Name"'] },
      },
    ],
  });
});
afterAll(() => desk[Symbol.dispose]());

const belay = (...words: readonly string[]) => desk.belay(words);

test('a Command document runs on the hosts that its targets mean, with its parameters', async () => {
  const ran = await belay(
    'run',
    'hello.yaml',
    '--targets',
    'group:all',
    '-p',
    'Name=web',
    '-p',
    'Lines=["echo three"]',
  );
  expect([ran.code, ran.stdout]).toEqual([0, 'Run.Status: Success\n']);
  const logs = await belay('logs');
  expect(logs.stdout.match(/hello web/g)).toHaveLength(2);
  expect(logs.stdout).toContain('three');
});

test.each([
  [
    'without targets',
    ['hello.yaml'],
    'NO_TARGETS  hello.yaml is a Command document: on which hosts is it to run?',
  ],
  [
    'with a target that nobody knows',
    ['hello.yaml', '--targets', 'nobody', '-p', 'Name=a'],
    'UNKNOWN_TARGET  --targets: no host is called nobody',
  ],
  [
    'with a value that does not match',
    ['hello.yaml', '--targets', 'here', '-p', 'Name=A'],
    'PATTERN_MISMATCH',
  ],
  ['without a parameter that has no default', ['hello.yaml', '--targets', 'here'], 'MISSING_PARAMETER'],
])('%s it is refused before anything begins', async (_, words, said) => {
  const ran = await belay('run', ...words);
  expect(ran.code).toBe(2);
  expect(ran.stderr).toContain(said);
});

test('a runbook takes targets for a parameter of its own, and this one has none', async () => {
  desk.write('book.yaml', {
    schemaVersion: '0.3',
    mainSteps: [{ name: 'S', action: 'aws:sleep', inputs: { Duration: 'PT0S' } }],
  });
  const ran = await belay('run', 'book.yaml', '--targets', 'here');
  expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('--targets needs --target-parameter')]);
});

test('validate says of a Command document what is wrong, with its place', async () => {
  desk.write(
    'wrong.yaml',
    "schemaVersion: '2.2'\nmainSteps:\n  - name: A\n    action: aws:runShelScript\n    inputs: {}\n",
  );
  const said = await belay('validate', 'hello.yaml', 'wrong.yaml');
  expect(said.code).toBe(2);
  expect(said.stderr).toContain(
    'wrong.yaml:4:13  UNKNOWN_ACTION\n  Command documents have no plugin aws:runShelScript',
  );
  expect(said.stderr).toContain('Did you mean aws:runShellScript?');
});
