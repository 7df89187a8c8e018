/** Input that is made to hang Belay, to slip past a rule, or to become part of a program. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Desk } from '../support/command-line.ts';

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
  desk.write('belay.yaml', { hosts: { here: { transport: 'local' } } });
});
afterEach(() => desk[Symbol.dispose]());

const nap = { name: 'Nap', action: 'aws:sleep', inputs: { Duration: 'PT1S' } };
const document = (parameters: object, mainSteps: readonly object[] = [nap]): string =>
  desk.write('bad.yaml', { schemaVersion: '0.3', parameters, mainSteps });
const nothingStarted = async (): Promise<void> =>
  expect(JSON.parse((await desk.belay(['list', '--json'])).stdout)).toMatchObject({ executions: [] });

test.each([
  ['without look-around', '^(a+)+$'],
  ['with look-around', '^(?=a)(a+)+$'],
  ['with a large count', '^(a{1,2000})+b$'],
])(
  'a pattern %s that tries every way does not hang the one who checks a default',
  async (_, pattern) => {
    document({ X: { type: 'String', allowedPattern: pattern, default: `${'a'.repeat(50_000)}!` } });
    const checked = await desk.belay(['validate', 'bad.yaml']);
    expect(checked.stderr + checked.stdout).toContain('DEFAULT_VALUE');
  },
  20_000,
);

test('a value that a default brings in by an expression does not slip past the pattern', async () => {
  const parameters = (Z: object) => ({
    Y: { type: 'String', allowedPattern: '^[a-z]+$', default: '{{ Z }}' },
    Z: { type: 'String', ...Z },
  });
  document(parameters({ default: 'abc; id' }));
  const refused = await desk.belay(['run', 'bad.yaml', '-y']);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('PATTERN_MISMATCH') });
  const given = await desk.belay(['run', 'bad.yaml', '-y', '-p', 'Z=$(id)']);
  expect(given).toMatchObject({ code: 2, stderr: expect.stringContaining('PATTERN_MISMATCH') });
  await nothingStarted();
  expect((await desk.belay(['run', 'bad.yaml', '-y', '-p', 'Z=abc'])).code).toBe(0);
});

test('a default whose text the pattern allows, as AWS compares it, is taken', async () => {
  const parameters = {
    Y: { type: 'String', allowedPattern: '^\\{\\{ Z \\}\\}$|^[0-9]+$', default: '{{ Z }}' },
    Z: { type: 'String', default: 'abc' },
  };
  document(parameters);
  expect((await desk.belay(['run', 'bad.yaml', '-y'])).code).toBe(0);
  document({ ...parameters, Y: { ...parameters.Y, allowedPattern: '^[a-z]+$' } });
  expect((await desk.belay(['validate', 'bad.yaml'])).stderr).not.toContain('DEFAULT_VALUE');
  expect((await desk.belay(['validate', '--strict-ssm', 'bad.yaml'])).stderr).toContain('DEFAULT_VALUE');
});

test.each(['constructor', '__proto__'])(
  'the parameter %s that a runbook does not have is unknown, by -p and by --secret',
  async (name) => {
    document({ X: { type: 'String', default: 'x' } });
    for (const words of [
      ['-p', `${name}=x`],
      ['--secret', `${name}=env:HOME`],
    ]) {
      const said = await desk.belay(['run', 'bad.yaml', '-y', ...words]);
      expect(said).toMatchObject({ code: 2, stderr: expect.stringContaining('UNKNOWN_PARAMETER') });
    }
    await nothingStarted();
  },
);

test('a parameter, a step and an output of such a name work as any other', async () => {
  const name = '__proto__';
  desk.write(
    'named.yaml',
    `schemaVersion: '0.3'
parameters: { ${name}: { type: String }, constructor: { type: String, secret: true } }
mainSteps:
  - name: ${name}
    action: host:command
    inputs: { Host: here, Script: 'printf %s "$A-$B"', Env: { A: '{{ ${name} }}', B: '{{ constructor }}' } }
    outputs: [{ Name: toString, Selector: $.Stdout, Type: String }]
    undo: { none: a test }
outputs: [${name}.toString]
`,
  );
  const said = await desk.belay(
    ['run', 'named.yaml', '-y', '-p', `${name}=right`, '--secret', 'constructor=env:C', '--json'],
    { env: { C: 'long-enough' } },
  );
  expect({ code: said.code, stderr: said.stderr }).toMatchObject({ code: 0 });
  expect(said.stdout).toContain('right-***');
});

test('defaults that double each other end in a sentence', async () => {
  const parameters: Record<string, object> = { A0: { type: 'String', default: 'x'.repeat(64) } };
  for (let step = 1; step < 40; step += 1)
    parameters[`A${step}`] = { type: 'String', default: `{{ A${step - 1} }}{{ A${step - 1} }}` };
  document(parameters);
  const text = await desk.belay(['run', 'bad.yaml', '-y']);
  expect(text).toMatchObject({ code: 2, stderr: expect.stringContaining('longer than 4194304 characters') });
  const lists: Record<string, object> = { A0: { type: 'StringMap', default: { a: 'x' } } };
  for (let step = 1; step < 40; step += 1)
    lists[`A${step}`] = {
      type: 'StringMap',
      default: { a: `{{ A${step - 1} }}`, b: `{{ A${step - 1} }}` },
    };
  document(lists);
  const map = await desk.belay(['run', 'bad.yaml', '-y']);
  expect(map).toMatchObject({ code: 2, stderr: expect.stringContaining('longer than 4194304 characters') });
});

test('every value that is pasted into the text of a program is warned of, with the way out', async () => {
  const undo = { none: 'a test' };
  document({ X: { type: 'String', default: 'x' } }, [
    {
      name: 'A',
      action: 'aws:runCommand',
      inputs: {
        DocumentName: 'AWS-RunShellScript',
        InstanceIds: ['here'],
        Parameters: { commands: ['echo got {{ X }}', 'echo right'] },
      },
      undo,
    },
    {
      name: 'B',
      action: 'host:command',
      inputs: { Host: 'here', Command: ['sh', '-c', 'echo got {{ X }}'] },
      undo,
    },
    {
      name: 'C',
      action: 'host:command',
      inputs: { Host: 'here', Command: ['sh', '-c', 'echo got "$1"', 'sh', '{{ X }}'] },
      undo,
    },
  ]);
  const checked = await desk.belay(['validate', 'bad.yaml']);
  const said = checked.stderr + checked.stdout;
  expect(said.match(/EXPRESSION_IN_SCRIPT \(warning\)/g)).toHaveLength(2);
  for (const part of ['step "A"', 'step "B"', 'through Env']) expect(said).toContain(part);
  expect(said).not.toContain('step "C"');
});
