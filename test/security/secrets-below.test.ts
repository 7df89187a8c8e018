/** A secret that is given to a runbook below: whatever that prints, tells or leaves behind, in loops, over targets and after a resume. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Desk, idOf, type Said } from '../support/command-line.ts';
import { forms } from '../support/forms.ts';
import { rowsOf } from '../support/secret-search/forms.ts';

const undo = { none: 'a test' };
const printer = join(import.meta.dirname, 'print-forms.ts');
/** One of its own kind, one that is short, and one that a host may have as a word of its own. */
const secrets = ['Str0ng-and-long', 'k7#x', 'swordfish'];

let desk: Desk;
let told: string;
beforeEach(() => {
  desk = new Desk();
  told = join(desk.folder, 'told');
  const tell = desk.write('tell.sh', `cat >>'${told}'\n`);
  desk.write('belay.yaml', {
    hosts: { here: { transport: 'local' } },
    notify: { all: { command: ['sh', tell], events: ['runFailed'] } },
  });
});
afterEach(() => desk[Symbol.dispose]());

/** In which file, message or line on the terminal a form of the value is. */
function found(value: string, said: readonly Said[]): string[] {
  const files = readdirSync(desk.state, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(desk.state, name)).isFile())
    .map((name): [string, Buffer] => [name, readFileSync(join(desk.state, name))]);
  const kept: readonly (readonly [string, Buffer])[] = [
    ...said.map(({ stdout, stderr }, at): [string, Buffer] => [`said ${at}`, Buffer.from(stdout + stderr)]),
    ...files,
    ['journal', rowsOf(join(desk.state, 'journal.db'))],
    ...(existsSync(told) ? [['told', readFileSync(told)] as const] : []),
  ];
  return Object.entries(forms)
    .map(([name, form]) => [name, form(Buffer.from(value))] as const)
    .filter(([, form]) => form.length >= 8 || form.equals(Buffer.from(value)))
    .flatMap(([name, form]) =>
      kept.flatMap(([place, bytes]) => (bytes.includes(form) ? [`${name} in ${place}`] : [])),
    );
}

function below(Script: string, more: object, outputs: readonly string[]): void {
  desk.write('below.yaml', {
    schemaVersion: '0.3',
    parameters: {
      Key: { type: 'String', secret: true },
      Other: { type: 'String', secret: true },
      Last: { type: 'String', secret: true },
      Which: { type: 'String', default: 'x' },
    },
    outputs,
    mainSteps: [
      {
        name: 'Use',
        action: 'host:command',
        inputs: {
          Host: 'here',
          Env: { S0: '{{ Key }}', S1: '{{ Other }}', S2: '{{ Last }}', W: '{{ Which }}' },
          Script,
          ...more,
        },
        undo,
      },
    ],
  });
}

const given = { Key: '{{ S0 }}', Other: '{{ S1 }}', Last: '{{ S2 }}' };
const call = (name: string, inputs: object = {}) => ({
  name,
  action: 'aws:executeAutomation',
  onFailure: 'Continue',
  inputs: { DocumentName: 'below.yaml', RuntimeParameters: given, ...inputs },
});

function above(...mainSteps: readonly object[]): string {
  return desk.write('above.yaml', {
    schemaVersion: '0.3',
    rollback: { when: 'never' },
    parameters: Object.fromEntries(secrets.map((_, at) => [`S${at}`, { type: 'String', secret: true }])),
    mainSteps,
  });
}

const words = secrets.flatMap((_, at) => ['--secret', `S${at}=env:V${at}`]);
const env = (values: readonly string[]) => Object.fromEntries(values.map((value, at) => [`V${at}`, value]));

