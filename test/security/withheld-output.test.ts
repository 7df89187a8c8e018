/**
 * Somebody wants to read a secret that a program was given, in whichever form the program writes it down. Ten secrets go through what may take
 * one on this machine, and programs print them in more than a hundred forms: nothing of it is in any file, on the terminal or in a message.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { userInfo } from 'node:os';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Desk, idOf, type Said } from '../support/command-line.ts';
import { forms } from '../support/forms.ts';
import { registerSecret } from '../support/secret-search/registry.ts';
import { tenSecrets, token } from '../support/ten-secrets.ts';

const printer = join(import.meta.dirname, 'print-forms.ts');
let desk: Desk;
let server: Server;
let heard: IncomingHttpHeaders[];
beforeEach(async () => {
  desk = new Desk();
  desk.write('belay.yaml', { hosts: { here: { transport: 'local' } } });
  heard = [];
  server = createServer((request, response) => {
    heard.push(request.headers);
    response.end('ok');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  desk[Symbol.dispose]();
  server.close();
});

const hasPython = spawnSync('python3', ['--version']).status === 0;
const names = Array.from({ length: 10 }, (_, index) => `S${index}`);
const env = Object.fromEntries(names.map((name) => [name, `{{ ${name} }}`]));
const print = (code: number, more: object = {}): object => ({
  action: 'host:command',
  undo: { none: 'it only prints' },
  inputs: { Host: 'here', Env: env, Script: `'${process.execPath}' '${printer}' ${code}`, ...more },
});

function write(): string {
  const { port } = server.address() as AddressInfo;
  return desk.write('book.yaml', {
    schemaVersion: '0.3',
    rollback: { when: 'onFailure' },
    parameters: Object.fromEntries(names.map((name) => [name, { type: 'String', secret: true }])),
    mainSteps: [
      { name: 'Print', ...print(0) },
      {
        name: 'Put',
        action: 'host:file',
        inputs: { Host: 'here', Path: join(desk.folder, 'put'), Content: '{{ S4 }}|{{ S3 }}|{{ S0 }}' },
      },
      {
        name: 'Ask',
        action: 'http:check',
        inputs: {
          Host: 'here',
          Url: `http://127.0.0.1:${port}/`,
          Headers: { Authorization: 'Bearer {{ S6 }}' },
        },
      },
      {
        name: 'Check',
        action: 'host:command',
        undo: { none: 'it only looks' },
        inputs: { Host: 'here', Command: ['cp', join(desk.folder, 'put'), join(desk.folder, 'seen')] },
      },
      { name: 'Fail', ...print(3) },
    ],
  });
}

const run = (values: readonly string[], words: readonly string[] = []): Promise<Said> =>
  desk.belay(
    ['run', write(), '-y', ...words, ...names.flatMap((name) => ['--secret', `${name}=env:V${name}`])],
    { env: Object.fromEntries(names.map((name, index) => [`V${name}`, values[index] ?? ''])) },
  );

/** Everything that Belay has written, and what it said. */
function artefacts(said: Said): Buffer {
  const files = readdirSync(desk.state, { recursive: true, encoding: 'utf8' })
    .map((name) => join(desk.state, name))
    .filter((file) => statSync(file).isFile());
  return Buffer.concat([
    Buffer.from(said.stdout),
    Buffer.from(said.stderr),
    ...files.map((file) => readFileSync(file)),
  ]);
}

test('ten secrets in more than a hundred forms: no file, no line on the terminal has one, and what they were for has them whole', async () => {
  expect(Object.keys(forms).length).toBeGreaterThan(100);
  const ordinary = await run(tenSecrets(['absent', '31415926535', 'q4!z']));
  expect(ordinary.code).toBe(3);
  const usual = artefacts(ordinary);
  const values = tenSecrets(['status', '48151623421', 'k7#x']);
  const said = await run(values);
  expect(said).toMatchObject({ code: 3, stderr: expect.stringContaining('rolled back clean') as string });
  expect(readFileSync(join(desk.folder, 'seen'), 'utf8')).toBe(`${values[4]}|${values[3]}|${values[0]}`);
  expect(heard.at(-1)?.authorization).toBe(`Bearer ${values[6]}`);
  expect(said.stderr).toContain('exit code 3, wanted 0: what it said is withheld');

  const kept = artefacts(said);
  const found = values.flatMap((value, index) =>
    Object.entries(forms)
      .map(([name, form]) => [name, form(Buffer.from(value))] as const)
      // A form of a few bytes stands everywhere by chance.
      .filter(([, form]) => form.length >= 8 && kept.includes(form) && !usual.includes(form))
      .map(([name]) => `secret ${index}: ${name}`),
  );
  expect(found).toEqual([]);
  const logs = await desk.belay(['logs', idOf(said), '--step', 'Print']);
  expect(logs.stdout).toContain('[belay: the output is withheld: the step was given a secret');
}, 120_000);

