/** Bytes that are not UTF-8 are refused with their place, wherever text comes from; a byte order mark is not a part of a text. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { builtBelay } from '../support/built.ts';
import { Desk } from '../support/command-line.ts';

const latin = Buffer.from('passwört', 'latin1');
const bom = Buffer.from([0xef, 0xbb, 0xbf]);
let desk: Desk;
beforeEach(() => {
  desk = new Desk();
  desk.write('belay.yaml', { hosts: { here: { transport: 'local' } } });
  desk.write('say.yaml', {
    schemaVersion: '0.3',
    parameters: { S: { type: 'String', secret: true }, P: { type: 'String', default: 'x' } },
    mainSteps: [
      {
        name: 'Say',
        action: 'host:command',
        inputs: {
          Host: 'here',
          Env: { S: '{{ S }}', P: '{{ P }}' },
          Script: `printf %s "$S" >'${join(desk.folder, 'S')}'; printf %s "$P" >'${join(desk.folder, 'P')}'`,
        },
        undo: { none: 'a test' },
      },
    ],
  });
});
afterEach(() => desk[Symbol.dispose]());

const bytes = (name: string, content: Uint8Array): string => {
  desk.write(name, '');
  writeFileSync(join(desk.folder, name), content);
  return join(desk.folder, name);
};
/** Words and environment as bytes, which Node's own spawn cannot give. */
async function shell(script: string): Promise<{ code: number; stderr: string }> {
  const env = { ...process.env, BELAY: builtBelay(), NODE: process.execPath, BELAY_STATE: desk.state };
  const file = bytes('run.sh', Buffer.from(script, 'latin1'));
  const run = promisify(execFile)('bash', [file], { cwd: desk.folder, env });
  return run.then(
    ({ stderr }) => ({ code: 0, stderr }),
    (error: { code: number; stderr: string }) => ({ code: error.code, stderr: error.stderr }),
  );
}

test('a runbook, a parameter file and belay.yaml are shown where it stands', async () => {
  const text = Buffer.from(
    "schemaVersion: '0.3'\nmainSteps:\n  - { name: F, action: 'aws:sleep', inputs: { Duration: 'ä' } }\n",
    'latin1',
  );
  bytes('latin.yaml', text);
  const checked = await desk.belay(['validate', 'latin.yaml']);
  expect(checked.code).not.toBe(0);
  for (const part of ['latin.yaml:3:58', 'NOT_UTF8', '0xE4', '^', 'iconv -f WINDOWS-1252'])
    expect(checked.stderr + checked.stdout).toContain(part);
  bytes('p.yaml', Buffer.from('P: wört\n', 'latin1'));
  const words = ['run', 'say.yaml', '-y', '--secret', `S=file:${desk.write('pw', 'long-enough')}`];
  const params = await desk.belay([...words, '--params-file', 'p.yaml']);
  expect(params).toMatchObject({ code: 2, stderr: expect.stringContaining('p.yaml:1:5') });
  bytes('belay.yaml', Buffer.from('# für alle\nhosts: { here: { transport: local } }\n', 'latin1'));
  const configuration = await desk.belay(words);
  expect(configuration).toMatchObject({ code: 2, stderr: expect.stringContaining('belay.yaml:1:4') });
});

test('a secret of a file, of standard input and of the environment is refused, and not a byte of it shown', async () => {
  const file = bytes('latin.pw', latin);
  const said = [
    await desk.belay(['run', 'say.yaml', '-y', '--secret', `S=file:${file}`]),
    await shell(`printf 'passw\xf6rt' | "$NODE" "$BELAY" run say.yaml -y --secret S=-`),
    await shell(`S=$'passw\xf6rt' "$NODE" "$BELAY" run say.yaml -y --secret S=env:S`),
  ];
  for (const { code, stderr } of said) {
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('is not UTF-8') });
    expect(stderr).not.toMatch(/passw/);
  }
  expect((await desk.belay(['list'])).stdout).not.toContain('say');
});

test('a word of the command line is refused', async () => {
  const said = await shell(`S=long-enough "$NODE" "$BELAY" run say.yaml -y --secret S=env:S -p P=$'w\xf6rt'`);
  expect(said).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('word 7 of the command line is not UTF-8'),
  });
});

test('what is UTF-8 arrives byte for byte, U+FFFD included, and without a byte order mark', async () => {
  const file = bytes('bom.pw', Buffer.concat([bom, Buffer.from('passwört \ufffd\n')]));
  writeFileSync(join(desk.folder, 'p.yaml'), Buffer.concat([bom, Buffer.from('P: wört \ufffd 😀\n')]));
  const run = await desk.belay([
    'run',
    'say.yaml',
    '-y',
    '--secret',
    `S=file:${file}`,
    '--params-file',
    'p.yaml',
  ]);
  expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 });
  expect(readFileSync(join(desk.folder, 'S'), 'utf8')).toBe('passwört \ufffd');
  expect(readFileSync(join(desk.folder, 'P'), 'utf8')).toBe('wört \ufffd 😀');
  const env = await desk.belay(['run', 'say.yaml', '-y', '--secret', 'S=env:S', '-p', 'P=\ufffd'], {
    env: { S: 'real \ufffd mark' },
  });
  expect({ code: env.code, stderr: env.stderr }).toMatchObject({ code: 0 });
  expect(readFileSync(join(desk.folder, 'S'), 'utf8')).toBe('real \ufffd mark');
});

const commandOf = (name: string, Script: string, more: object = {}): object => ({
  name,
  action: 'host:command',
  inputs: { Host: 'here', Script },
  undo: { none: 'a test' },
  ...more,
});
const runbook = (...mainSteps: object[]): string =>
  desk.write('bytes.yaml', { schemaVersion: '0.3', mainSteps });

test('what a host prints is shown as escapes, and is not a value for another step', async () => {
  const print = commandOf('Print', "printf 'w\\366rt'");
  runbook(print, commandOf('Other', 'true'));
  const shown = await desk.belay(['run', 'bytes.yaml', '-y', '--json']);
  expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining('w\\\\xf6rt')]);
  expect(shown.stdout).not.toContain('\ufffd');
  const path = join(desk.folder, 'written');
  const write = {
    name: 'Write',
    action: 'host:file',
    inputs: { Host: 'here', Path: path, Content: '{{ Print.Stdout }}' },
  };
  runbook(print, write);
  const said = await desk.belay(['run', 'bytes.yaml', '-y']);
  expect(said.code).not.toBe(0);
  expect(said.stderr).toContain('takes Stdout as a value, and byte 2 is 0xf6, which is not UTF-8 there');
  expect(existsSync(path)).toBe(false);
});

test('what an undo is to put back is refused before the step acts, where no text can hold it', async () => {
  const path = bytes('old', Buffer.from('wört', 'latin1'));
  const act = commandOf('Act', `printf new >'${path}'`, {
    capture: { Old: `cat '${path}'` },
    undo: [
      {
        name: 'Back',
        action: 'host:file',
        inputs: { Host: 'here', Path: path, Content: '{{ before.Old }}' },
      },
    ],
  });
  runbook(act);
  const said = await desk.belay(['run', 'bytes.yaml', '-y']);
  expect([said.code, said.stderr]).toEqual([
    1,
    expect.stringContaining('the capture Old printed bytes on here that are no text (UTF-8)'),
  ]);
  expect(readFileSync(path)).toEqual(Buffer.from('wört', 'latin1'));
});