test('however a runbook below is called, what it prints of a secret is in no file, no message and on no terminal', async () => {
  below(`'${process.execPath}' '${printer}' 3; printf '%s' "$W"; exit 3`, {}, ['Use.ExitCode']);
  const Targets = [{ Key: 'ParameterValues', Values: ['a', 'b'] }];
  above(
    call('One'),
    call('Over', { TargetParameterName: 'Which', Targets, MaxConcurrency: '2', MaxErrors: '5' }),
    {
      name: 'Loop',
      action: 'aws:loop',
      inputs: {
        Iterators: ['p', 'q'],
        IteratorDataType: 'String',
        Steps: [call('In', { RuntimeParameters: { ...given, Which: '{{ Loop.CurrentIteratorValue }}' } })],
      },
    },
    { name: 'Fail', action: 'host:command', inputs: { Host: 'here', Script: 'exit 1' }, undo },
  );
  const run = await desk.belay(['run', 'above.yaml', '-y', ...words], { env: env(secrets) });
  expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 1 });
  expect(
    run.stderr.match(/what it said is withheld, because the step was given a secret/g)?.length,
  ).toBeGreaterThan(4);
  const id = idOf(run);
  const shown = await desk.belay(['show', id, '--json']);
  const ids = Array.from(
    shown.stdout.matchAll(/"executionId": "([0-9A-Z]+\.[0-9A-Z.]+)"/g),
    ([, one = '']) => one,
  );
  expect(new Set(ids).size).toBe(5);
  expect(readFileSync(told, 'utf8')).toContain('failed at Fail');
  const said = [run, shown];
  for (const one of [id, ids[0] ?? '', ids.at(-1) ?? ''])
    for (const more of [
      ['show', one],
      ['show', one, '--json'],
      ['logs', one],
    ])
      said.push(await desk.belay(more));
  expect(secrets.flatMap((secret) => found(secret, said))).toEqual([]);
}, 120_000);

test.each([
  ['others', ['The-Later-Pass-2', 'z3!q', 'lionheart']],
  ['the same', secrets],
])(
  'resumed with %s, nothing that a step below said of the earlier ones is shown',
  async (_, now) => {
    const gate = join(desk.folder, 'gate');
    below(
      `: >'${gate}.waits'; while [ ! -e '${gate}' ]; do sleep 0.1; done; echo "was $S0 $S1 $S2"; echo "no $S0 $S1 $S2" >&2`,
      { ShowOutput: true },
      ['Use.Stdout', 'Use.ExitCode'],
    );
    above(call('Call'));
    const going = desk.start(['run', 'above.yaml', '-y', ...words], { env: env(secrets) });
    await going.writes(/▸ Use/);
    while (!existsSync(`${gate}.waits`) && going.process.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 20));
    going.process.kill('SIGKILL');
    const id = idOf(await going.said);
    writeFileSync(gate, '');
    const resumed = await desk.belay(['resume', id], { env: env(now) });
    expect({ code: resumed.code, stderr: resumed.stderr }).toMatchObject({ code: 0 });
    const shown = await desk.belay(['show', id, '--json']);
    const said = [resumed, shown, await desk.belay(['logs', id])];
    expect([...secrets, ...now].flatMap((value) => found(value, said))).toEqual([]);
    if (now === secrets) expect(shown.stdout).toContain('was *** *** ***');
    else expect(shown.stdout).not.toContain('was ***');
  },
  120_000,
);

test('a secret that is a word of the host is kept from where others read it in a runbook below as above', async () => {
  desk.write('below.yaml', {
    schemaVersion: '0.3',
    parameters: { Key: { type: 'String', secret: true } },
    mainSteps: [
      {
        name: 'Made',
        action: 'host:command',
        inputs: { Host: 'here', Env: { K: '{{ Key }}' }, Script: 'true' },
        undo,
      },
      {
        name: 'File',
        action: 'host:file',
        inputs: { Host: 'here', Path: join(desk.folder, 'made'), Content: '{{ Key }}' },
      },
    ],
  });
  above(call('Call', { RuntimeParameters: { Key: '{{ S2 }}' } }));
  const run = await desk.belay(['run', 'above.yaml', '-y', ...words], { env: env(secrets) });
  expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 });
  expect(readFileSync(join(desk.folder, 'made'), 'utf8')).toBe('swordfish');
  expect((statSync(join(desk.folder, 'made')).mode & 0o777).toString(8)).toBe('600');
}, 120_000);