test('what the author asks for is shown, said at the start, and kept in the journal', async () => {
  const file = desk.write('shown.yaml', {
    schemaVersion: '0.3',
    parameters: { S: { type: 'String', secret: true } },
    mainSteps: [
      {
        name: 'Say',
        action: 'host:command',
        undo: { none: 'it only prints' },
        inputs: {
          Host: 'here',
          Env: { S: '{{ S }}' },
          Script: 'echo "it is $S, and more"',
          ShowOutput: true,
        },
      },
    ],
  });
  const value = token();
  registerSecret('a token that is shown masked', [value]);
  const said = await desk.belay(['run', file, '-y', '--secret', 'S=env:V'], { env: { V: value } });
  expect(said.code).toBe(0);
  expect(said.stderr).toContain('ShowOutput: what Say prints is shown, with known forms of secrets masked');
  expect((await desk.belay(['logs', idOf(said)])).stdout).toContain('it is ***, and more');
  const shown = await desk.belay(['show', idOf(said), '--json']);
  expect(shown.stdout).toContain('"ShowOutput": true');
}, 60_000);

test('that output is shown cannot come by an expression, and is not a word of SSM', async () => {
  const file = desk.write('late.yaml', {
    schemaVersion: '0.3',
    parameters: { Show: { type: 'Boolean', default: true } },
    mainSteps: [{ name: 'Say', ...print(0, { Env: {}, ShowOutput: '{{ Show }}' }) }],
  });
  const said = await desk.belay(['validate', file]);
  expect(said.code).toBe(2);
  expect(said.stdout + said.stderr).toContain('ShowOutput is said at the start');
});

test.skipIf(!hasPython)(
  `what a script raises with a secret in it is withheld${hasPython ? '' : ' (skipped: there is no python3)'}`,
  async () => {
    const file = desk.write('script.yaml', {
      schemaVersion: '0.3',
      rollback: { when: 'never' },
      parameters: { S: { type: 'String', secret: true } },
      mainSteps: [
        {
          name: 'Raise',
          action: 'aws:executeScript',
          undo: { none: 'it only raises' },
          inputs: {
            Runtime: 'python3.11',
            Handler: 'go',
            InputPayload: { s: '{{ S }}' },
            Script:
              'def go(events, context):\n  print(events["s"][::-1])\n  raise ValueError(events["s"][::-1])\n',
          },
        },
      ],
    });
    const value = token();
    const said = await desk.belay(['run', file, '-y', '--secret', 'S=env:V'], { env: { V: value } });
    expect(said.code).toBe(1);
    expect(said.stderr).toContain('ValueError: what it said is withheld');
    const backwards = Array.from(value).toReversed().join('');
    expect(artefacts(said).includes(backwards)).toBe(false);
  },
  60_000,
);

test('a message of an approval shows no secret that stands in it', async () => {
  const file = desk.write('ask.yaml', {
    schemaVersion: '0.3',
    parameters: { S: { type: 'String', secret: true } },
    mainSteps: [
      {
        name: 'Ask',
        action: 'aws:approve',
        inputs: { Approvers: [userInfo().username], Message: 'Use {{ S }}?' },
      },
    ],
  });
  const value = token();
  const said = await desk.belay(['run', file, '-y', '--no-wait', '--secret', 'S=env:V'], {
    env: { V: value },
  });
  expect(said.code).toBe(6);
  const kept = artefacts(said);
  for (const form of Object.values(forms)) expect(kept.includes(form(Buffer.from(value)))).toBe(false);
}, 60_000);
